"""The features of an event as of now equal those that training has, whatever came late or twice before it."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import EventState
from ml_platform.features.online.expressions import ExpressionError
from ml_platform.features.online.pattern_rows import PatternRows
from ml_platform.features.pattern_features import PATTERN_FEATURES
from ml_platform_tests.features.growing_lakes import commits, process_log, telemetry
from ml_platform_tests.features.lakes import random_events
from ml_platform_tests.features.online.project_sql import changed_sql, project_sql
from ml_platform_tests.features.online.replay import observations, online_event
from ml_platform_tests.features.pattern_oracle import Event, pattern_features

NAMES = [spec.name for spec in PATTERN_FEATURES]
Rows = dict[str, dict[str, Any]]


def asked_when_they_come(events: Sequence[Event], sql: DbtSql | None = None) -> Rows:
    """The features of each event, asked for when it comes."""
    sql = sql or project_sql()
    state = EventState(sql)
    answers = PatternRows(sql, state)
    rows = {}
    for observation in observations(events):
        features = answers.features(observation)
        for event, values in zip(observation, features, strict=True):
            rows[event["event_id"]] = values
            assert state.advance(event)
    return rows


def differing(trained: list[dict[str, Any]], online: Rows) -> dict[str, list[str]]:
    """By feature the rows in which it is not what training has."""
    found: dict[str, list[str]] = {}
    for row in trained:
        for name in NAMES:
            if online[row["row_id"]][name] != row[name]:
                found.setdefault(name, []).append(row["row_id"])
    return found


@pytest.mark.parametrize("world", [telemetry, commits, process_log])
def test_every_feature_is_that_of_the_bulk_build_to_the_bit(
    world: Any, features_of: Callable[[Sequence[Event]], list[dict[str, Any]]]
) -> None:
    events = world(3)
    trained = features_of(events)
    online = asked_when_they_come(events)
    assert set(online) == {row["row_id"] for row in trained}
    assert differing(trained, online) == {}


@pytest.mark.parametrize("seed", range(6))
def test_every_feature_is_that_of_the_oracle_to_the_bit(seed: int) -> None:
    events = random_events(seed)
    assert differing(pattern_features(events), asked_when_they_come(events)) == {}


@pytest.mark.parametrize("seed", range(3))
def test_late_and_repeated_events_leave_the_state_of_those_in_order(seed: int) -> None:
    events, draw = random_events(seed), Random(seed)
    newest = max(event.occurred_at for event in events)
    past = [event for event in events if event.occurred_at < newest]
    draw.shuffle(past)
    state = EventState(project_sql(), slack=400 * 86_400_000_000)
    assert all(state.advance(online_event(event)) for event in past)
    assert not any(state.advance(online_event(event)) for event in draw.sample(past, 20))
    answers = PatternRows(project_sql(), state)
    last = [event for event in events if event.occurred_at == newest]
    online = {
        event["event_id"]: values
        for observation in observations(last)
        for event, values in zip(observation, answers.features(observation), strict=True)
    }
    trained = [row for row in pattern_features(events) if row["row_id"] in online]
    assert len(trained) == len(last)
    assert differing(trained, online) == {}


@pytest.mark.parametrize(
    ("model", "old", "new", "feature"),
    [
        ("windows", "preceding and 1 preceding", "preceding and current row", ""),
        ("memory", "return(12)", "return(3)", "session_tokens"),
        ("memory", "microseconds(0.5)", "microseconds(0.4)", "session_position"),
        ("int_user_counts", "'by_tool', week", "'by_tool', 167", "share_tool_7d"),
        (
            "int_memories",
            "since(24) }}) as moments_24h",
            "since(23) }}) as moments_24h",
            "mean_gap_24h",
        ),
        ("pattern_features", "m.events_1h * 168", "m.events_1h * 167", "rate_1h_to_7d"),
    ],
)
def test_a_definition_that_is_not_that_of_training_is_found_by_name(
    model: str, old: str, new: str, feature: str
) -> None:
    sql = changed_sql(**{model: (old, new)})
    if not feature:
        with pytest.raises(ExpressionError, match="may have the row itself"):
            EventState(sql)
        return
    worlds = (random_events(seed) for seed in (6, 0, 1, 2))
    assert any(
        feature in differing(pattern_features(events), asked_when_they_come(events, sql))
        for events in worlds
    )
