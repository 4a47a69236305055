"""Rows of the databases that are a person's, or that name one: deleted, written again, or only found."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg2
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml_platform import values
from ml_platform.adapters.database_urls import connect
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.interface import Ledger
from ml_platform.retention.forgotten import Redaction
from ml_platform.retention.mentions import Mentions

REPORTS = "evaluation_reports"
_REWRITTEN = (
    "baselines",
    "monitoring_reports",
    "alerts",
    "retraining_requests",
    "outbox",
    "home_state",
    "repeated_requests",
)
"""Tables of the ledger in whose texts something else is put in the place of a name."""
_ROWS = ("predictions", "outcomes", "answers", "api_keys", "inbox", "feedback")
"""Tables whose rows are found by their columns; see `PersonRows`, `answer_rows`, `key_rows` and `posted_rows`."""
_IDS = """
SELECT DISTINCT row_id FROM predictions WHERE user_id = :user
"""
_OUTCOMES = """
{what} FROM outcomes WHERE row_id = ANY(:rows)
OR (model, row_id) IN (SELECT model, row_id FROM predictions WHERE user_id = :user)
"""
_PREDICTIONS = "{what} FROM predictions WHERE user_id = :user OR row_id = ANY(:rows)"
_COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns c
JOIN pg_class k ON k.relname = c.table_name AND k.relkind = 'r'
JOIN pg_namespace n ON n.oid = k.relnamespace AND n.nspname = c.table_schema
WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
AND c.data_type IN ('text', 'character varying', 'json', 'jsonb')
ORDER BY 1, 2, 3
"""
_ROWS_A_FETCH = 500
_SECONDS_FOR_A_LOCK = 60
_MOST_SEGMENTS = 64


@dataclass(frozen=True)
class NamingText:
    """A column of a table with texts that name the person."""

    database: str
    schema: str
    table: str
    column: str
    rows: tuple[str, ...]
    """Their places in the table, as PostgreSQL names them."""
    keys: frozenset[str] = frozenset()
    """Of evaluation reports their ids."""

    @property
    def name(self) -> str:
        """The column as a person may look for it."""
        schema = "" if self.schema == "public" else f"{self.schema}."
        return f"{self.database}: {schema}{self.table}.{self.column}"

    @property
    def rewritten(self) -> bool:
        """Whether its texts can be written again: those of the ledger where nothing rests on their bytes."""
        if self.database != "ml_platform":
            return True
        named = self.table in (*_REWRITTEN, REPORTS) or self.table.startswith(
            "answer_payloads_day_"
        )
        return self.schema == "public" and named


class PersonRows:
    """The predictions of a person, and how they turned out."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def row_ids(self, user_id: str) -> frozenset[str]:
        """The ids of the rows that were predicted for the person."""
        with self._engine.connect() as connection:
            return frozenset(connection.execute(sa.text(_IDS), {"user": user_id}).scalars())

    def count(self, user_id: str, row_ids: frozenset[str]) -> dict[str, int]:
        """How many predictions and outcomes are the person's."""
        asked = {"user": user_id, "rows": sorted(row_ids)}
        with self._engine.connect() as connection:
            return {
                table: int(connection.scalar(sa.text(query.format(what="SELECT count(*)")), asked))
                for table, query in (("predictions", _PREDICTIONS), ("outcomes", _OUTCOMES))
            }

    def remove(self, user_id: str, row_ids: frozenset[str]) -> None:
        """Delete them, outcomes first, in one transaction; the hashes of their days follow."""
        asked = {"user": user_id, "rows": sorted(row_ids)}
        with self._engine.begin() as connection:
            for query in (_OUTCOMES, _PREDICTIONS):
                connection.execute(sa.text(query.format(what="DELETE")), asked)


