"""Metadata that people read in Dagster: tables and plots."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg


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
    return str(value).replace("|", "\\|")


def image(png: bytes, title: str) -> dg.MetadataValue[Any]:
    """A PNG as Markdown that Dagster's UI shows in place."""
    return dg.MetadataValue.md(
        f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"
    )
