"""The source simulate: the tables, their identity, their size, and what it refuses."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml_platform.errors import SourceError
from ml_platform.events import schema
from ml_platform.events.simulator import simulate as simulator
from ml_platform.events.sources import simulate
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.models.catalogue import MODELS

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


def collect(source: SimulateSource) -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in source.batches():
        assert rows.num_rows <= 50_000
        parts.setdefault(name, []).append(rows)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return collect(SimulateSource(as_of=AS_OF, days=28, users=120, seed=5))


def digest(days: int, users: int, seed: int) -> str:
    """Hash of all rows; also run in another process by the test below."""
    total = hashlib.sha256()
    source = SimulateSource(as_of=AS_OF, days=days, users=users, seed=seed)
    for name, rows in source.batches():
        total.update(name.encode())
        total.update(repr(rows.to_pydict()).encode())
    return total.hexdigest()


def test_all_tables_have_their_schema_and_unique_ids(tables: dict[str, pa.Table]) -> None:
    assert set(tables) == set(schema.TABLES)
    for name, rows in tables.items():
        assert rows.schema.equals(schema.TABLES[name]), name
        rows.validate(full=True)
        for field in rows.schema:
            assert field.nullable or rows[field.name].null_count == 0, (name, field.name)
        keys = list(zip(*(rows[key].to_pylist() for key in schema.IDENTITY[name]), strict=True))
        assert len(set(keys)) == len(keys) > 0


def test_times_lie_in_the_span_and_are_received_by_its_end(tables: dict[str, pa.Table]) -> None:
    since = AS_OF - timedelta(days=28)
    for name, column in schema.EVENT_TIME.items():
        if column is not None:
            assert pc.min(tables[name][column]).as_py() >= since
            assert pc.max(tables[name][column]).as_py() < AS_OF
            delays = pc.subtract(tables[name]["received_at"], tables[name][column])
            assert pc.min(delays.cast(pa.int64())).as_py() >= 0
            assert pc.max(tables[name]["received_at"]).as_py() <= AS_OF
    settled = tables["suggestions"]["outcome_at"]
    assert pc.max(settled).as_py() <= AS_OF
    assert 0 < settled.null_count == tables["suggestions"]["outcome"].null_count < 400


def test_sessions_are_those_that_thirty_minutes_tell_apart(tables: dict[str, pa.Table]) -> None:
    frame = tables["events"].to_pandas().sort_values(["user_id", "occurred_at"])
    assert not frame.duplicated(["user_id", "occurred_at"]).any()
    gap = frame.groupby("user_id").occurred_at.diff()
    other = frame.session_id != frame.groupby("user_id").session_id.shift()
    assert (gap[~other] <= timedelta(minutes=25)).all()
    assert (gap[other].dropna() > timedelta(minutes=30)).all()
    assert (frame.groupby("session_id").user_id.nunique() == 1).all()


def test_paths_say_area_project_and_extension(tables: dict[str, pa.Table]) -> None:
    frame = tables["events"].to_pandas()
    named = frame[frame.object_path.notna()]
    assert 0.05 < frame.object_path.isna().mean() < 0.3
    assert (named.object_path.str.rsplit(".", n=1).str[1] == named.object_extension).all()
    assert named.object_path.str.fullmatch(r"[a-z]+/project\d\d/[a-z]+_\d\d\.[a-z]+").all()
    assert named.object_path.nunique() > 1_000
    assert frame.attributes.map(lambda text: json.loads(text)["duration_ms"] > 0).all()
    assert frame.workflow_category.value_counts(normalize=True).between(0.03, 0.3).all()


def ceilings_of(tables: dict[str, pa.Table], target: str) -> pa.Table:
    return tables["ceilings"].filter(pc.equal(tables["ceilings"]["target"], target))


def labelled(tables: dict[str, pa.Table]) -> pa.Table:
    """Events with a category; those of anomalous sessions have none."""
    return tables["events"].filter(pc.is_valid(tables["events"]["workflow_category"]))


def test_ceilings_answer_for_every_labelled_event(tables: dict[str, pa.Table]) -> None:
    events, ceilings = labelled(tables), ceilings_of(tables, "workflow_category")
    assert 0.005 < 1 - len(events) / len(tables["events"]) < 0.05
    assert ceilings["row_id"].equals(events["event_id"])
    right = pc.mean(
        pc.equal(ceilings["prediction"], events["workflow_category"]).cast(pa.float64())
    ).as_py()
    assert right == pytest.approx(pc.mean(ceilings["probability"]).as_py(), abs=0.01)


def test_the_ceilings_of_sequences_answer_for_every_event(tables: dict[str, pa.Table]) -> None:
    """Those of sessions of which nothing is known too: a model is evaluated on every step."""
    ids = sorted(tables["events"]["event_id"].to_pylist())
    for name in ("next_step", "next_step/soon"):
        assert sorted(ceilings_of(tables, name)["row_id"].to_pylist()) == ids


def test_the_default_size_and_ceiling() -> None:
    rows = collect(SimulateSource(as_of=AS_OF, seed=0))
    assert rows["events"].num_rows >= 300_000
    assert rows["users"].num_rows == 250
    events = labelled(rows)
    late = pc.greater_equal(events["occurred_at"], AS_OF - timedelta(days=18))
    ceilings = ceilings_of(rows, "workflow_category")
    right = pc.equal(ceilings["prediction"], events["workflow_category"])
    accuracy = pc.mean(right.filter(late).cast(pa.float64())).as_py()
    assert 0.88 <= accuracy <= 0.95


def test_launch_hours_are_drawn_with_the_logged_propensity(tables: dict[str, pa.Table]) -> None:
    runs = tables["workflow_executions"].to_pandas()
    runs = runs.merge(tables["users"].to_pandas()[["user_id", "region"]], on="user_id")
    drawn = runs[runs.trigger == "schedule"]
    assert drawn.propensity.between(0.05, 0.5).all()
    assert runs[runs.trigger != "schedule"].propensity.isna().all()
    offsets = drawn.region.map({"americas": -300, "emea": 60, "apac": 480})
    local = drawn.started_at.dt.tz_convert(None) + np.array(offsets, dtype="timedelta64[m]")
    hours = drawn.candidate_set.map(json.loads)
    assert all(hour in some for hour, some in zip(local.dt.hour, hours, strict=True))
    # Horvitz-Thompson: the weights of the drawn hours add up to the number of candidates a start.
    weights = 1 / drawn.propensity
    error = weights.std() / np.sqrt(len(weights))
    assert abs(weights.mean() - 6) < 4 * error


def test_the_same_in_another_process_and_another_seed_differs() -> None:
    code = (
        "from ml_platform_tests.events.test_simulator_source import digest;"
        "import sys; sys.stdout.write(digest(3, 20, 1))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == digest(3, 20, 1)
    assert digest(3, 20, 2) != digest(3, 20, 1)


def test_blocks_of_users_do_not_depend_on_how_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    days, block = 40, 9
    bound = block * (days + simulator.HISTORY_DAYS)
    monkeypatch.setattr(simulator, "BLOCK_USER_DAYS", bound)
    one = SimulateSource(as_of=AS_OF, days=days, users=block, seed=1)
    two = SimulateSource(as_of=AS_OF, days=days, users=block + 3, seed=1)
    first = pa.concat_tables(rows for name, rows in one.batches() if name == "suggestions")
    both = pa.concat_tables(rows for name, rows in two.batches() if name == "suggestions")
    ids = first["suggestion_id"]
    assert len(ids) > 100
    assert both["suggestion_id"][: len(ids)].equals(ids)
    assert both.num_rows > first.num_rows
    assert pc.count_distinct(both["user_id"]).as_py() == block + 3


def test_a_single_user_and_day_is_enough() -> None:
    rows = collect(SimulateSource(as_of=AS_OF, days=1, users=1, seed=0))
    assert set(rows) <= set(schema.TABLES)
    assert rows["users"].num_rows == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"days": 0}, "days=0, below 1"),
        ({"users": 0}, "users=0, below 1"),
        ({"seed": -1}, "seed=-1, below 0"),
        ({"as_of": datetime(2026, 3, 1)}, "as_of=2026-03-01T00:00:00, which has no time zone"),
        ({"parameters": "third"}, "parameters='third'"),
    ],
)
def test_what_it_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        SimulateSource(**{"as_of": AS_OF, **options})
    assert raised.value.exit_code == 2


def test_what_it_says_of_itself() -> None:
    source = SimulateSource(as_of=AS_OF, days=7, seed=3, parameters="second")
    assert source.name == "simulate:second,days=7,users=200,seed=3"
    assert source.simulated
    assert source.live


def test_the_simulator_names_no_model() -> None:
    folder = Path(simulate.__file__).parents[1]
    sources = {file.name: file.read_text() for file in folder.rglob("*.py")}
    assert len(sources) > 30
    names = [spec.name for spec in MODELS]
    named = [(name, file) for name in names for file, text in sources.items() if name in text]
    assert named == []


def test_every_model_compares_with_a_ceiling_of_the_simulator(
    tables: dict[str, pa.Table],
) -> None:
    targets = set(tables["ceilings"]["target"].to_pylist())
    ceilings = {spec.ceiling_target for spec in MODELS}
    assert ceilings == {target for target in targets if "/" not in target}