class DatabaseTexts:
    """Every text in every table of one database."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self._url = name, url
        self._engine: Engine = (
            ledger_engine(url)
            if name == "ml_platform"
            else sa.create_engine(url, hide_parameters=True)
        )

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def naming(self, mentions: Mentions) -> Iterator[NamingText]:
        """The columns in which the person is named, but of tables whose rows are found by their columns."""
        with self._engine.connect() as connection:
            columns = connection.execute(sa.text(_COLUMNS)).all()
            for schema, table, column in [tuple(map(str, row)) for row in columns]:
                if self.name == "ml_platform" and schema == "public" and table.startswith(_ROWS):
                    continue
                key = "id" if table == REPORTS else "''"
                query = f'SELECT ctid::text, {key}, "{column}"::text FROM "{schema}"."{table}"'
                rows = connection.execution_options(yield_per=_ROWS_A_FETCH).execute(sa.text(query))
                named = [
                    (str(place), str(key))
                    for place, key, text in rows
                    if mentions.count(str(text or ""))
                ]
                if named:
                    places, keys = zip(*named, strict=True)
                    yield NamingText(self.name, schema, table, column, places, frozenset(keys))

    def rewrite(self, naming: NamingText, mentions: Mentions) -> None:
        """Put something else in the place of each name."""
        target, column = f'"{naming.schema}"."{naming.table}"', f'"{naming.column}"'
        read = sa.text(f"SELECT {column}::text FROM {target} WHERE ctid = CAST(:place AS tid)")
        kind = sa.text(f"SELECT pg_typeof({column})::text FROM {target} LIMIT 1")
        with self._engine.begin() as connection:
            cast = connection.scalar(kind)
            write = sa.text(
                f"UPDATE {target} SET {column} = CAST(:text AS {cast}) WHERE ctid = CAST(:place AS tid)"
            )
            for place in naming.rows:
                text = connection.scalar(read, {"place": place})
                if text:
                    connection.execute(write, {"place": place, "text": mentions.without(text)})


def redact_reports(
    ledger: Ledger, naming: NamingText, mentions: Mentions, at: datetime, kept: frozenset[str]
) -> None:
    """Take the ids out of evaluation reports; the ledger keeps which these were, and their hash since."""
    for report_id in sorted(naming.keys - kept):
        report = ledger.report_text(report_id)
        if report is not None:
            body = mentions.without(report)
            ledger.redact_report(Redaction(report_id, values.text_sha256(body), at), body)


def rewrite_pages(url: str, *, own_server: bool) -> str:
    """Let PostgreSQL write its tables anew, so that rows which were deleted are on no page of it.

    On a server of the platform's own its log of changes goes on in a new file, too, and the old ones are removed.
    Returns why it could not; empty where it could.
    """
    try:
        connection = connect(url)
        try:
            cursor = connection.cursor()
            cursor.execute(f"SET lock_timeout = '{_SECONDS_FOR_A_LOCK}s'")
            cursor.execute("VACUUM (FULL, ANALYZE)")
            # Statistics quote values, and those from before lie where counting anew has replaced them.
            cursor.execute("VACUUM FULL pg_statistic")
            if own_server:
                _begin_new_log(cursor)
        finally:
            connection.close()
    except psycopg2.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def _begin_new_log(cursor: "psycopg2.extensions.cursor") -> None:
    """Leave the files of the log, those that were prepared for later ones as well, and have them removed."""
    cursor.execute("ALTER SYSTEM SET wal_recycle = off")
    cursor.execute("SELECT pg_reload_conf()")
    try:
        for _ in range(_MOST_SEGMENTS):
            cursor.execute(
                "SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_lsn())"
            )
            ahead = cursor.fetchone()[0]
            cursor.execute("SELECT pg_logical_emit_message(false, 'ml-platform', '')")
            cursor.execute("SELECT pg_switch_wal()")
            if not ahead:
                break
        cursor.execute("CHECKPOINT")
        cursor.execute("CHECKPOINT")
    finally:
        with suppress(psycopg2.Error):
            cursor.execute("ALTER SYSTEM RESET wal_recycle")
            cursor.execute("SELECT pg_reload_conf()")
