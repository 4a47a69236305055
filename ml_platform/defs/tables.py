"""Metadata that people read in Dagster: tables and plots."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#!|~&$^\"])")
_ADDRESS = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
"""What Markdown makes a link of by itself, whatever stands before it."""


def table(rows: Iterable[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """A Markdown table; all rows have the columns of the first, numbers four digits, ``None`` an empty cell."""
    listed = list(rows)
    if not listed:
        return dg.MetadataValue.md("(none)")
    columns = list(listed[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[c]) for c in columns) + " |" for row in listed]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return literal(str(value))


def literal(text: str) -> str:
    """The text as Markdown that shows it as it is: no name from the data becomes a link, a picture or HTML."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if _ADDRESS.search(line) is None:
        return _MARKS.sub(r"\\\1", line)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line.replace('|', chr(92) + '|')} {fence}"


def image(png: bytes, title: str) -> dg.MetadataValue[Any]:
    """A PNG as Markdown that Dagster's UI shows in place."""
    return dg.MetadataValue.md(
        f"![{literal(title)}](data:image/png;base64,{base64.b64encode(png).decode()})"
    )
