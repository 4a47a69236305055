"""Runbooks as pages: what to do about each kind of incident, from ``docs/runbooks`` in Markdown."""

import re
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from ml_platform import resources
from ml_platform.reporting.page import render

_NAME = re.compile(r"[a-z][a-z_]{0,60}")
_ELSEWHERE = re.compile(r"\[([^\]]+)\]\(\.\./([a-z_/]+\.md)\)")
"""A link to a document that is no runbook."""


@dataclass(frozen=True)
class RunbookPage:
    """What ``runbook.html.j2`` lays out."""

    title: str
    text: Markup
    """The runbook as HTML; it is the platform's own and holds nothing that comes from data."""
    others: tuple[tuple[str, str], ...]
    """Addresses and titles of all runbooks."""


def runbook_names() -> tuple[str, ...]:
    """The names of all runbooks, such as 'feature_drift'."""
    return tuple(sorted(path.stem for path in resources.runbooks().glob("*.md")))


def runbook_address(name: str) -> str:
    """The page of a runbook on the service."""
    return f"/runbooks/{name}"


@cache
def runbook_html(name: str) -> str | None:
    """The page of a runbook; ``None`` where there is none of this name."""
    if not _NAME.fullmatch(name) or name not in runbook_names():
        return None
    text = _text(name)
    others = tuple((runbook_address(each), _title(_text(each))) for each in runbook_names())
    return render("runbook.html.j2", RunbookPage(_title(text), _rendered(text), others))


def _text(name: str) -> str:
    return (resources.runbooks() / f"{name}.md").read_text(encoding="utf-8")


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ").strip()


def _rendered(text: str) -> Markup:
    """The text below the title as HTML: raw HTML is escaped, links lead to runbooks, other documents are named."""
    from markdown_it import MarkdownIt

    body = _ELSEWHERE.sub(r"\1 (`docs/\2`)", text.partition("\n")[2])
    reader = MarkdownIt("commonmark", {"html": False})
    tokens = reader.parse(body)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                target = str(child.attrGet("href") or "")
                child.attrSet("href", runbook_address(target.removesuffix(".md")))
    return Markup(
        reader.renderer.render(tokens, reader.options, {})
    )  # markdown-it escapes the text
