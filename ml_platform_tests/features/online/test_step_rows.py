"""The features of a step as of now equal those that training has, runs in between included."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import EventState
from ml_platform.features.online.step_rows import STARTED_BY_HAND, StepRows
from ml_platform.features.step_features import STEP_FEATURES
from ml_platform_tests.features.growing_lakes import commits, process_log, telemetry
from ml_platform_tests.features.online.project_sql import changed_sql, project_sql
from ml_platform_tests.features.online.replay import microseconds, observations
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.test_step_features import some_runs

NAMES = [spec.name for spec in STEP_FEATURES]
Runs = list[dict[str, Any]]


def asked_when_they_come(
    events: Sequence[Event], runs: Runs, sql: DbtSql | None = None
) -> dict[str, dict[str, Any]]:
    """The features of each step by its first event, asked for when it comes; runs begin in between."""
    sql = sql or project_sql()
    state = EventState(sql)
    answers = StepRows(sql, state)
    waiting = sorted((run for run in runs), key=lambda run: run["started_at"], reverse=True)
    rows = {}
    for observation in observations(events):
        while waiting and microseconds(waiting[-1]["started_at"]) <= observation[0]["t"]:
            run = waiting.pop()
            if run["trigger"] in STARTED_BY_HAND:
                state.start_run(run["user_id"], microseconds(run["started_at"]))
        rows[min(event["event_id"] for event in observation)] = answers.features(observation)
        for event in observation:
            state.advance(event)
    return rows


def differing(trained: Runs, online: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in trained:
        for name in NAMES:
            if online[row["row_id"]][name] != row[name]:
                found.setdefault(name, []).append(row["row_id"])
    return found


@pytest.mark.parametrize("world", [telemetry, commits, process_log])
def test_every_feature_is_that_of_the_bulk_build_to_the_bit(
    world: Any, steps_of: Callable[..., Runs]
) -> None:
    events = world(4)
    runs = some_runs(events, 4)
    trained = steps_of(events, runs)
    online = asked_when_they_come(events, runs)
    assert set(online) == {row["row_id"] for row in trained}
    assert set(online[events[0].event_id]) == set(NAMES)
    assert any("run" in row["runs"] for row in trained)
    assert differing(trained, online) == {}


@pytest.mark.parametrize(
    ("model", "old", "new", "feature"),
    [
        ("steps", "return(10)", "return(9)", "steps"),
        ("steps", "640, 1800])", "640, 1799])", "gaps"),
        (
            "step_features",
            "s.last_run_t) / 3600000000",
            "s.last_run_t) / 3600000001",
            "hours_since_run",
        ),
    ],
)
def test_a_definition_that_is_not_that_of_training_is_found_by_name(
    steps_of: Callable[..., Runs], model: str, old: str, new: str, feature: str
) -> None:
    events = telemetry(4)
    runs = some_runs(events, 4)
    online = asked_when_they_come(events, runs, changed_sql(**{model: (old, new)}))
    assert feature in differing(steps_of(events, runs), online)
