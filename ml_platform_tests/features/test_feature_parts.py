"""A published table in parts: where they begin, what stays of them, and what a killed build leaves."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters import feature_parts, warehouse
from ml_platform.adapters.feature_parts import (
    PARTS_FILE,
    Part,
    PartList,
    day_ranges,
    is_sound,
    parquet_files,
    part_list,
)
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.warehouse import publish_features
from ml_platform.errors import IntegrityError
from ml_platform_tests.features.conftest import Built


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_parts, "PART_ROWS", 40)


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.usefixtures("small_parts")
def test_where_parts_begin_follows_from_the_rows_before() -> None:
    days = [(date(2026, 3, 1) + timedelta(days=n), 7 + n % 5) for n in range(60)]
    whole = list(day_ranges(days, 40))
    assert sum(rows for _, _, rows in whole) == sum(rows for _, rows in days)
    for known in range(1, 60):
        until_then = list(day_ranges(days[:known], 40))
        assert until_then[:-1] == whole[: len(until_then) - 1]


@pytest.mark.usefixtures("small_parts")
def test_a_part_stays_if_it_is_closed_and_over_by_then_and_so_are_those_before() -> None:
    def part(first: int, last: int, rows: int) -> Part:
        return Part(date(2026, 3, first), date(2026, 3, last), rows, "0" * 64)

    parts = PartList((part(1, 3, 40), part(5, 6, 44), part(8, 8, 39)))

    def kept(moment: datetime) -> int:
        return len(parts.before(moment, 40))

    end = datetime(2026, 3, 7, tzinfo=UTC)
    assert kept(end) == 2
    assert kept(end - timedelta(microseconds=1)) == 1
    assert kept(datetime(2027, 1, 1, tzinfo=UTC)) == 2, "the open part takes further rows"
    assert kept(datetime(2026, 3, 3, 23, tzinfo=UTC)) == 0
    opened = PartList((part(1, 3, 39), part(5, 6, 44)))
    assert opened.before(datetime(2027, 1, 1, tzinfo=UTC), 40) == ()


@pytest.mark.usefixtures("small_parts")
def test_parts_have_the_rows_of_the_table_in_order_and_their_days_alone(
    built: Built, tmp_path: Path
) -> None:
    with duckdb.connect(str(built.folder / "warehouse.duckdb"), read_only=True) as connection:
        ids = connection.execute("select row_id from features.pattern_features").fetchall()
    many = publish_features(tmp_path / "out", built.folder / "warehouse.duckdb")
    parts = part_list(many.path("pattern_features")).parts
    assert len(parts) >= 3
    tables = [pq.read_table(path) for path in parquet_files(many.path("pattern_features"))]
    assert all(each.schema == tables[0].schema for each in tables)
    assert [(row,) for each in tables for row in each["row_id"].to_pylist()] == ids
    for part, table in zip(parts, tables, strict=True):
        days = {moment.date() for moment in table["occurred_at"].to_pylist()}
        assert (min(days), max(days), len(table)) == (part.first_day, part.last_day, part.rows)


@pytest.mark.usefixtures("small_parts")
def test_every_column_may_be_null_whatever_the_rows_of_the_table(
    built: Built, tmp_path: Path
) -> None:
    build = publish_features(tmp_path / "out", built.folder / "warehouse.duckdb")
    for table in build.rows:
        for path in parquet_files(build.path(table)):
            assert all(field.nullable for field in pq.read_schema(path)), path


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_lies_there_is_left_as_it_is_and_a_damaged_one_is_written_again(
    built: Built, tmp_path: Path
) -> None:
    build = publish_features(tmp_path / "out", built.folder / "warehouse.duckdb")
    before = files_of(tmp_path / "out")
    damaged, *others = parquet_files(build.path("pattern_features"))
    untouched = [path.stat().st_mtime_ns for path in others]
    damaged.write_bytes(b"damaged")
    assert not is_sound(build.path("pattern_features"), Manifest(tmp_path))
    publish_features(tmp_path / "out", built.folder / "warehouse.duckdb")
    assert files_of(tmp_path / "out") == before
    assert [path.stat().st_mtime_ns for path in others] == untouched
    assert is_sound(build.path("pattern_features"), Manifest(tmp_path))


@pytest.mark.usefixtures("small_parts")
def test_a_build_killed_before_its_lists_leaves_the_old_tables_and_the_next_tidies_up(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, database = tmp_path / "out", built.folder / "warehouse.duckdb"
    publish_features(output, database)
    before = files_of(output)

    def killed(_: PartList) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as other_parts:
        other_parts.setattr(feature_parts, "PART_ROWS", 25)
        other_parts.setattr(warehouse.values, "to_json", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_features(output, database)
    left = files_of(output)
    assert before.items() < left.items(), "the lists and what they name are as they were"
    Manifest(tmp_path).require_folder(output)
    publish_features(output, database)
    assert files_of(output) == before


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / PARTS_FILE).write_text("{")
    with pytest.raises(IntegrityError, match=r"parts\.json is no list of parts"):
        part_list(tmp_path)
