"""The frame of every page: templates, the stylesheet and its colours, one function that renders.

A page is one file for a browser: no script, nothing fetched, every text escaped. A new page is a module that
prepares a frozen view (figures already written as words) and a template that lays it out:

    render("monitoring.html.j2", view)
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_PACKAGE = "ml_platform.reporting"
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")


@cache
def stylesheet() -> str:
    """The text of ``static/style.css``, which each page carries inline."""
    return (files(_PACKAGE) / "static" / "style.css").read_text(encoding="utf-8")


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
    environment.globals["stylesheet"] = Markup(stylesheet())  # ours: nothing in it comes from data
    return environment


def render(template: str, view: Any) -> str:
    """The page that ``template`` makes of ``view``; equal views give the same text.

    Raises:
        jinja2.UndefinedError: the template names something that the view does not have.
    """
    return _environment().get_template(template).render(view=view)
