"""Planted looks into the future are named by their column, and honest columns are not."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.compiled_features import compiled_features, rebuilt
from ml_platform.adapters.future_check import check_future
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.events.known_later import KNOWN_LATER, ROW_DELAYS
from ml_platform.events.schema import FILLS_IN, TABLES
from ml_platform.features.define import NEVER_MISSING, number
from ml_platform.features.future_check import (
    ENOUGH_ROWS,
    POWER,
    WRONG_SHARE,
    ColumnCheck,
    Comparison,
    FutureCheck,
)
from ml_platform.features.leakage_report import LeakageFinding, LeakageLevel
from ml_platform.features.tables import TABLES as FEATURE_TABLES
from ml_platform.spec.feature import Family
from ml_platform.spec.feature_table import FeaturePart, FeatureTable
from ml_platform_tests.features.conftest import Built
from ml_platform_tests.features.lakes import AS_OF, START, random_events, write_lake

SECOND = timedelta(seconds=1)


def offers(seed: int, users: str, count: int = 60) -> list[dict[str, Any]]:
    """Suggestions of a few workflows over two months, most of them answered within a day."""
    random, clock, rows = Random(seed), START, []
    for place in range(count):
        clock += timedelta(hours=random.choice((1, 5, 30)))
        answered = random.random() < 0.8
        rows.append(
            {
                "suggestion_id": f"g{place}",
                "user_id": random.choice(users),
                "workflow_id": random.choice(("w1", "w2")),
                "shown_at": clock,
                "received_at": clock + SECOND,
                "source": "test",
                "outcome": random.choice(("accepted", "ignored")) if answered else None,
                "outcome_at": clock + timedelta(hours=random.randrange(20)) if answered else None,
                "attributes": '{"category":"fix"}',
            }
        )
    return rows


def runs(seed: int, users: str, count: int = 60) -> list[dict[str, Any]]:
    """Executions with a local time of their own; every other one was drawn from a logged set of hours."""
    random, clock, rows = Random(seed), START, []
    for place in range(count):
        clock += timedelta(hours=random.choice((3, 7, 20)))
        zone = random.choice((-300, 60))
        hour = (clock + timedelta(minutes=zone)).hour
        rows.append(
            {
                "execution_id": f"x{place}",
                "workflow_id": random.choice(("w1", "w2")),
                "user_id": random.choice(users),
                "started_at": clock,
                "received_at": clock,
                "source": "test",
                "finished_at": clock + timedelta(minutes=random.randrange(90)),
                "status": random.choice(("success", "failure")),
                "trigger": "manual",
                "propensity": 0.5 if place % 2 else None,
                "candidate_set": f"[{min(hour, 5)},{hour}]" if place % 2 else None,
                "attributes": f'{{"utc_offset_minutes":{zone}}}',
            }
        )
    return rows


@pytest.fixture(scope="module")
def home(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with events and offers, and beside it the SQL that dbt compiled for the session's build."""
    folder = tmp_path_factory.mktemp("searched")
    write_lake(
        folder / "lake",
        random_events(seed=5),
        START,
        suggestions=offers(1, "ab"),
        workflow_executions=runs(2, "ab"),
        users=[
            {"user_id": user, "source": "test", "received_at": AS_OF, "tenure_days": 30}
            for user in "abc"
        ],
    )
    use_sql_of(built.folder, folder)
    return folder


def use_sql_of(folder: Path, other: Path) -> None:
    """Put the SQL that was compiled in ``folder`` beside the lake of another."""
    (other / "dbt").mkdir()
    shutil.copyfile(folder / "dbt" / "manifest.json", other / "dbt" / "manifest.json")


