import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.distribution import clustered_shares
from ml_platform.monitoring.weeks import (
    MANY,
    Inflation,
    Replay,
    inflations,
    of_overlapping_weeks,
    reference_weeks,
    replay,
)
from ml_platform.values import fingerprint, from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK, build_baseline
from ml_platform_tests.monitoring.telemetry import CATEGORIES, NUMBERS, SPECS, START, telemetry


def test_it_covers_whole_weeks_and_comparable_features(baseline: Baseline) -> None:
    # eight weeks less the one in which trailing features are not filled
    assert baseline.weeks == 7
    assert (baseline.reference_start, baseline.reference_end) == (START + WEEK, END)
    assert [entry.name for entry in baseline.features] == [*NUMBERS, *CATEGORIES]
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


def test_under_a_week_has_the_usual_inflation(quiet: pd.DataFrame) -> None:
    short = build_baseline(quiet, START + timedelta(days=5))
    assert short.weeks == 0
    assert {entry.inflation.factor for entry in short.features} == {2.0}


def test_it_says_where_its_predictions_end(quiet: pd.DataFrame, baseline: Baseline) -> None:
    assert build_baseline(quiet, END).predictions_until is None
    until = baseline.predictions_until
    assert until is not None
    assert END - timedelta(hours=12) < until <= END


def test_weeks_in_which_a_feature_is_not_filled_are_left_out() -> None:
    # A count over the 28 days before the row: it grows for four weeks and is the same from then on.
    rows = telemetry(seed=3, weeks=12, users=60, rows_a_week=2_000)
    ages = (rows["occurred_at"] - START) / timedelta(days=28)
    rows["runs_28d"] = rows["number_0"] * np.minimum(ages, 1.0)
    spec = replace(SPECS[0], name="runs_28d", window="28 days before the row")
    others = [replace(spec, name=name, window="the row") for name in NUMBERS]
    end = START + 12 * WEEK
    known = measure_reference(rows, [spec, *others], model="m", end=end).features[0]
    filled = rows["occurred_at"] >= START + 4 * WEEK
    assert (known.total, known.inflation.factor < 1.5) == (int(filled.sum()), True)
    blind = [replace(spec, window="the row"), *others]
    assert measure_reference(rows, blind, model="m", end=end).features[0].inflation.factor > 3.0


def test_bad_input_is_named(quiet: pd.DataFrame) -> None:
    with pytest.raises(InsufficientData, match="No reference row of model lies before 2024-01-01"):
        build_baseline(quiet, START)
    with pytest.raises(IntegrityError, match="lack the columns number_3, category_1"):
        build_baseline(quiet.drop(columns=["number_3", "category_1"]), END)


def test_a_row_without_a_session_is_a_cluster_of_its_own() -> None:
    frame = pd.DataFrame({"cluster_id": ["x", None, "x", None, "y"]})
    assert cluster_codes(frame).tolist() == [0, 2, 0, 3, 1]


@pytest.mark.parametrize(("days", "weeks"), [(3, 0), (7, 1), (35, 5), (42, 5), (63, 8), (400, 13)])
def test_reference_weeks(days: int, weeks: int) -> None:
    assert reference_weeks(START, START + timedelta(days=days)) == weeks


@pytest.mark.parametrize(("days", "weeks"), [(7, 1), (35, 5), (49, 5), (63, 5), (84, 7), (400, 13)])
def test_reference_weeks_of_a_feature_that_looks_back_30_days(days: int, weeks: int) -> None:
    known = reference_weeks(START, START + timedelta(days=days), timedelta(days=30))
    assert known == weeks


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


@pytest.mark.parametrize(("directions", "most"), [(1, 0.05), (2, 0.02), (4, 0.01)])
def test_the_freedom_of_weeks_that_share_a_past_keeps_the_level(
    directions: int, most: float
) -> None:
    """Sums over 28 days that move in some directions; one of them is tested at 2 % by the scale of all."""
    restless = Replay(5, 1e6, 1.0)
    raised = of_overlapping_weeks(Inflation(1e6, 4.0), restless, timedelta(days=28))
    assert raised.freedom == pytest.approx(4.0, rel=1e-4)
    draw = np.random.default_rng(3)
    days = np.cumsum(draw.normal(size=(4_000, directions, 28 + 35 + 70)), axis=2)
    sums = days[:, :, 28:] - days[:, :, :-28]
    weeks, later = sums[:, :, :35:7], sums[:, :, -1]
    rest = (weeks.sum(axis=2, keepdims=True) - weeks) / 4
    observed = ((weeks - rest) ** 2).mean(axis=(1, 2))
    factor = raised.factor / 1e6 * (1 + 1 / 5) / (1 + 1 / 4)
    away = np.abs(later - weeks.mean(axis=2))[:, 0] / np.sqrt(observed * factor)
    assert (2 * stats.t.sf(away, raised.freedom) <= 0.02).mean() <= most


