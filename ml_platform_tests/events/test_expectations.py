import socket
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml_platform.adapters.expectations import (
    EXPECTATIONS,
    FRESH_HOURS,
    SAMPLE_ROWS,
    ExpectationOutcome,
    Severity,
    validate_events,
)
from ml_platform.adapters.lake import ParquetLake
from ml_platform.events.lake import Survey
from ml_platform.events.quality import check_rows
from ml_platform.events.schema import EVENTS
from ml_platform_tests.events.rows import NOW, START, good, raw

AS_OF = START + timedelta(hours=20)
ROWS = good(*(raw(number) for number in range(4)))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it reports home")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def surveyed(frame: pa.Table) -> Survey:
    ids = frame["event_id"].to_pylist()
    newest = max(frame["occurred_at"].to_pylist(), default=None)
    return Survey(len(frame), len(ids) - len(set(ids)), newest, frame)


def outcomes(frame: pa.Table, live: bool = True) -> dict[str, ExpectationOutcome]:
    by_position = validate_events(surveyed(frame), as_of=AS_OF, live=live)
    assert tuple(outcome.name for outcome in by_position) == EXPECTATIONS
    return {outcome.name: outcome for outcome in by_position}


def failing(frame: pa.Table) -> set[str]:
    return {name for name, outcome in outcomes(frame).items() if not outcome.passed}


def replaced(column: str, *values: object) -> pa.Table:
    kind = EVENTS.field(column).type
    place = EVENTS.names.index(column)
    return ROWS.set_column(place, column, pa.array([*values, *ROWS[column].to_pylist()][:4], kind))


def test_a_miss_is_told_with_value_limit_and_remedy():
    stale = replaced("occurred_at", *[START - timedelta(hours=10)] * 4)
    freshness = outcomes(stale)["freshness"]
    assert not freshness.passed
    assert freshness.explanation == "observed 30, allowed <= 24 hours old"
    assert "--as-of" in freshness.remedy
    assert all(outcome.remedy for outcome in outcomes(stale).values())


def test_good_rows_pass():
    by_position = outcomes(ROWS)
    assert failing(ROWS) == set()
    assert by_position["row_count"].observed == "4"
    assert by_position["freshness"].observed == "2"  # the fourth event is 18 hours after the first


def test_no_rows_fail_although_nothing_in_them_is_wrong():
    assert failing(EVENTS.empty_table()) == set(EXPECTATIONS) - {"unique_ids"}


def test_a_stale_live_source_fails_and_an_archive_is_a_note():
    late = AS_OF + timedelta(hours=FRESH_HOURS)
    live = {o.name: o for o in validate_events(surveyed(ROWS), as_of=late, live=True)}["freshness"]
    assert (live.passed, live.observed, live.severity) == (False, "26", Severity.ERROR)
    archive = {o.name: o for o in validate_events(surveyed(ROWS), as_of=late, live=False)}[
        "freshness"
    ]
    assert (archive.passed, archive.observed, archive.severity) == (True, "26", Severity.NOTE)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (replaced("tool", None), "tool_not_null"),
        (replaced("event_id", "e0001"), "unique_ids"),
        (replaced("utc_offset_minutes", 900), "utc_offset_range"),
        (replaced("operation", ""), "operation_length"),
        (replaced("tool", "x" * 513), "tool_length"),
        (ROWS.append_column("extra", pa.array([1] * 4)), "columns"),
    ],
)
def test_each_expectation_fails_alone(frame: pa.Table, name: str):
    assert failing(frame) == {name}


def test_what_was_seen_is_said():
    assert outcomes(replaced("utc_offset_minutes", 900))["utc_offset_range"].observed == (
        "1 of 4 rows sampled, such as 900.0"
    )


def test_of_three_hundred_thousand_stored_rows_a_sample_is_fetched(tmp_path: Path):
    number = np.arange(300_000)
    moments = np.datetime64("2026-01-01", "us") + number * np.timedelta64(10, "s")
    rows = pa.table(
        {
            "event_id": pa.array(number).cast(pa.string()),
            "user_id": ["u"] * len(number),
            "occurred_at": pa.array(moments).cast(pa.timestamp("us", "UTC")),
            "tool": ["editor"] * len(number),
            "operation": ["modify"] * len(number),
            "attributes": ["x" * 500] * len(number),
        }
    )
    lake = ParquetLake(tmp_path / "lake", tmp_path / "quarantine")
    lake.merge("events", check_rows("events", rows, now=NOW, source="s").good)
    survey = lake.survey("events", NOW, SAMPLE_ROWS)
    assert (survey.rows, survey.repeated_ids, len(survey.sample)) == (300_000, 0, 20_000)
    assert all(outcome.passed for outcome in validate_events(survey, as_of=NOW, live=False))
    assert survey.sample.nbytes < 20_000_000  # of 200 MB


def test_one_event_is_checked_like_any_other():
    """A frame of one row was once taken for the summary of all rows, and a text for a number."""
    assert failing(good(raw(0))) == set()