def with_columns(
    home: Path, folder: Path, table: str, columns: dict[str, str], join: str = ""
) -> Path:
    """A copy of the home whose compiled SQL has more columns; ``honest`` are the rows that it had before."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(home / "lake", folder / "lake")
    manifest = json.loads((home / "dbt" / "manifest.json").read_text())
    node = manifest["nodes"][f"model.ml_platform.{table}"]
    added = ", ".join(f"({sql})::double as {name}" for name, sql in columns.items())
    node["compiled_code"] = (
        f"with honest as ({node['compiled_code']}\n) select honest.*, {added} from honest {join}"
    )
    (folder / "dbt").mkdir()
    (folder / "dbt" / "manifest.json").write_text(json.dumps(manifest))
    return folder


def declared(table: str, columns: Sequence[str]) -> FeatureTable:
    """The feature table with more columns."""
    specs = tuple(
        number(name, Family.RAW, (None, None), "a lie", NEVER_MISSING, "Planted.")
        for name in columns
    )
    honest = FEATURE_TABLES[table]
    return replace(honest, parts=(*honest.parts, FeaturePart(specs, ())))


def search(
    home: Path,
    table: FeatureTable,
    publish: Callable[[duckdb.DuckDBPyConnection, str], None] | None = None,
) -> FutureCheck:
    """Publish the table as its SQL says (or as ``publish`` leaves it), and search it."""
    warehouse, lake = home / "warehouse.duckdb", home / "lake"
    features = home / f"{table.name}.parquet"
    compiled = compiled_features(warehouse, lake.resolve(), table.name)
    with rebuilt(compiled, lake, home / "spilled") as connection:
        relation = compiled.models[-1].relation
        if publish:
            publish(connection, relation)
        connection.execute(f"copy {relation} to '{features}' (format parquet)")
    return check_future(
        table, warehouse=warehouse, lake=lake.resolve(), features=features, as_of=AS_OF
    )


def named(check: FutureCheck, table: FeatureTable, kind: str = "future") -> set[str]:
    findings = check.findings([feature.name for feature in table.features])
    return {f.subject for f in findings if f.check == kind and f.level is LeakageLevel.DANGEROUS}


@pytest.mark.parametrize(
    "name",
    ["pattern_features", "suggestion_features", "start_time_features", "adoption_snapshots"],
)
def test_honest_features_are_named_by_no_comparison(home: Path, name: str) -> None:
    table = FEATURE_TABLES[name]
    check = search(home, table)
    assert check.findings([feature.name for feature in table.features]) == ()
    assert check.histories == check.rows > 10
    assert check.rows_published > 5


def test_a_session_that_the_next_event_would_prolong_is_asked_after_a_pause(
    home: Path, tmp_path: Path
) -> None:
    # Without sessions of the source, an event right after the row would move the end of its stretch of work.
    clock = (
        START + timedelta(hours=day * 24, minutes=step) for day in range(40) for step in range(6)
    )
    events = [
        replace(event, event_id=f"e{place}", occurred_at=at, session_id=None, user_id="a")
        for place, (event, at) in enumerate(zip(random_events(5, 300), clock, strict=False))
    ]
    other = tmp_path / "home"
    write_lake(other / "lake", events, START)
    use_sql_of(home, other)
    table = FEATURE_TABLES["session_features"]
    check = search(other, table)
    assert check.findings([feature.name for feature in table.features]) == ()
    assert check.histories == check.rows == 40


def test_leaks_of_four_kinds_are_named_and_honest_columns_beside_them_are_not(
    home: Path, tmp_path: Path
) -> None:
    leaks = {
        "mean_of_all_time": "avg(events_24h) over (partition by user_id)",
        "own_label": "length(workflow_category)",
        "a_second_late": "count(*) over (partition by user_id order by epoch_us(occurred_at) "
        "range between 3600000000 preceding and 1000000 following)",
        "latest_profile": "latest",
        "tenure_of_later": "tenure_days",
    }
    honest = {
        "up_to_the_row": "count(*) over (partition by user_id order by epoch_us(occurred_at) "
        "range between 3600000000 preceding and current row)",
    }
    join = (
        "left join (select user_id as profile, length(max_by(tool, occurred_at)) as latest, "
        'any_value(tenure_days) as tenure_days from "warehouse"."staging"."stg_events" '
        'left join "warehouse"."staging"."stg_users" using (user_id) group by user_id) on user_id = profile'
    )
    changed = with_columns(home, tmp_path / "home", "pattern_features", leaks | honest, join)
    manifest = changed / "dbt" / "manifest.json"
    nodes = json.loads(manifest.read_text())
    nodes["nodes"]["model.ml_platform.pattern_features"]["depends_on"]["nodes"].append(
        "model.ml_platform.stg_users"
    )
    database = nodes["nodes"]["model.ml_platform.pattern_features"]["database"]
    manifest.write_text(json.dumps(nodes).replace('\\"warehouse\\".', f'\\"{database}\\".'))
    table = declared("pattern_features", [*leaks, *honest])
    assert named(search(changed, table), table) == {*leaks}


def test_an_outcome_of_its_own_is_named_with_its_rows_and_an_example(
    home: Path, tmp_path: Path
) -> None:
    leak = {"own_outcome": "(adopted = 'yes')::double"}
    changed = with_columns(home, tmp_path / "home", "suggestion_features", leak)
    table = declared("suggestion_features", list(leak))
    check = search(changed, table)
    assert named(check, table) == {"own_outcome"}
    (finding,) = check.findings(["own_outcome", "runs_14d"])[:1]
    assert finding.explanation.startswith(f"{check.columns[-1].future.differ} of")
    assert "suggestion_features.own_outcome" in finding.explanation


def test_a_published_value_that_the_lake_does_not_give_is_named(home: Path, tmp_path: Path) -> None:
    copied = with_columns(home, tmp_path / "home", "pattern_features", {"same": "0"})
    table = declared("pattern_features", ["same"])

    def spoil(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        first = f"(select row_id from {relation} order by occurred_at, row_id limit 1)"
        connection.execute(f"update {relation} set events_7d = 99 where row_id = {first}")

    check = search(copied, table, spoil)
    assert named(check, table) == set()
    assert named(check, table, "rebuilt") == {"events_7d"}


def test_late_rows_are_reported_apart_and_are_no_finding(home: Path, tmp_path: Path) -> None:
    events = pq.read_table(home / "lake" / "events" / "day=2026-03-01")
    rows = events.to_pylist()
    for place, row in enumerate(rows):
        late = timedelta(days=2 if place % 4 == 0 else 0)
        row["received_at"] = row["occurred_at"] + late
    other = tmp_path / "home"
    write_lake(other / "lake", [])
    pq.write_table(
        type(events).from_pylist(rows, schema=TABLES["events"]), other / "lake/events/rows.parquet"
    )
    use_sql_of(home, other)
    table = FEATURE_TABLES["pattern_features"]
    check = search(other, table)
    assert check.findings([feature.name for feature in table.features]) == ()
    assert "events_7d" in check.delayed
    assert "extension" not in check.delayed


def test_a_build_without_compiled_sql_cannot_be_searched(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no compiled SQL"):
        compiled_features(tmp_path / "warehouse.duckdb", tmp_path, "pattern_features")


def test_sql_that_runs_on_no_other_lake_stops_with_its_name(home: Path, tmp_path: Path) -> None:
    broken = with_columns(home, tmp_path / "home", "pattern_features", {"x": "no_such_column"})
    with pytest.raises(ServiceError, match=r"pattern_features.*no_such_column"):
        search(broken, declared("pattern_features", ["x"]))


def column(name: str, differ: int = 0, last_digits: int = 0) -> ColumnCheck:
    same = Comparison(300, 0, 0, "")
    return ColumnCheck(
        name, Comparison(300, differ, last_digits, "e1 is 1.0, else 2.0"), same, None
    )


def made(histories: int, rows: int, *columns: ColumnCheck) -> FutureCheck:
    return FutureCheck("t", "", rows, histories, datetime(2026, 1, 1, tzinfo=UTC), columns)


def test_power_is_that_of_a_column_wrong_in_one_row_of_a_hundred() -> None:
    assert (
        1 - (1 - WRONG_SHARE) ** ENOUGH_ROWS >= POWER > 1 - (1 - WRONG_SHARE) ** (ENOUGH_ROWS - 1)
    )
    assert made(ENOUGH_ROWS, 10**6).findings(()) == ()
    (finding,) = made(100, 10**6).findings(())
    assert finding.level is LeakageLevel.WARNING
    assert "INSUFFICIENT: 100 of 1000000 rows" in finding.explanation
    assert "63%" in finding.explanation
    assert made(100, 100).findings(()) == ()


def test_only_columns_that_a_model_sees_are_findings_and_last_digits_warn() -> None:
    check = made(
        300, 10**6, column("a", differ=3), column("b", last_digits=2), column("c", differ=1)
    )
    assert check.findings(["a", "b"]) == (
        LeakageFinding(
            "future",
            "a",
            LeakageLevel.DANGEROUS,
            0.01,
            0.0,
            "3 of 300 rows of t.a differ without what came after the row: e1 is 1.0, else 2.0",
        ),
        LeakageFinding(
            "future",
            "b",
            LeakageLevel.WARNING,
            2 / 300,
            0.0,
            "2 of 300 rows of t.b differ without what came after the row: e1 is 1.0, else 2.0 "
            "(in the last digits)",
        ),
    )


def test_every_column_that_the_lake_fills_in_later_is_cut() -> None:
    for table, fills in FILLS_IN.items():
        cut = KNOWN_LATER[table].unknown if table in KNOWN_LATER else {}
        assert fills.keys() <= cut.keys()
    assert {*KNOWN_LATER, *ROW_DELAYS} <= {*TABLES}
