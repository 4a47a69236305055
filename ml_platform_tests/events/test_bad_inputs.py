"""Bad inputs give an error of one line or rows in quarantine, and leave what was there as it was."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ml_platform.adapters.lake import ParquetLake
from ml_platform.errors import PlatformError
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.base import Source
from ml_platform_tests.events.bad_inputs import bad_source
from ml_platform_tests.events.bad_queries import bad_query
from ml_platform_tests.events.rows import NOW, good, raw

ONCE_CRASHED = (165, 256, 396)
"""Gzipped logs with flipped bits, whose errors of zlib were not caught."""


@pytest.mark.parametrize("numbers", [*(range(n, n + 7) for n in range(0, 42, 7)), ONCE_CRASHED])
def test_a_bad_input_is_refused_or_quarantined_and_changes_nothing_that_was_there(
    tmp_path: Path, numbers: Iterable[int]
) -> None:
    read_all(tmp_path, numbers, lambda number, folder: bad_source(number, folder, NOW)[1])


def test_a_bad_query_is_refused_or_quarantined_and_changes_nothing_that_was_there(
    tmp_path: Path, database_url: str
) -> None:
    read_all(
        tmp_path, range(20), lambda number, folder: bad_query(number, folder, database_url, NOW)
    )


def read_all(place: Path, numbers: Iterable[int], source_of: Callable[[int, Path], Source]) -> None:
    """Read every input into a lake that holds two events; each ends in one line at most, and the two stay."""
    lake = ParquetLake(place / "lake", place / "quarantine")
    lake.merge("events", good(raw(0), raw(4)))
    before = lake.rows("events").to_pylist()
    for number in numbers:
        folder = place / str(number)
        folder.mkdir()
        outcome = ""
        try:
            ingest(source_of(number, folder), lake, now=NOW, progress=lambda line: None)
        except PlatformError as error:
            outcome = str(error)
        assert "\n" not in outcome, number
        kept = {row["event_id"]: row for row in lake.rows("events").to_pylist()}
        assert [kept[row["event_id"]] for row in before] == before
        lake.require_unchanged()
