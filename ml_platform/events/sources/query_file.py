"""The query file of a database source: below each line ``-- table: events`` the query of that table."""

import re

from ml_platform.errors import SourceError
from ml_platform.events.schema import TABLES

_SECTION = re.compile(r"^--\s*table:\s*(\S+)\s*$", re.MULTILINE)


def statements(text: str, file_name: str) -> dict[str, str]:
    """The SQL statement of each table of a query file; ``file_name`` is for messages.

    Raises:
        SourceError: no section of events, or a section of an unknown table, given twice, or without a query.
    """
    _, *parts = _SECTION.split(text)
    by_table: dict[str, str] = {}
    for table, body in zip(parts[::2], parts[1::2], strict=True):
        statement = body.strip().rstrip(";").strip()
        if table not in TABLES or table in by_table or not statement:
            raise SourceError(
                f"{file_name}: the section {table!r} is unknown, there twice, or without a query.",
                remedy=f"One `-- table: NAME` and one SELECT for each of {', '.join(TABLES)}.",
            )
        by_table[table] = statement
    if "events" not in by_table:
        raise SourceError(
            f"{file_name} has no section of events.",
            remedy="Write `-- table: events` above its query.",
        )
    return by_table