def test_weeks_that_share_a_past_count_as_few() -> None:
    """A sum over 28 days that everybody shares: five weeks correlate by 1, .75, .5, .25 and 0."""
    usual, restless = Inflation(4.0, 9.0), Replay(5, 4.0, 1.0)
    raised = of_overlapping_weeks(usual, restless, timedelta(days=28))
    draw = np.random.default_rng(3)
    days = np.cumsum(draw.normal(size=(4_000, 28 + 35 + 70)), axis=1)
    sums = days[:, 28:] - days[:, :-28]
    weeks, later = sums[:, :35:7], sums[:, -1]
    rest = (weeks.sum(axis=1, keepdims=True) - weeks) / 4
    understated = np.mean((later - weeks.mean(axis=1)) ** 2) / np.mean((weeks - rest) ** 2)
    of_independent_weeks = (1 + 1 / 5) / (1 + 1 / 4)
    assert raised.factor / usual.factor == pytest.approx(
        understated / of_independent_weeks, rel=0.08
    )
    assert raised.freedom == pytest.approx(4 / (1 - 1 / raised.factor) ** 2)
    assert of_overlapping_weeks(usual, restless, WEEK) == usual
    assert of_overlapping_weeks(usual, Replay(5, 1.2, 1.0), timedelta(days=28)) == usual


def test_what_users_explain_of_weeks_that_share_a_past_is_not_counted_twice() -> None:
    """Of paired weeks only what their users do not explain, three parts of four, lies further in a later window."""
    usual, restless = Inflation(4.0, 9.0), Replay(5, 4.0, 1.0)
    alone = of_overlapping_weeks(usual, restless, timedelta(days=28))
    paired = of_overlapping_weeks(usual, restless, timedelta(days=28), paired=True)
    assert paired.factor == pytest.approx(1.0 + 3.0 * alone.factor / 4.0)
    calm = of_overlapping_weeks(Inflation(1.0, MANY), restless, timedelta(days=28), paired=True)
    assert calm == Inflation(1.0, MANY)


def test_users_who_come_again_take_from_the_variance() -> None:
    """Each of 60 users has a share of its own for ever: between windows hardly anything varies."""
    rows = telemetry(seed=3, weeks=8, users=60, rows_a_week=600)
    lasting = rows["user"] % 2 == 0
    rows = rows.assign(cluster_id=rows["user"], category_0=lasting.map({True: "a", False: "b"}))
    specs = [spec for spec in SPECS if spec.name == "category_0"]
    (known,) = measure_reference(rows, specs, model="m", end=START + 8 * WEEK).features
    assert known.inflation.factor < 0.5
    strangers = rows.assign(cluster_id=range(len(rows)))
    (known,) = measure_reference(strangers, specs, model="m", end=START + 8 * WEEK).features
    assert known.inflation.factor >= 1.0


def counted_by_workflow(seed: int, weeks: int, workflows: int = 40) -> pd.DataFrame:
    """Telemetry whose ``number_0`` everybody sees of a workflow alike; it wanders from week to week."""
    rows = telemetry(seed=seed, weeks=weeks, users=60, rows_a_week=600)
    draw = np.random.default_rng(seed)
    workflow = draw.integers(workflows, size=len(rows))
    week = ((rows["occurred_at"] - START) // WEEK).to_numpy().clip(0, weeks - 1)
    values = np.cumsum(draw.normal(0, 0.1, (weeks, workflows)), axis=0) + draw.normal(
        size=workflows
    )
    return rows.assign(workflow=workflow.astype(str), number_0=values[week, workflow])


def test_what_is_counted_by_workflow_has_workflows_for_clusters() -> None:
    rows, end = counted_by_workflow(seed=4, weeks=9), START + 9 * WEEK
    spec = next(spec for spec in SPECS if spec.name == "number_0")
    specs = [replace(spec, cluster="workflow"), *(s for s in SPECS if s.name == "number_1")]
    reference = measure_reference(rows, specs, model="m", end=end)
    by_workflow, by_session = reference.features
    assert (by_workflow.cluster, by_session.cluster) == ("workflow", "cluster_id")
    assert by_workflow.clusters == 40 < by_session.clusters
    assert reference.clusters >= by_session.clusters, "the clusters of a baseline are its sessions"
    within = rows[rows["occurred_at"] >= reference.start]
    direct = by_workflow.measure(within, cluster_codes(within, "workflow"))
    assert np.allclose(by_workflow.distribution().covariance, direct.covariance, atol=1e-6)
    baseline = reference.baseline(version="1", source="test", simulated=True)
    assert from_json(Baseline, to_json(baseline)) == baseline
    with pytest.raises(IntegrityError, match="lack the columns workflow"):
        measure_reference(rows.drop(columns="workflow"), specs, model="m", end=end)


def test_a_baseline_of_an_earlier_release_is_counted_by_sessions() -> None:
    rows = telemetry(seed=3, weeks=5, users=40, rows_a_week=300)
    reference = measure_reference(rows, SPECS[:1], model="m", end=START + 5 * WEEK)
    text = to_json(reference.baseline(version="1", source="test", simulated=True))
    assert text.count('"cluster":"cluster_id"') + text.count('"cluster": "cluster_id"') == 1
    earlier = re.sub(r',\s*"cluster":\s*"cluster_id"', "", text)
    assert from_json(Baseline, earlier).features[0].cluster == "cluster_id"
