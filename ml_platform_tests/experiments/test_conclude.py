"""From stored statistics to a verdict: bounds by hand, guardrails on both sides, and every kind of statistics."""

from dataclasses import replace

import numpy as np
import pytest

from ml_platform.evaluation.intervals.bootstrap import replicate
from ml_platform.evaluation.tasks.evaluators.proportion_regression import ProportionStatistics
from ml_platform.experiments.conclude import conclude, why
from ml_platform.experiments.decide import Verdict
from ml_platform.experiments.definition import Guardrail, Kind
from ml_platform.experiments.result import GuardrailState
from ml_platform.experiments.statistics import statistics_bytes, statistics_of
from ml_platform.spec.metric import Direction
from ml_platform_tests.experiments.examples import definition, run

COLUMNS = ("rows", "squares", "errors", "residuals", "truth", "truth_squares")


def arm(error: np.ndarray) -> ProportionStatistics:
    """A cluster a row; its absolute error is given, so that mae is the mean."""
    count = len(error)
    truth = np.linspace(0, 1, count)
    sums = np.column_stack([np.ones(count), error**2, error, error, truth, truth**2])
    return ProportionStatistics(sums, COLUMNS, binary=False)


def verdict(baseline: np.ndarray, variant: np.ndarray, *guardrails: Guardrail, **changes: object):
    wanted = {
        "metric": "mae",
        "direction": Direction.LOWER,
        "minimum_effect": 0.05,
        "guardrails": guardrails,
    }
    asked = replace(definition(), **{**wanted, **changes})
    measured = replace(run().measured, clusters=len(baseline), undefined={})
    return asked, conclude(asked, measured, {"baseline": arm(baseline), "variant": arm(variant)})


BASE = np.tile([0.3, 0.5], 100)
NOISE = np.tile([0.01, 0.01, -0.01, -0.01], 50)


def test_a_difference_of_a_tenth_by_hand() -> None:
    _, conclusion = verdict(BASE, BASE - 0.1 + NOISE)
    (mae,) = [c for c in conclusion.comparisons if c.metric == "mae"]
    assert mae.baseline.value == pytest.approx(0.4)
    assert mae.difference.value == pytest.approx(-0.1)
    assert mae.relative == pytest.approx(-0.25)
    # the error of a mean of 200 values of plus or minus .01 is .01 / sqrt(200) = .000707; times 1.97
    assert mae.difference.high - mae.difference.low == pytest.approx(2 * 1.972 * 0.000707, rel=0.1)
    assert mae.p == 2 / 2001
    assert conclusion.improvement is not None
    assert conclusion.improvement.value == pytest.approx(0.1)
    assert (conclusion.verdict, conclusion.row) == (
        Verdict.PROMOTE,
        "better, and every guardrail holds",
    )


@pytest.mark.parametrize(
    ("shift", "noise", "row"),
    [
        (0.1, 1, "better, and every guardrail holds"),
        (0.02, 1, "shown smaller than the minimum effect"),
        (-0.1, 1, "shown worse than the baseline"),
        (0.06, 30, "promising, not shown"),
        (-0.001, 100, "not shown either way"),
        (0.0, 0, "shown smaller than the minimum effect"),
    ],
)
def test_each_row_is_reached(shift: float, noise: float, row: str) -> None:
    asked, conclusion = verdict(BASE + 2, BASE + 2 - shift + noise * NOISE)
    assert conclusion.row == row
    assert "mae improvement" in why(asked, conclusion)


def test_equal_arms_are_neither_better_nor_worse() -> None:
    _, conclusion = verdict(BASE, BASE, minimum_effect=0.0)
    assert conclusion.row == "not shown either way"
    assert {c.p for c in conclusion.comparisons} == {1.0}


def test_too_few_clusters_show_nothing_but_what_costs_exactly() -> None:
    few = slice(0, 29)
    worse = Guardrail("mae", Kind.VALUE, 0.1, Direction.LOWER)
    _, conclusion = verdict(BASE[few], BASE[few] - 0.2, worse)
    assert (conclusion.row, conclusion.guardrails[0].state) == (
        "too little data",
        GuardrailState.UNCLEAR,
    )
    large = Guardrail("size_mb", Kind.VALUE, 0.0001, Direction.LOWER)
    _, conclusion = verdict(BASE[few], BASE[few] - 0.2, large)
    assert conclusion.row == "a guardrail is shown broken"


