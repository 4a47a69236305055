"""The features of candidate start times as of now equal those that training has."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import pytest

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.start_time_rows import StartTimeRows
from ml_platform.features.online.streams import EVENTS, EXECUTIONS
from ml_platform.features.start_time_features import START_TIME_FEATURES
from ml_platform_tests.features.online.project_sql import changed_sql, project_sql
from ml_platform_tests.features.start_time_lakes import END, STATUS, random_history
from ml_platform_tests.features.start_time_oracle import DAY, HOUR, Done, Run

NAMES = [spec.name for spec in START_TIME_FEATURES]
MINUTE = 60_000_000
Rows = list[dict[str, Any]]
Known = tuple[int, str, str, dict[str, Any]]


def what_comes(runs: Sequence[Run], events: Sequence[Done]) -> Iterable[Known]:
    """When what is known: each run when it starts, and again when it has ended."""
    for run in runs:
        row = {
            "execution_id": run.execution_id,
            "workflow_id": run.workflow_id,
            "user_id": run.user_id,
            "started_at": run.t,
            "finished_at": run.settled_t,
            "status": STATUS[run.outcome],
            "utc_offset_minutes": run.zone // MINUTE,
        }
        begun = {**row, "finished_at": None, "status": "running"}
        yield run.t, EXECUTIONS, run.execution_id, begun
        if run.settled_t is not None:
            yield run.settled_t, EXECUTIONS, run.execution_id, row
    for number, done in enumerate(events):
        event = {
            "user_id": done.user_id,
            "occurred_at": done.t,
            "utc_offset_minutes": done.zone // MINUTE,
        }
        yield done.t, EVENTS, f"e{number}", event


def decided(run: Run) -> tuple[int, list[tuple[int, int]]]:
    """When the start of a run was chosen, and between which times."""
    logged = (run.t + run.zone) // HOUR % 24
    if run.propensity is None or logged not in run.candidates:
        return run.t, [(run.t, logged)]
    midnight = (run.t + run.zone) // DAY * DAY - run.zone
    hours = sorted(set(run.candidates))
    return midnight, [(midnight + hour * HOUR + HOUR // 2, hour) for hour in hours]


def asked_when_chosen(
    runs: Sequence[Run], events: Sequence[Done], sql: DbtSql | None = None, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """The features of each candidate when its run is decided; what came before comes in any order, some twice."""
    draw = Random(seed)
    answers = StartTimeRows(sql or project_sql())
    waiting = list(what_comes(runs, events))
    rows = {}
    for run in sorted(runs, key=lambda each: decided(each)[0]):
        t, candidates = decided(run)
        arrived = [each for each in waiting if each[0] < t]
        waiting = [each for each in waiting if each[0] >= t]
        draw.shuffle(arrived)
        for _, source, name, row in [*arrived, *draw.sample(arrived, len(arrived) // 2)]:
            answers.advance(source, name, row)
        decision = {
            "user_id": run.user_id,
            "workflow_id": run.workflow_id,
            "trigger": run.trigger,
            "utc_offset_minutes": run.zone // MINUTE,
            "t": t,
        }
        found = answers.features(decision, candidates)
        for (_, slot), values in zip(candidates, found, strict=True):
            rows[f"{run.execution_id}:{slot}"] = values
    return rows


def differing(trained: Rows, online: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in trained:
        for name in NAMES:
            if online[row["row_id"]][name] != row[name]:
                found.setdefault(name, []).append(row["row_id"])
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_feature_is_that_of_the_bulk_build_to_the_bit(
    start_times_of: Callable[..., Rows], seed: int
) -> None:
    runs, events = random_history(seed)
    assert max(run.t for run in runs) < END
    trained, online = start_times_of(runs, events), asked_when_chosen(runs, events, seed=seed)
    assert len(trained) > 100
    assert set(online[trained[0]["row_id"]]) == set(NAMES)
    assert differing(trained, online) == {}


@pytest.mark.parametrize(
    ("model", "old", "new", "feature"),
    [
        ("start_time_features", "28 * 24", "9 * 24", "user_runs_28d"),
        ("start_time_features", "(slot + 23) % 24", "(slot + 22) % 24", "expected_activity"),
        ("int_runs", "'success', 'succeeded', 'completed'", "'succeeded'", "success_rate_28d"),
    ],
)
def test_a_definition_that_is_not_that_of_training_is_found_by_name(
    start_times_of: Callable[..., Rows], model: str, old: str, new: str, feature: str
) -> None:
    runs, events = random_history(4)
    online = asked_when_chosen(runs, events, changed_sql(**{model: (old, new)}))
    assert feature in differing(start_times_of(runs, events), online)
