from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.monitoring.baseline import Baseline, cluster_codes
from ml_platform.monitoring.distribution import clustered_shares
from ml_platform.monitoring.weeks import MANY, Replay, inflations, reference_weeks, replay
from ml_platform.values import fingerprint, from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK, build_baseline
from ml_platform_tests.monitoring.telemetry import CATEGORIES, NUMBERS, START, telemetry


def test_it_covers_whole_weeks_and_comparable_features(baseline: Baseline) -> None:
    # eight weeks less the one in which trailing features are not filled
    assert baseline.weeks == 7
    assert (baseline.reference_start, baseline.reference_end) == (START + WEEK, END)
    assert [entry.name for entry in baseline.features] == [*NUMBERS, *CATEGORIES, "hour"]
    assert [entry.name for entry in baseline.predictions] == [
        "predicted",
        "confidence",
        "low_confidence",
    ]


def test_it_comes_back_from_json_and_is_small(baseline: Baseline) -> None:
    text = to_json(baseline)
    assert from_json(Baseline, text) == baseline
    assert len(text) < 3_000 * (len(baseline.features) + 3)


def test_order_of_rows_changes_nothing(quiet: pd.DataFrame) -> None:
    shuffled = quiet.sample(frac=1.0, random_state=5)
    built = [build_baseline(rows, END) for rows in (quiet, shuffled)]
    assert [entry.shares for entry in built[0].features] == [
        entry.shares for entry in built[1].features
    ]
    again = build_baseline(quiet, END)
    assert fingerprint(again) == fingerprint(built[0])


def test_rows_after_the_end_do_not_matter(quiet: pd.DataFrame) -> None:
    past = quiet[quiet["occurred_at"] < END]
    whole = build_baseline(quiet, END)
    assert whole == build_baseline(past, END)


def test_under_a_week_leaves_calendar_features_out(quiet: pd.DataFrame) -> None:
    short = build_baseline(quiet, START + timedelta(days=5))
    assert short.weeks == 0
    assert "hour" not in [entry.name for entry in short.features]
    assert {entry.inflation.factor for entry in short.features} == {2.0}


def test_bad_input_is_named(quiet: pd.DataFrame) -> None:
    with pytest.raises(InsufficientData, match="No reference row of model lies before 2024-01-01"):
        build_baseline(quiet, START)
    with pytest.raises(IntegrityError, match="lack the columns number_3, hour"):
        build_baseline(quiet.drop(columns=["number_3", "hour"]), END)


def test_a_row_without_a_session_is_a_cluster_of_its_own() -> None:
    frame = pd.DataFrame({"cluster_id": ["x", None, "x", None, "y"]})
    assert cluster_codes(frame).tolist() == [0, 2, 0, 3, 1]


@pytest.mark.parametrize(("days", "weeks"), [(3, 0), (7, 1), (35, 5), (42, 5), (63, 8), (400, 13)])
def test_reference_weeks(days: int, weeks: int) -> None:
    assert reference_weeks(START, START + timedelta(days=days)) == weeks


def test_replay_is_one_for_independent_rows_and_more_for_restless_weeks() -> None:
    draw = np.random.default_rng(8)

    def ratio(spread: float) -> float:
        parts = []
        for _ in range(40):
            share = 0.5 + draw.normal(0, spread)
            parts.append((draw.random(1_000) < share).astype(np.int64))
        weeks = [clustered_shares(part, np.arange(1_000), 2) for part in parts]
        whole = clustered_shares(np.concatenate(parts), np.arange(40_000), 2)
        inflation = replay(whole, weeks, cumulative=False).ratio
        assert inflation is not None
        return inflation

    assert ratio(0.0) == pytest.approx(1.0, abs=0.5)
    # variance of a week: .25 / 1000 of its rows, .03 ** 2 of its own: 4.6 times
    assert ratio(0.03) == pytest.approx(4.6, rel=0.5)


def test_inflations_are_raised_towards_the_mean_and_never_below_one() -> None:
    def factors(*replays: Replay) -> list[float]:
        return [entry.factor for entry in inflations(replays)]

    # ratios 1 and 9, mean 5; four weeks count as much as the mean: 3, and 9 stays
    assert factors(Replay(4, 1.0, 1.0), Replay(4, 9.0, 1.0)) == [3.0, 9.0]
    assert factors(Replay(8, 0.1, 1.0)) == [1.0]
    assert factors(Replay(1, 5.0, 1.0), Replay(5, 3.0, 0.0)) == [2.0, 2.0]


def test_degrees_of_freedom_are_the_weeks_when_weeks_make_the_variance() -> None:
    restless, calm = inflations([Replay(9, 1e6, 1.0), Replay(9, 2e6, 1.0)])
    assert restless.freedom == pytest.approx(8.0, rel=1e-4)
    # half of the variance is known from clusters: 8 * 2^2
    (half,) = inflations([Replay(9, 2.0, 1.0)])
    assert half.freedom == 32.0
    assert inflations([Replay(9, 0.5, 1.0)])[0].freedom == MANY
    assert calm.factor == 2e6


def test_the_simplest_source_has_one_user() -> None:
    rows = telemetry(seed=3, weeks=3, users=1, rows_a_week=300)
    built = build_baseline(rows, START + 3 * WEEK)
    assert built.weeks >= 2
