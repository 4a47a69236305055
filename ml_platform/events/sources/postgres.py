"""Rows of a PostgreSQL database, by a query a table; the connection is the caller's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.schema import TABLES

Query = Callable[[str, str], Iterator[pa.Table]]
"""``query(url, sql)`` streams the rows of one statement."""

_SECTION = re.compile(r"^--\s*table:\s*(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class PostgresSource:
    """``postgres:URL`` with a query file: below each line ``-- table: events`` the query of that table."""

    url: str
    query_file: Path
    query: Query
    simulated: bool = False
    live: bool = True

    @property
    def name(self) -> str:
        """``postgres:`` and the URL, without user and password."""
        parts = urlsplit(self.url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        return f"postgres://{host}{parts.path}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """As `Source.batches`; the queries' columns carry our names."""
        for table, statement in sections(self.query_file).items():
            for rows in self.query(self.url, statement):
                yield table, rows


def sections(path: Path) -> dict[str, str]:
    """The statement of each table of a query file.

    Raises:
        SourceError: no such file, no section, a table we do not have, twice the same, or no query.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The query file {path} cannot be read: {error}.", remedy="Correct its path."
        ) from error
    _, *parts = _SECTION.split(text)
    found: dict[str, str] = {}
    for table, body in zip(parts[::2], parts[1::2], strict=True):
        statement = body.strip().rstrip(";").strip()
        if table not in TABLES or table in found or not statement:
            raise SourceError(
                f"{path}: the section {table!r} is unknown, there twice, or without a query.",
                remedy=f"One `-- table: NAME` and one SELECT for each of {', '.join(TABLES)}.",
            )
        found[table] = statement
    if "events" not in found:
        raise SourceError(
            f"{path} has no section of events.", remedy="Write `-- table: events` above its query."
        )
    return found
