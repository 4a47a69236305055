"""A snapshot holds all that is known: who goes on from it answers what who never stopped answers."""

import io
from typing import Any

import numpy as np
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.features.online.live_features import LiveFeatures
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.past_rows import PastRows
from ml_platform_tests.features.growing_lakes import process_log
from ml_platform_tests.features.online.project_sql import project_sql
from ml_platform_tests.features.online.replay import observations
from ml_platform_tests.features.online.test_start_time_rows import decided, what_comes
from ml_platform_tests.features.online.test_suggestion_rows import in_microseconds
from ml_platform_tests.features.online.test_suggestion_rows import what_comes as what_comes_of
from ml_platform_tests.features.start_time_lakes import random_history as random_runs
from ml_platform_tests.features.suggestion_lakes import random_history


def restarted(live: LiveFeatures) -> LiveFeatures:
    """The same state in another object, by way of a file without pickle."""
    file = io.BytesIO()
    np.savez(file, **live.packed())
    file.seek(0)
    again = LiveFeatures(project_sql())
    with np.load(file, allow_pickle=False) as stored:
        again.unpack({name: stored[name] for name in stored.files})
    return again


def test_events_go_on_from_a_snapshot() -> None:
    live = LiveFeatures(project_sql())
    other = restarted(live)
    for number, observation in enumerate(observations(process_log(2))):
        events = [{**event, "occurred_at": event["t"]} for event in observation]
        assert other.pattern_features(events) == live.pattern_features(events)
        assert other.step_features(events) == live.step_features(events)
        for event in events:
            assert live.events.advance(event) == other.events.advance(event) is True
            assert not other.events.advance(event)
            if number % 7 == 0:
                live.events.start_run(event["user_id"], event["t"])
                other.events.start_run(event["user_id"], event["t"])
        if number % 20 == 0:
            other = restarted(other)


def test_suggestions_and_start_times_go_on_from_a_snapshot() -> None:
    live = LiveFeatures(project_sql())
    history, (runs, done) = random_history(4, offers=120), random_runs(4)
    for _, source, name, row in what_comes_of(history):
        live.suggestions.advance(source, name, row)
    for _, source, name, row in what_comes(runs, done):
        live.start_times.advance(source, name, row)
    other = restarted(live)
    offers = [in_microseconds(offer) for offer in history[0]]
    assert other.suggestions.features(offers) == live.suggestions.features(offers)
    for run in runs:
        t, candidates = decided(run)
        decision: dict[str, Any] = {
            **{"user_id": run.user_id, "workflow_id": run.workflow_id, "trigger": run.trigger},
            **{"t": t, "utc_offset_minutes": None},
        }
        answers = live.start_times.features(decision, candidates)
        assert other.start_times.features(decision, candidates) == answers


def test_values_that_are_equal_keep_their_types() -> None:
    rows = PastRows(("value",))
    values = (True, 1, 1.0, "1", None)
    for t, value in enumerate(values):
        rows.add(t, {"value": value})
    packer = Packer()
    packer.rows("rows", {("a", True): rows}, ("value",))
    ((key, back),) = Unpacker(packer.finished()).rows("rows", ("value",)).items()
    assert (key, [*map(repr, back.columns["value"])]) == (("a", True), [*map(repr, values)])


def test_a_snapshot_that_lacks_a_part_is_refused() -> None:
    arrays = LiveFeatures(project_sql()).packed()
    del arrays["events/moments/times"]
    with pytest.raises(IntegrityError, match="has no events/moments/times"):
        LiveFeatures(project_sql()).unpack(arrays)
