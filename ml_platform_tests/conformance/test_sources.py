"""What every source promises: the same batches again, of known tables, bounded, and errors one can act on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.dispatch import PLATFORM_KINDS, SourceOptions, parse_source
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform.events.schema import TABLES
from ml_platform.events.sources.base import BATCH_ROWS, Source, WithContent
from ml_platform_tests.events.repositories import commit, repository
from ml_platform_tests.events.rows import NOW, raw, table
from ml_platform_tests.events.test_process_log import XES

LATER = NOW + timedelta(days=1)
OPTIONS = SourceOptions(as_of=NOW, seed=3, user_key=b"a key", days=2, users=5)
QUERY = """-- table: events
SELECT 'e' || n AS event_id, 'u' AS user_id, 'app' AS tool, 'open' AS operation,
  TIMESTAMPTZ '2026-03-01 10:00+00' + n * INTERVAL '1 second' AS occurred_at
FROM generate_series(1, 60000) AS n ORDER BY n
"""


def simulate(folder: Path, request: pytest.FixtureRequest) -> Source:
    return parse_source("simulate", OPTIONS)


def git(folder: Path, request: pytest.FixtureRequest) -> Source:
    path = repository(folder / "project")
    for number in range(3):
        (path / f"file{number}.py").write_text(str(number))
        commit(path, f"fix: change {number}", f"2026-01-0{number + 1}T03:04:05+0200")
    return parse_source(f"git:{path}", OPTIONS)


def files(folder: Path, request: pytest.FixtureRequest) -> Source:
    exports = folder / "exports"
    exports.mkdir()
    rows = table(*(raw(number) for number in range(4)))
    pq.write_table(rows, exports / "events.parquet")
    return parse_source(f"files:{exports}", OPTIONS)


def process_log(folder: Path, request: pytest.FixtureRequest) -> Source:
    path = folder / "claims.xes"
    path.write_text(XES)
    return parse_source(f"process-log:{path}", OPTIONS)


def postgres(folder: Path, request: pytest.FixtureRequest) -> Source:
    url = request.getfixturevalue("database_url").replace("postgresql+psycopg2", "postgresql")
    path = folder / "queries.sql"
    path.write_text(QUERY)
    return parse_source(f"postgres:{url}", replace(OPTIONS, query_file=path, powerful_role=True))


EVERY = (simulate, git, files, process_log, postgres)


@pytest.fixture(params=EVERY, ids=[make.__name__ for make in EVERY])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    make: Callable[[Path, pytest.FixtureRequest], Source] = request.param
    return make(tmp_path, request)


def test_every_kind_of_the_platform_is_tried() -> None:
    kinds = {kind.partition(":")[0].replace("-", "_") for kind in PLATFORM_KINDS}
    assert kinds == {make.__name__ for make in EVERY}


def test_batches_are_rows_of_known_tables_with_their_columns_and_bounded(source: Source) -> None:
    tables = set()
    for name, rows in source.batches():
        tables.add(name)
        assert isinstance(rows, pa.Table)
        assert set(rows.column_names) <= set(TABLES[name].names)
        assert 0 < len(rows) <= BATCH_ROWS
    assert "events" in tables


def test_batches_may_be_asked_for_again_and_are_the_same(source: Source) -> None:
    first, again = list(source.batches()), list(source.batches())
    assert len(first) == len(again)
    for (name, rows), (same_name, same_rows) in zip(first, again, strict=True):
        assert name == same_name
        assert rows.equals(same_rows)


def test_what_is_ingested_twice_is_there_once_under_the_name_of_the_source(source: Source) -> None:
    lake = InMemoryLake()
    first = ingest(source, lake, now=NOW, progress=lambda line: None)
    counts = lake.counts()
    second = ingest(source, lake, now=NOW, progress=lambda line: None)
    assert sum(part.added for part in first.tables) == sum(counts.values()) > 0
    assert sum(part.added for part in second.tables) == 0
    assert lake.counts() == counts
    names = set(lake.rows("events", columns=("source",))["source"].to_pylist())
    assert names == {source.name}


def test_a_name_tells_kind_and_place_and_no_password(source: Source) -> None:
    assert source.name
    assert "\n" not in source.name
    assert "@" not in source.name
    assert isinstance(source.simulated, bool)
    assert isinstance(source.live, bool)
    assert source.live or not source.simulated, "a simulation ends now"


@pytest.mark.parametrize("text", ["git:{}", "files:{}", "process-log:{}.xes"])
def test_a_place_that_is_not_there_is_an_error_of_one_line_with_its_remedy(
    text: str, tmp_path: Path
) -> None:
    missing = parse_source(text.format(tmp_path / "gone"), OPTIONS)
    with pytest.raises(SourceError, match="gone") as refused:
        list(missing.batches())
    assert "\n" not in str(refused.value)
    assert refused.value.remedy


def more_commits(folder: Path) -> None:
    (folder / "project" / "new.py").write_text("1")
    commit(folder / "project", "feat: new", "2026-01-05T03:04:05+0200")


def more_rows(folder: Path) -> None:
    rows = table(*(raw(number) for number in range(5)))
    pq.write_table(rows, folder / "exports" / "events.parquet")


def another_map(folder: Path) -> None:
    (folder / "exports" / "columns.toml").write_text('[events.constants]\ntool = "editor"\n')


def another_case(folder: Path) -> None:
    path = folder / "claims.xes"
    path.write_text(path.read_text().replace("</log>", "<!-- more --></log>"))


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (git, more_commits),
        (files, more_rows),
        (files, another_map),
        (process_log, another_case),
    ],
)
def test_content_is_another_when_a_byte_is(
    make: Callable[[Path, pytest.FixtureRequest], Source],
    change: Callable[[Path], None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    source = make(tmp_path, request)
    assert isinstance(source, WithContent)
    before = source.content()
    assert source.content() == before
    list(source.batches())
    assert source.content() == before, "reading is no change"
    change(tmp_path)
    assert source.content() != before


@pytest.mark.parametrize("change", [{"seed": 4}, {"days": 3}, {"users": 6}, {"as_of": LATER}])
def test_content_of_a_simulation_is_its_parameters(change: dict[str, Any]) -> None:
    first, same = parse_source("simulate", OPTIONS), parse_source("simulate", OPTIONS)
    other = parse_source("simulate", replace(OPTIONS, **change))
    assert first.content() == same.content() != other.content()


def test_content_of_what_is_gone_is_an_error_of_one_line(tmp_path: Path) -> None:
    for text in ("git:{}", "files:{}", "process-log:{}.xes"):
        missing = parse_source(text.format(tmp_path / "gone"), OPTIONS)
        with pytest.raises(SourceError, match="gone"):
            missing.content()


def test_a_database_cannot_tell(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(QUERY)
    options = replace(OPTIONS, query_file=tmp_path / "q.sql")
    assert not isinstance(parse_source("postgres:postgresql://h/db", options), WithContent)
