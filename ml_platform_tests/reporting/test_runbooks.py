"""Runbooks as pages: every kind of incident has one, nothing of its text is lost, no link leads nowhere."""

import re

import pytest

from ml_platform import resources
from ml_platform.monitoring.incidents.kinds import IncidentKind, runbook_of
from ml_platform.reporting.runbooks import _rendered, runbook_html, runbook_names


@pytest.mark.parametrize("name", runbook_names())
def test_a_runbook_is_rendered_whole_with_links_that_lead_to_pages(name: str) -> None:
    html = runbook_html(name)
    assert html is not None
    text = (resources.runbooks() / f"{name}.md").read_text()
    for word in re.findall(r"[A-Za-z]{4,}", re.sub(r"\]\([^)]*\)", "]", text)):
        assert word in html
    assert "**" not in html
    assert "](" not in html
    links = set(re.findall(r'href="(/runbooks/[^"]*)"', html))
    assert links == {f"/runbooks/{each}" for each in runbook_names()}


def test_every_kind_of_incident_has_a_page() -> None:
    for kind in IncidentKind:
        assert runbook_of(kind) == f"docs/runbooks/{kind.value}.md"
        assert runbook_html(kind.value) is not None


@pytest.mark.parametrize("name", ["", "gone", "../monitoring", "feature_drift.md", "a" * 200])
def test_other_names_are_none(name: str) -> None:
    assert runbook_html(name) is None


def test_what_is_written_as_html_is_shown_as_text() -> None:
    assert "<script" not in _rendered("# Title\n\n<script>x</script> `<b>`")
