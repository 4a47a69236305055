"""What every event lake does: `ParquetLake` and `InMemoryLake` pass the same tests."""

import random
import tracemalloc
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.lake import ParquetLake
from ml_platform.errors import SourceError
from ml_platform.events.lake import EventLake, KnownRows
from ml_platform.events.quality import REFUSED, check_rows
from ml_platform.events.schema import EVENTS, TABLES
from ml_platform_tests.events.rows import NOW, START, good, raw, table


@pytest.fixture(params=["parquet", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> EventLake:
    if request.param == "memory":
        return InMemoryLake()
    return ParquetLake(tmp_path / "lake", tmp_path / "quarantine")


def test_an_empty_lake_answers(lake: EventLake):
    assert lake.counts() == dict.fromkeys(TABLES, 0)
    assert lake.newest("events") is None
    assert lake.rows("events").schema == EVENTS
    assert lake.merge("events", EVENTS.empty_table()).added == 0
    assert lake.fingerprint("events", NOW) != lake.fingerprint("users", NOW)


def test_rows_come_back_in_order_and_by_day(lake: EventLake):
    rows = good(*(raw(number) for number in range(8)))
    result = lake.merge("events", rows.take(pa.array([7, 2, 0, 1, 6, 5, 3, 4])))
    # 09:00, 15:00, 21:00 of March 1; 03:00 .. 21:00 of March 2; 03:00 of March 3
    assert result.days == (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3))
    assert (result.added, result.duplicates, result.conflicts) == (8, 0, 0)
    assert lake.rows("events").to_pylist() == rows.to_pylist()
    assert lake.newest("events") == START + timedelta(hours=42)
    assert lake.counts()["events"] == 8


def test_rows_are_found_by_their_ids_on_any_day(lake: EventLake):
    lake.merge("events", good(*(raw(number) for number in range(8))))
    found = lake.rows_of("events", {"e0001", "e0006", "e9999", "e'"})
    assert found.schema == EVENTS
    assert sorted(found["event_id"].to_pylist()) == ["e0001", "e0006"]
    assert len(lake.rows_of("events", ())) == len(lake.rows_of("users", {"u0"})) == 0


def test_a_range_takes_its_start_and_not_its_end(lake: EventLake):
    lake.merge("events", good(*(raw(number) for number in range(4))))
    rows_in_range = lake.rows(
        "events",
        since=START + timedelta(hours=6),
        until=START + timedelta(hours=18),
        columns=("event_id", "tool"),
    )
    assert rows_in_range.to_pylist() == [
        {"event_id": "e0001", "tool": "editor"},
        {"event_id": "e0002", "tool": "editor"},
    ]


def test_the_same_rows_again_change_nothing(lake: EventLake):
    rows = good(raw(0), raw(1))
    lake.merge("events", rows)
    before = lake.rows("events")
    again = good(raw(1), raw(0), raw(1), now=NOW + timedelta(days=1))
    result = lake.merge("events", again)
    assert (result.added, result.duplicates, result.conflicts, result.days) == (0, 3, 0, ())
    assert lake.rows("events").equals(before)
    assert len(lake.refused("events")) == 0


def test_any_order_repeats_and_late_rows_give_the_same_content(lake: EventLake, tmp_path: Path):
    rows = [raw(number) for number in range(12)]
    lake.merge("events", good(*rows))
    other = ParquetLake(tmp_path / "other", tmp_path / "other_quarantine")
    other.merge("events", good(*rows[6:], rows[8], rows[8]))
    late = check_rows("events", table(*rows[::-1]), now=NOW + timedelta(days=1), source="elsewhere")
    other.merge("events", late.good)
    assert other.fingerprint("events", NOW) == lake.fingerprint("events", NOW)
    assert other.counts() == lake.counts()


def test_the_fingerprint_is_of_content_before_its_time(lake: EventLake):
    lake.merge("events", good(raw(0), raw(1)))
    until = START + timedelta(hours=12)
    before = lake.fingerprint("events", until)
    lake.merge("events", good(raw(2)))
    assert lake.fingerprint("events", until) == before
    lake.merge("events", good(raw(3, occurred_at=START)))
    assert lake.fingerprint("events", until) != before


def test_texts_that_run_together_have_different_fingerprints(lake: EventLake):
    lake.merge("events", good(raw(0, tool="ab", operation="c")))
    other = InMemoryLake()
    other.merge("events", good(raw(0, tool="a", operation="bc")))
    assert other.fingerprint("events", NOW) != lake.fingerprint("events", NOW)


def test_an_id_with_other_content_goes_to_quarantine_and_the_stored_row_stays(lake: EventLake):
    lake.merge("events", good(raw(0)))
    result = lake.merge("events", good(raw(0, tool="shell"), raw(1)))
    assert (result.added, result.duplicates, result.conflicts) == (1, 0, 1)
    assert lake.rows("events")["tool"].to_pylist() == ["editor", "editor"]
    (row,) = lake.refused("events").to_pylist()
    assert (row["reason"], row["field"]) == ("conflict", "tool")
    assert row["value"] == "shell (stored: editor)"


def test_an_id_that_comes_back_on_another_day_is_a_conflict(lake: EventLake):
    lake.merge("events", good(raw(0)))
    result = lake.merge("events", good(raw(0, occurred_at=START + timedelta(days=3))))
    assert (result.added, result.conflicts) == (0, 1)
    assert lake.counts()["events"] == 1


def test_within_a_batch_the_smallest_content_wins_in_any_order(lake: EventLake):
    rows = [raw(0, tool=tool) for tool in ("shell", "browser", "editor", "browser")]
    for order in (rows, rows[::-1]):
        fresh = InMemoryLake()
        result = fresh.merge("events", good(*order))
        assert (result.added, result.duplicates, result.conflicts) == (1, 1, 2)
        assert fresh.rows("events")["tool"].to_pylist() == ["browser"]
    assert lake.merge("events", good(*rows)).conflicts == 2
    assert lake.refused("events")["value"].to_pylist() == [
        "editor (stored: browser)",
        "shell (stored: browser)",
    ]


def test_quarantine_holds_the_same_row_once(lake: EventLake):
    bad = check_rows("events", table(raw(0, user_id=None), raw(1, tool="")), now=NOW, source="s")
    assert lake.refuse("events", bad.refused) == 2
    assert lake.refuse("events", bad.refused) == 0
    more = check_rows("events", table(raw(1, tool=""), raw(2, tool="")), now=NOW, source="s")
    assert lake.refuse("events", more.refused) == 1
    assert len(lake.refused("events")) == 3
    lake.merge("events", good(raw(5)))
    lake.merge("events", good(raw(5, tool="shell")))
    lake.merge("events", good(raw(5, tool="shell"), now=NOW + timedelta(hours=1)))
    assert len(lake.refused("events")) == 4


def test_a_table_without_time_is_one_partition(lake: EventLake):
    users = table({"user_id": "u1", "team": "a"}, {"user_id": "u0", "team": "b"})
    result = lake.merge("users", check_rows("users", users, now=NOW, source="s").good)
    assert result.days == (None,)
    assert lake.rows("users")["user_id"].to_pylist() == ["u0", "u1"]
    assert lake.newest("users") is None
    first = lake.fingerprint("users", NOW)
    again = check_rows("users", users, now=NOW + timedelta(days=1), source="s").good
    assert lake.merge("users", again).duplicates == 2
    assert lake.fingerprint("users", NOW) == first


def test_an_id_of_two_columns(lake: EventLake):
    rows = [
        {
            "row_id": row,
            "target": target,
            "occurred_at": START,
            "prediction": "p",
            "probability": 0.5,
        }
        for row in ("a", "b")
        for target in ("m", "n")
    ]
    checked = check_rows("ceilings", table(*rows, rows[0]), now=NOW, source="s")
    result = lake.merge("ceilings", checked.good)
    assert (result.added, result.duplicates, result.conflicts) == (4, 1, 0)


def test_nulls_are_content(lake: EventLake):
    lake.merge("events", good(raw(0, session_id=None)))
    assert lake.merge("events", good(raw(0, session_id=None))).duplicates == 1
    assert lake.merge("events", good(raw(0, session_id="s"))).conflicts == 1


def checked(name: str, *rows: dict[str, object]) -> pa.Table:
    checked_rows = check_rows(name, table(*rows), now=NOW, source="s")
    assert len(checked_rows.refused) == 0
    return checked_rows.good


def shown(**changes: object) -> dict[str, object]:
    row = {"suggestion_id": "s", "user_id": "u", "workflow_id": "w", "shown_at": START}
    return row | {"outcome": None, "outcome_at": None} | changes


def started(status: str, **changes: object) -> dict[str, object]:
    row = {"execution_id": "x", "workflow_id": "w", "user_id": "u", "started_at": START}
    return row | {"status": status, "finished_at": None} | changes


def test_a_label_that_comes_a_day_later_completes_the_row(lake: EventLake):
    lake.merge("events", good(raw(0, workflow_category=None), raw(4, workflow_category="fix")))
    before = lake.fingerprint("events", NOW)
    result = lake.merge(
        "events", good(raw(0, workflow_category="docs"), raw(5, workflow_category=None))
    )
    assert (result.added, result.updated, result.duplicates, result.conflicts) == (1, 1, 0, 0)
    assert result.days == (date(2026, 3, 1), date(2026, 3, 2))
    assert lake.rows("events")["workflow_category"].to_pylist() == ["docs", "fix", None]
    assert lake.fingerprint("events", NOW) != before
    assert lake.counts()["events"] == 3


def test_a_known_label_stays_whatever_comes_later(lake: EventLake):
    lake.merge("events", good(raw(0, workflow_category="docs")))
    before = lake.fingerprint("events", NOW)
    forgotten = lake.merge("events", good(raw(0, workflow_category=None)))
    assert (forgotten.updated, forgotten.duplicates, forgotten.days) == (0, 1, ())
    other = lake.merge("events", good(raw(0, workflow_category="fix")))
    assert (other.updated, other.conflicts, other.days) == (0, 1, ())
    assert lake.refused("events")["value"].to_pylist() == ["fix (stored: docs)"]
    assert lake.fingerprint("events", NOW) == before


def test_a_label_with_other_content_is_a_conflict_in_that_content(lake: EventLake):
    lake.merge("events", good(raw(0)))
    assert lake.merge("events", good(raw(0, workflow_category="fix", tool="x"))).conflicts == 1
    assert lake.refused("events")["field"].to_pylist() == ["tool"]
    assert lake.rows("events")["workflow_category"].to_pylist() == [None]


def test_an_execution_ends_once(lake: EventLake):
    end = START + timedelta(hours=1)
    lake.merge("workflow_executions", checked("workflow_executions", started("running")))
    done = checked("workflow_executions", started("failure", finished_at=end))
    assert lake.merge("workflow_executions", done).updated == 1
    again = checked("workflow_executions", started("running"), started("success"))
    result = lake.merge("workflow_executions", again)
    assert (result.updated, result.duplicates, result.conflicts) == (0, 1, 1)
    (row,) = lake.rows("workflow_executions").to_pylist()
    assert (row["status"], row["finished_at"]) == ("failure", end)


def test_parts_that_agree_complete_each_other_in_any_order(lake: EventLake):
    moment = START + timedelta(hours=1)
    parts = [shown(), shown(outcome="accepted"), shown(outcome_at=moment)]
    fingerprints = set()
    for order in permutations(parts):
        for sizes in ((3,), (1, 2), (2, 1), (1, 1, 1)):
            fresh, rest, results = InMemoryLake(), list(order), []
            for size in sizes:
                part, rest = rest[:size], rest[size:]
                results.append(fresh.merge("suggestions", checked("suggestions", *part)))
            assert sum(r.added + r.updated + r.duplicates for r in results) == 3
            assert sum(r.conflicts for r in results) == 0
            fingerprints.add(fresh.fingerprint("suggestions", NOW))
    lake.merge("suggestions", checked("suggestions", shown(outcome="accepted", outcome_at=moment)))
    assert fingerprints == {lake.fingerprint("suggestions", NOW)}


def test_within_a_batch_the_most_complete_row_wins_in_any_order(lake: EventLake):
    moment = START + timedelta(hours=1)
    rows = [
        shown(),
        shown(outcome="accepted"),
        shown(outcome="dismissed", outcome_at=moment),
        shown(outcome="ignored", outcome_at=moment),
    ]
    for order in permutations(rows):
        fresh = InMemoryLake()
        result = fresh.merge("suggestions", checked("suggestions", *order))
        assert (result.added, result.updated, result.duplicates, result.conflicts) == (1, 0, 1, 2)
        assert fresh.rows("suggestions")["outcome"].to_pylist() == ["dismissed"]
    lake.merge("suggestions", checked("suggestions", shown()))
    assert lake.merge("suggestions", checked("suggestions", *rows)).updated == 1
    assert lake.rows("suggestions")["outcome"].to_pylist() == ["dismissed"]


def test_late_labels_in_any_order_give_the_same_fingerprint(lake: EventLake):
    labels = [None if number % 3 else "fix" for number in range(40)]
    whole = [raw(n, workflow_category=label) for n, label in enumerate(labels)]
    late = [raw(n, workflow_category=None) for n in range(40)]
    now = START + timedelta(days=11)
    lake.merge("events", good(*whole, now=now))
    for seed in range(5):
        rows = whole + late
        random.Random(seed).shuffle(rows)
        fresh = InMemoryLake()
        for part in range(0, 80, 16):
            fresh.merge("events", good(*rows[part : part + 16], now=now))
        assert fresh.fingerprint("events", now) == lake.fingerprint("events", now)


def test_batches_of_one_ingestion_see_each_other_and_can_be_read_at_its_end(lake: EventLake):
    with lake.arrivals() as arrivals:
        first = arrivals.merge("events", good(raw(0), raw(1)))
        second = arrivals.merge("events", good(raw(1), raw(0, tool="x"), raw(2)))
        arrivals.merge("users", checked("users", {"user_id": "u"}))
    assert (first.added, second.added, second.duplicates, second.conflicts) == (2, 1, 1, 1)
    assert lake.rows("events")["event_id"].to_pylist() == ["e0000", "e0001", "e0002"]
    assert lake.counts()["users"] == 1
    assert lake.refused("events")["value"].to_pylist() == ["x (stored: editor)"]


def test_a_row_is_completed_again_and_again_within_one_ingestion(lake: EventLake):
    moment = START + timedelta(hours=1)
    with lake.arrivals() as arrivals:
        for row in (shown(), shown(outcome="accepted"), shown(outcome_at=moment), shown()):
            arrivals.merge("suggestions", checked("suggestions", row))
    (row,) = lake.rows("suggestions").to_pylist()
    assert (row["outcome"], row["outcome_at"]) == ("accepted", moment)


def breaks_off(lake: EventLake) -> None:
    with lake.arrivals() as arrivals:
        arrivals.merge("events", good(raw(0)))
        raise SourceError("line 7 is no line", remedy="mend it")


def test_a_source_that_breaks_off_leaves_the_batches_before(lake: EventLake):
    with pytest.raises(SourceError, match="line 7"):
        breaks_off(lake)
    assert lake.counts()["events"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_one_ingestion_of_many_batches_is_as_many_of_one(lake: EventLake, seed: int):
    draw = random.Random(seed)
    arriving = [
        raw(
            number := draw.randrange(40),
            workflow_category=draw.choice([None, "fix"]),
            tool=draw.choice(["editor"] * 15 + ["shell"]),
            occurred_at=START + timedelta(hours=6 * number + draw.choice([0] * 15 + [48])),
        )
        for _ in range(160)
    ]
    now = START + timedelta(days=20)
    batches = [good(*arriving[start : start + 16], now=now) for start in range(0, 160, 16)]
    twin = InMemoryLake()
    expected = [twin.merge("events", batch) for batch in batches]
    results = []
    for few in (batches[:3], batches[3:]):
        with lake.arrivals() as arrivals:
            results += [arrivals.merge("events", batch) for batch in few]
    assert results == expected
    assert sum(result.updated for result in results) > 0
    assert lake.rows("events").equals(twin.rows("events"))
    assert lake.refused("events").equals(twin.refused("events"))
    assert lake.fingerprint("events", now) == twin.fingerprint("events", now)


def test_a_survey_counts_all_rows_and_samples_evenly(lake: EventLake):
    rows = good(*(raw(number) for number in range(30)))
    lake.merge("events", rows.take(pa.array(range(29, -1, -1))))
    survey = lake.survey("events", START + timedelta(hours=6 * 25), 10)
    assert (survey.rows, survey.repeated_ids) == (25, 0)
    assert survey.newest == START + timedelta(hours=6 * 24)
    # a third of 25 rows is the largest even share of at most 10
    assert survey.sample.to_pylist() == rows.take(pa.array(range(0, 25, 3))).to_pylist()
    assert len(lake.survey("events", NOW, 1).sample) == 1
    assert lake.survey("events", NOW, 100).sample.to_pylist() == rows.to_pylist()


def test_a_survey_of_nothing(lake: EventLake):
    survey = lake.survey("events", NOW, 10)
    assert (survey.rows, survey.repeated_ids, survey.newest) == (0, 0, None)
    assert survey.sample.column_names == EVENTS.names
    assert lake.survey("users", NOW, 10).rows == lake.survey("ceilings", NOW, 10).rows == 0


def test_rows_of_people_with_a_value_are_counted_up_to_a_time(lake: EventLake):
    assert lake.known_rows("events", "workflow_category", NOW) == KnownRows(0, 0, 0, None, None)
    rows = [raw(n, is_bot=False, workflow_category=(None, "fix", "feat")[n % 3]) for n in range(6)]
    lake.merge("events", good(*rows, raw(6, workflow_category="ci", is_bot=True), raw(7)))
    before = START + timedelta(hours=6 * 7)  # the eighth row is later
    known = lake.known_rows("events", "workflow_category", before)
    first, last = START + timedelta(hours=6), START + timedelta(hours=30)
    assert known == KnownRows(rows=6, known=4, values=2, oldest=first, newest=last)
    assert lake.known_rows("events", "", before).known == 6
    assert lake.known_rows("users", "team", NOW) == KnownRows(0, 0, 0, None, None)


def test_quarantine_is_not_brought_into_python_for_every_batch(lake: EventLake):
    def refused(first: int) -> pa.Table:
        numbers = [str(number) for number in range(first, first + 20_000)]
        columns = {name: numbers if name == "row" else ["empty"] * 20_000 for name in REFUSED.names}
        return pa.table(columns, schema=REFUSED)

    lake.refuse("events", refused(0))
    more = pa.concat_tables([refused(19_990).slice(0, 20), refused(0).slice(0, 5)])
    tracemalloc.start()
    assert lake.refuse("events", more) == 10
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # 11 MB where the 20,000 become tuples
    assert len(lake.refused("events")) == 20_010
