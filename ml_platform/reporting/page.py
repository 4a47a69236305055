"""The frame of every page: templates, the stylesheet and its colours, one function that renders.

A page is one file for a browser: no script, nothing fetched, every text escaped. Pages of the service alone
(``service.html.j2``) fetch the same stylesheet, and their scripts, from the service. A new page is a module that
prepares a frozen view (figures already written as words) and a template that lays it out:

    render("monitoring.html.j2", view)
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_PACKAGE = "ml_platform.reporting"
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")


@cache
def static_file(name: str) -> str:
    """The text of a file of ``static/``."""
    return (files(_PACKAGE) / "static" / name).read_text(encoding="utf-8")


def stylesheet() -> str:
    """The text of ``static/style.css``, which each page carries inline."""
    return static_file("style.css")


@cache
def static_address(name: str) -> str:
    """The address of a file of ``static/`` on the pages of the service: another text has another one.

    >>> static_address("style.css").startswith("/static/style.css?v=")
    True
    """
    digest = hashlib.sha256(static_file(name).encode()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@cache
def colours() -> Mapping[str, str]:
    """The colours that the stylesheet declares, by name without its dashes: ``ink`` is '#1f2937'."""
    return MappingProxyType(dict(_COLOUR.findall(stylesheet())))


def anchor(name: str) -> str:
    """``name`` as the id of a section: small ASCII letters and digits, hyphens for everything else."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["anchor"] = anchor
    environment.globals["static_address"] = static_address
    environment.globals["stylesheet"] = Markup(stylesheet())  # ours: nothing in it comes from data
    return environment


def render(template: str, view: Any) -> str:
    """The page that ``template`` makes of ``view``; equal views give the same text.

    Raises:
        jinja2.UndefinedError: the template names something that the view does not have.
    """
    return _environment().get_template(template).render(view=view)


def render_text(template: str, view: Any) -> str:
    """As `render`, for a template that is given as text: a page of a command beside the platform."""
    return _environment().from_string(template).render(view=view)


def with_links(page: str, links: Sequence[tuple[str, str]]) -> str:
    """A page that was written as a file, with links (address and text) at its top: a file has no other pages.

    Only the frame of a page has an unescaped ``<main>``, so the first one is its own.
    """
    shown = Markup(" · ").join(Markup('<a href="{}">{}</a>').format(*link) for link in links)
    return page.replace("<main>", f'<main>\n<p class="kicker">{shown}</p>', 1)
