"""What every page rests on: a strict template, and a stylesheet whose colours exist."""

import re
from importlib.resources import files
from types import SimpleNamespace

import jinja2
import pytest

from ml_platform.reporting.canvas import SERIES_COLOURS
from ml_platform.reporting.components import Tone, TrackScale
from ml_platform.reporting.page import anchor, colours, render, stylesheet, with_links

PACKAGE = "ml_platform.reporting.templates"


def test_a_view_that_lacks_what_its_template_names_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="model"):
        render("monitoring.html.j2", SimpleNamespace(title="t"))


SCRIPT = '<script src="{{ static_address("ask.js") }}" defer></script>{% endblock %}'
"""The one script, a file of the service."""


def test_every_page_has_the_one_frame_and_no_way_round_it():
    templates = {path.name: path.read_text() for path in files(PACKAGE).iterdir()}
    pages = {name for name in templates.keys() - {"base.html.j2"} if "components" not in name}
    assert pages >= {"evaluation.html.j2", "monitoring.html.j2", "overview.html.j2"}
    frames = tuple(f'{{% extends "{frame}.html.j2" %}}' for frame in ("base", "service"))
    assert all(templates[name].startswith(frames) for name in pages)
    assert templates["service.html.j2"].startswith(frames[0])
    for name, text in templates.items():
        assert not re.search(r"\|\s*safe|autoescape", text)
        scripts = re.findall(r"<script.*", text)
        assert scripts == ([SCRIPT] if name == "model.html.j2" else [])
    assert [name for name, text in templates.items() if "<style" in text] == ["base.html.j2"]


def test_every_colour_is_declared_once_and_at_the_top():
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", stylesheet()))
    made_here = {"tone", "tint", "key", "share"}
    assert used - made_here <= set(colours())
    assert {f"series-{place + 1}" for place in range(SERIES_COLOURS)} <= set(colours())
    _, _, rules = stylesheet().partition("/* Text */")
    assert not re.search(r"#[0-9a-f]{3,6}\b", rules)


def test_every_tone_is_a_class_of_the_stylesheet():
    for tone in Tone:
        assert f".{tone} {{ --tone:" in stylesheet()


def test_an_anchor_is_plain():
    assert anchor("dimension error_gap É") == "dimension-error-gap--"


def test_a_track_by_hand():
    """Values 1 to 2 with a margin of .12 on both sides: 1 lies at .12 / 1.24 = 9.68 %."""
    track = TrackScale.around((1.0, 2.0)).track(1.5, 1.0, 2.0, Tone.GOOD, limit=1.5, at_most=True)
    assert (track.low, track.width, track.value, track.limit) == (9.68, 80.64, 50.0, 50.0)
    assert track.forbidden == (50.0, 50.0)
    above = TrackScale.around((3.0,)).track(3.0, 3.0, 3.0, Tone.BAD, limit=3.0, at_most=False)
    assert above.forbidden == (0.0, above.limit)


def test_links_stand_at_the_top_of_a_stored_page_alone() -> None:
    page = "<style>main { }</style><main>\n<h1>a</h1> &lt;main&gt;</main>"
    linked = with_links(page, (("/", "All"), ("/models/a", "<b>")))
    assert linked == page.replace(
        "<main>",
        '<main>\n<p class="kicker"><a href="/">All</a> · <a href="/models/a">&lt;b&gt;</a></p>',
    )
    assert with_links("newest", (("/", "x"),)) == "newest"
