"""What is in quarantine: which rows of a source could not be used, why, where they lie, and some of them."""

from collections import Counter
from dataclasses import dataclass

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
    kinds = []
    for table in TABLES:
        refused = platform.lake.refused(table).to_pylist()
        counts = Counter((row["reason"], row["field"]) for row in refused)
        for (reason, field), count in counts.most_common():
            rows = [row for row in refused if (row["reason"], row["field"]) == (reason, field)]
            examples = tuple(RefusedRow(row["value"], row["row"]) for row in rows[:EXAMPLES])
            kinds.append(RefusedKind(table, reason, field, count, rows[0]["remedy"], examples))
    return Refused(str(platform.settings.quarantine), tuple(kinds))
