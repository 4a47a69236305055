"""Rows of features that somebody types or has in a file: JSON, lines of JSON, or CSV."""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_platform.client import Row
from ml_platform.errors import UsageError

MOST_ROWS = 10_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_OF_A_ROW = {"features", "user_id", "row_id"}


def typed_row(pairs: Sequence[str]) -> dict[str, Any]:
    """The row of ``KEY=VALUE`` pairs; a value is JSON where it can be, else a text.

    >>> typed_row(["hour=9", "tool=git", "words=[]", "team=null"])
    {'hour': 9, 'tool': 'git', 'words': [], 'team': None}

    Raises:
        UsageError: a pair has no ``=``, or a key comes twice.
    """
    row: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            raise UsageError(
                f"--row {pair[:80]!r} is not KEY=VALUE.", remedy="such as --row hour=9"
            )
        if key in row:
            raise UsageError(f"--row gives {key[:80]!r} twice.", remedy="give each key once")
        row[key] = _typed(text)
    return row


def _typed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(text: str) -> Any:
    raise ValueError(text)


def rows_in(text: str, name: str) -> list[Row]:
    """The rows of a file: one JSON object, a list of them, an object a line, or CSV with a header.

    An object is the features, or has them under ``features`` beside ``user_id`` and ``row_id``.

    Args:
        text: The content.
        name: What messages call it.

    Raises:
        UsageError: it is none of these, has no row, or too many.
    """
    text = text.removeprefix("\ufeff")
    is_json = text.lstrip()[:1] in ("{", "[")
    found = _json_rows(text, name) if is_json else _csv_rows(text, name)
    if not 1 <= len(found) <= MOST_ROWS:
        raise UsageError(
            f"{name} has {len(found):,} rows.", remedy=f"give 1 to {MOST_ROWS:,} rows of features"
        )
    return [_row(each, place, name) for place, each in enumerate(found, 1)]


def _row(found: Any, place: int, name: str) -> Row:
    if not isinstance(found, dict):
        raise UsageError(
            f"Row {place} of {name} is no object: {str(found)[:40]!r}.",
            remedy="give an object with every feature by its name",
        )
    features = found.get("features")
    if not (isinstance(features, Mapping) and found.keys() <= _OF_A_ROW):
        return Row(found)
    for key in ("user_id", "row_id"):
        if not isinstance(found.get(key, ""), str):
            raise UsageError(
                f"{key} in row {place} of {name} is no text: {str(found[key])[:40]!r}.",
                remedy="put it in quotes, or leave it out",
            )
    return Row(features, found.get("user_id"), found.get("row_id", ""))


def _json_rows(text: str, name: str) -> list[Any]:
    try:
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    except RecursionError as error:
        raise _unreadable(name, "it is nested too deeply") from error
    except ValueError as error:
        if text.lstrip().startswith("["):
            raise _unreadable(name, str(error)) from error
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise _unreadable(name, f"line {number} is no JSON") from error
    return rows


def _csv_rows(text: str, name: str) -> list[Any]:
    lines = csv.reader(text.splitlines(), strict=True)
    try:
        table = [line for line in lines if line]
    except csv.Error as error:
        raise _unreadable(name, str(error)) from error
    if not table:
        return []
    header, *rest = table
    if len(set(header)) < len(header) or not all(header):
        raise _unreadable(name, "two columns have the same name, or one has none")
    for number, line in enumerate(rest, 2):
        if len(line) != len(header):
            raise _unreadable(
                name, f"row {number} has {len(line)} values, the header {len(header)}"
            )
    return [dict(zip(header, map(_cell, line), strict=True)) for line in rest]


def _cell(text: str) -> float | str | None:
    """The value of a cell: nothing, a number where it looks like one, or a text."""
    if not text:
        return None
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _unreadable(name: str, why: str) -> UsageError:
    return UsageError(
        f"{name} cannot be read: {why}.",
        remedy="give a JSON object, a list of them, one a line, or CSV with a header",
    )
