"""What is in quarantine: which rows of a source could not be used, why, where they lie, and some of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.application.connections import Connections
from ml_platform.events.schema import TABLES

EXAMPLES = 3
"""Rows that are shown of each kind."""


@dataclass(frozen=True)
class RefusedRow:
    """A refused row: the value that it was refused for, and the row as the source gave it, as JSON."""

    value: str
    row: str


@dataclass(frozen=True)
class RefusedKind:
    """Rows of one table that were refused for the same reason in the same field."""

    table: str
    reason: str
    field: str
    rows: int
    remedy: str
    examples: tuple[RefusedRow, ...]
    """The first `EXAMPLES` by value."""


@dataclass(frozen=True)
class Refused:
    """The quarantine of a home, the most frequent kind of each table first."""

    folder: str
    """Below it a folder a table with Parquet files."""
    kinds: tuple[RefusedKind, ...]


def list_refused(platform: Connections) -> Refused:
    """List the quarantine of a home; nothing needs to be started for it."""
    kinds = tuple(
        kind for table in TABLES for kind in _kinds_of(table, platform.lake.refused(table))
    )
    return Refused(str(platform.settings.quarantine), kinds)


def _kinds_of(table: str, refused: pa.Table) -> Iterator[RefusedKind]:
    """The kinds of one table; of its rows, which may be millions, only the examples become Python's."""
    counts = refused.group_by(["reason", "field"], use_threads=False).aggregate([([], "count_all")])
    order = [("count_all", "descending"), ("reason", "ascending"), ("field", "ascending")]
    for kind in counts.sort_by(order).to_pylist():
        alike = (pc.field("reason") == kind["reason"]) & (pc.field("field") == kind["field"])
        rows = refused.filter(alike).slice(0, EXAMPLES).to_pylist()
        examples = tuple(RefusedRow(row["value"], row["row"]) for row in rows)
        remedy = rows[0]["remedy"]
        yield RefusedKind(table, kind["reason"], kind["field"], kind["count_all"], remedy, examples)
