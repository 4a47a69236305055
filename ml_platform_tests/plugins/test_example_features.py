"""The SQL of example and skeleton on histories that fit on paper: what is past, and what is known when."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import jinja2
import pytest

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.resources import SKELETON
from ml_platform_tests.plugins.installing import ROOT

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday."""
AS_OF = START + timedelta(days=30)
EXAMPLE = ROOT / "examples/changed_again/changed_again/dbt_models/file_change_features.sql"
FRESH = SKELETON / "skeleton_model/dbt_models/skeleton_model_features.sql.template"


def event(number: int, after: timedelta, file: int = 0, commit: str = "", user: str = "a") -> dict:
    """An event in the columns of ``int_events``."""
    at = START + after
    moment = int(at.timestamp() * 1_000_000)
    return {
        "row_id": number,
        "event_id": f"e{number}",
        "user_id": user,
        "user_key": ord(user),
        "change_set_id": commit or f"c{number}",
        "occurred_at": at,
        "t": moment,
        "is_bot": False,
        "source": "test",
        "tool": "git",
        "operation": "M",
        "object_key": file,
        "extension": "py",
        "folder": "src",
        "subfolder": "src/a",
        "path_kind": "source",
    }


def features(sql: Any, events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of a feature table, by ``row_id``: its SQL with the macros of the platform, on ``int_events``."""
    macros = "".join(
        (PLATFORM_PROJECT.folder / "macros" / f"{name}.sql").read_text()
        for name in ("as_of", "windows")
    )
    template = jinja2.Environment().from_string(macros + sql.read_text())
    of_dbt = {
        "ref": lambda name: name,
        "execute": True,
        "env_var": lambda *_: json.dumps({"as_of": AS_OF.isoformat()}),
        "fromjson": json.loads,
        "return": lambda value: value,
    }
    query = template.render(of_dbt)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        kinds = {str: "varchar", int: "bigint", bool: "boolean", datetime: "timestamptz"}
        columns = ", ".join(f"{name} {kinds[type(value)]}" for name, value in events[0].items())
        connection.execute(f"create table int_events ({columns})")
        marks = ", ".join("?" for _ in events[0])
        for row in events:
            connection.execute(f"insert into int_events values ({marks})", list(row.values()))
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return {row["row_id"]: row for row in rows}


DAY = timedelta(days=1)


class TestChangedAgain:
    def test_the_other_files_of_a_commit_are_not_the_past(self) -> None:
        rows = features(
            EXAMPLE,
            [
                event(1, 0 * DAY, file=0),
                event(2, 3 * DAY, file=0, commit="both"),
                event(3, 3 * DAY, file=1, commit="both"),
            ],
        )
        assert (rows["e2"]["changes_7d"], rows["e2"]["folder_changes_7d"]) == (1, 1)
        assert (rows["e3"]["changes_7d"], rows["e3"]["folder_changes_7d"]) == (0, 1)
        assert rows["e2"]["hours_since_changed"] == 72
        assert rows["e3"]["hours_since_changed"] is None
        assert rows["e3"]["change_set_files"] == 2
        assert [rows[name]["recency"] for name in ("e1", "e2")] == ["not in 90 days", "a week"]

    def test_a_change_at_the_same_microsecond_is_neither_past_nor_future(self) -> None:
        rows = features(EXAMPLE, [event(1, DAY), event(2, DAY)])
        assert {row["changed_again"] for row in rows.values()} == {"no"}
        assert {row["changes_90d"] for row in rows.values()} == {0}

    @pytest.mark.parametrize(
        ("later", "label"),
        [
            (timedelta(microseconds=1), "yes"),
            (7 * DAY, "yes"),
            (7 * DAY + timedelta(microseconds=1), "no"),
        ],
    )
    def test_seven_days_are_seven_days(self, later: timedelta, label: str) -> None:
        rows = features(EXAMPLE, [event(1, DAY), event(2, DAY + later)])
        assert rows["e1"]["changed_again"] == label

    def test_the_label_is_not_known_before_its_days_are_over(self) -> None:
        rows = features(EXAMPLE, [event(1, 22 * DAY), event(2, 23 * DAY), event(3, 24 * DAY)])
        labels = [rows[f"e{n}"]["changed_again"] for n in (1, 2, 3)]
        assert labels == ["yes", None, None], "the clock stands at day 30"


class TestSkeleton:
    def test_a_day_knows_the_days_before_it(self) -> None:
        days = [0, 1, 2, 4]
        rows = features(FRESH, [event(n, day * DAY) for n, day in enumerate(days)])
        assert [row["active_days_7d"] for row in rows.values()] == [0, 1, 2, 3]
        assert [row["days_since_active"] for row in rows.values()] == [None, 1, 1, 2]
        assert [row["active_tomorrow"] for row in rows.values()] == ["yes", "yes", "no", "no"]
        assert [row["weekday"] for row in rows.values()] == ["workday"] * 3 + ["friday"]

    def test_a_day_is_one_row_at_its_first_event(self) -> None:
        rows = features(FRESH, [event(1, DAY), event(2, DAY + timedelta(hours=1))])
        assert list(rows) == ["e1"]

    def test_the_label_is_not_known_before_the_day_after_is_over(self) -> None:
        """The clock stands at noon of day 30: day 29 is over, day 30 is not."""
        rows = features(FRESH, [event(n, n * DAY) for n in (27, 28, 29)])
        assert [row["active_tomorrow"] for row in rows.values()] == ["yes", "yes", None]


@pytest.mark.parametrize("sql", [EXAMPLE, FRESH], ids=["example", "skeleton"])
def test_what_happens_later_changes_no_feature(sql: Any) -> None:
    known = [event(n, timedelta(hours=7 * n), file=n % 3, user="ab"[n % 2]) for n in range(40)]
    later = [event(40 + n, timedelta(hours=281 + n), file=n % 3) for n in range(9)]
    before, after = features(sql, known), features(sql, [*known, *later])
    for name, row in before.items():
        changed = {key for key in row if row[key] != after[name][key]}
        assert changed <= {"changed_again", "active_tomorrow"}, name