@pytest.mark.parametrize(
    ("guardrail", "held"),
    [
        (Guardrail("mae", Kind.VALUE, 0.35, Direction.LOWER), GuardrailState.HELD),
        (Guardrail("mae", Kind.VALUE, 0.3, Direction.LOWER), GuardrailState.UNCLEAR),
        (Guardrail("mae", Kind.VALUE, 0.25, Direction.LOWER), GuardrailState.BROKEN),
        (Guardrail("one_minus_mae", Kind.VALUE, 0.65, Direction.HIGHER), GuardrailState.HELD),
        (Guardrail("one_minus_mae", Kind.VALUE, 0.75, Direction.HIGHER), GuardrailState.BROKEN),
        (Guardrail("mae", Kind.WORSE_BY, 0.0, Direction.LOWER), GuardrailState.HELD),
        (Guardrail("mae", Kind.WORSE_BY, -0.1, Direction.LOWER), GuardrailState.UNCLEAR),
        (Guardrail("mae", Kind.WORSE_BY, -0.2, Direction.LOWER), GuardrailState.BROKEN),
        (Guardrail("speed", Kind.VALUE, 1.0, Direction.LOWER), GuardrailState.UNCLEAR),
        (Guardrail("fit_seconds", Kind.VALUE, 1e6, Direction.LOWER), GuardrailState.HELD),
        (Guardrail("latency_ms", Kind.WORSE_BY, -1e6, Direction.LOWER), GuardrailState.BROKEN),
    ],
)
def test_a_guardrail_holds_or_breaks_by_its_whole_interval(
    guardrail: Guardrail, held: GuardrailState
) -> None:
    _, conclusion = verdict(BASE, BASE - 0.1 + NOISE, guardrail)
    assert conclusion.guardrails[0].state is held
    rows = {
        GuardrailState.HELD: "better, and every guardrail holds",
        GuardrailState.UNCLEAR: "better, but a guardrail is not shown to hold",
        GuardrailState.BROKEN: "a guardrail is shown broken",
    }
    assert conclusion.row == rows[held]


def test_a_metric_that_is_not_defined_decides_nothing() -> None:
    _, conclusion = verdict(BASE, BASE - 0.1, metric="roc_auc", direction=Direction.HIGHER)
    assert (conclusion.improvement, conclusion.row) == (None, "too little data")


def test_statistics_come_back_as_they_were() -> None:
    kept = run().statistics
    stored = statistics_of(kept)
    assert statistics_bytes(stored) == kept
    assert set(stored) == {"baseline", "variant"}


def test_every_class_of_statistics_can_be_stored() -> None:
    from ml_platform.evaluation.metrics.binary import BinaryStatistics
    from ml_platform.evaluation.metrics.classification_statistics import (
        ClassPredictions,
        class_statistics,
    )
    from ml_platform.evaluation.metrics.off_policy_statistics import off_policy_statistics_of
    from ml_platform.evaluation.metrics.sequence_statistics import step_statistics
    from ml_platform.evaluation.tasks.evaluators.detection import DetectionStatistics
    from ml_platform.evaluation.tasks.evaluators.ranking import RankingStatistics
    from ml_platform.evaluation.tasks.evaluators.sequence_prediction import SequenceStatistics

    generator = np.random.default_rng(0)
    truth, clusters = generator.integers(0, 2, 60), np.repeat(np.arange(20), 3)
    both = generator.dirichlet([1, 1], 60)
    binary = BinaryStatistics(generator.random((20, 9)), 0.7, 0.6, True)
    budgets = generator.random((20, 4))
    columns = ("rows", "offered", "bits", "hit_at_1", "hit_at_5", "precision_at_5")
    columns += ("recall_at_5", "ndcg_at_5", "map_at_5", "mrr")
    some = {
        "classes": class_statistics(ClassPredictions(truth, both, clusters), 20),
        "steps": SequenceStatistics(step_statistics(truth, both, clusters, 20), binary),
        "yes": DetectionStatistics(np.hstack([binary.sums, budgets]), binary, (0.9, 0.8, 0.7)),
        "none": DetectionStatistics(binary.sums, None),
        "launches": off_policy_statistics_of(truth, both[:, 1], clusters, 20, 0.5, {}),
        "lists": RankingStatistics(5, columns, generator.random((20, len(columns) + 3)), 3),
    }
    stored = statistics_of(statistics_bytes(some))
    for name, sums in some.items():
        before, after = replicate(sums, seed=1), replicate(stored[name], seed=1)
        assert before.keys() == after.keys()
        for metric in before:
            np.testing.assert_array_equal(before[metric].resampled, after[metric].resampled)
