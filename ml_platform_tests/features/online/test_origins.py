"""What a feature says of where its value comes from is so: the past changes no feature of the request."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from ml_platform.features.online.live_features import ONLINE_TABLES, LiveFeatures
from ml_platform.features.online.origins import FeatureOrigin, Origin, origin_of
from ml_platform.features.tables import TABLES
from ml_platform_tests.features.lakes import random_events
from ml_platform_tests.features.online.project_sql import project_sql
from ml_platform_tests.features.online.replay import observations
from ml_platform_tests.features.online.test_start_time_rows import decided, what_comes
from ml_platform_tests.features.online.test_suggestion_rows import in_microseconds
from ml_platform_tests.features.online.test_suggestion_rows import what_comes as what_comes_of
from ml_platform_tests.features.start_time_lakes import random_history as random_runs
from ml_platform_tests.features.suggestion_lakes import random_history

Answer = dict[str, Any]


def of_request(table: str) -> set[str]:
    origins = {f.name: origin_of(TABLES[table], f).origin for f in TABLES[table].features}
    assert {Origin.REQUEST, Origin.STATE} == set(origins.values())
    return {name for name, origin in origins.items() if origin is Origin.REQUEST}


def of_events() -> dict[str, tuple[list[Answer], list[Answer]]]:
    """By table the answers for the same requests with a past and without one."""
    live, new = LiveFeatures(project_sql()), LiveFeatures(project_sql())
    found: dict[str, tuple[list[Answer], list[Answer]]] = {
        "pattern_features": ([], []),
        "step_features": ([], []),
    }
    for number, observation in enumerate(observations(random_events(3))):
        events = [{**each, "occurred_at": each["t"]} for each in observation]
        for place, features in enumerate((live, new)):
            found["pattern_features"][place].extend(features.pattern_features(events))
            found["step_features"][place].append(features.step_features(events))
        for event in events:
            live.event(event)
            if number % 5 == 0:
                live.events.start_run(event["user_id"], event["t"])
    return found


def of_suggestions() -> tuple[list[Answer], list[Answer]]:
    history = random_history(2)
    live, new = LiveFeatures(project_sql()), LiveFeatures(project_sql())
    for _, source, name, row in what_comes_of(history):
        live.suggestions.advance(source, name, row)
    offers = [in_microseconds(offer) for offer in history[0]]
    return live.suggestions.features(offers), new.suggestions.features(offers)


def of_start_times() -> tuple[list[Answer], list[Answer]]:
    runs, events = random_runs(2)
    live, new = LiveFeatures(project_sql()), LiveFeatures(project_sql())
    for _, source, name, row in what_comes(runs, events):
        live.start_times.advance(source, name, row)
    found: tuple[list[Answer], list[Answer]] = ([], [])
    for run in runs:
        t, candidates = decided(run)
        decision = asdict(run) | {"t": t, "utc_offset_minutes": run.zone // 60_000_000}
        for place, features in enumerate((live, new)):
            found[place].extend(features.start_times.features(decision, candidates))
    return found


def test_the_past_changes_what_is_of_the_state_and_nothing_of_the_request() -> None:
    answers = {
        **of_events(),
        "suggestion_features": of_suggestions(),
        "start_time_features": of_start_times(),
    }
    assert set(answers) == set(ONLINE_TABLES)
    for table, (with_past, without) in answers.items():
        changed = {
            name
            for one, other in zip(with_past, without, strict=True)
            for name in one
            if one[name] != other[name]
        }
        features = {feature.name for feature in TABLES[table].features}
        assert changed == features - of_request(table), table


@pytest.mark.parametrize(
    ("table", "greatest_age"),
    [("adoption_snapshots", timedelta(days=7, hours=6)), ("session_features", timedelta(hours=6))],
)
def test_a_batch_says_how_old_it_may_be(table: str, greatest_age: timedelta) -> None:
    origins = {origin_of(TABLES[table], feature) for feature in TABLES[table].features}
    assert origins == {FeatureOrigin(Origin.BATCH, greatest_age)}
