"""Answers whose outcome is known become evidence on the metric and on calibration."""

import numpy as np
import pytest

from ml_platform.assignment.split import grown_to
from ml_platform.evaluation.tasks.adapter import MaturedPredictions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import GUARDRAILS, RAMP, Guardrail
from ml_platform.sequential.mean_shift import Difference, mean_shift
from ml_platform.serving.rollout_evidence import arms_of
from ml_platform.serving.rollout_quality import (
    Losses,
    MaturedAnswers,
    losses,
    mean_evidence,
    observed_mean,
)
from ml_platform.spec.task import (
    Classification,
    Detection,
    ProportionRegression,
    Ranking,
)

RULES = {rule.guardrail: rule for rule in GUARDRAILS}
METRIC, CALIBRATION = RULES[Guardrail.METRIC], RULES[Guardrail.CALIBRATION]
NAMES = np.array([f"user {number}" for number in range(400)], dtype=object)


def losses_of(hours, treated, users, values) -> Losses:
    return Losses(
        np.array(hours, dtype=np.int64),
        np.array(treated, dtype=bool),
        np.array(users, dtype=object),
        np.array(values, dtype=float),
    )


NOTHING = losses_of([], [], [], [])


def drawn(seed: int, harm: float = 0.0, history: int = 100, answers: int = 40, names=NAMES):
    """Losses from before and of a rollout at one half: users lose 14 %, the standard deviation .06; SIMULATED."""
    random = np.random.default_rng([20261124, seed])
    split = grown_to(f"rollout {seed}", 0.5, RAMP.left_behind)
    mean = 0.14
    strength = mean * (1 - mean) / 0.06**2 - 1
    chance = random.beta(mean * strength, (1 - mean) * strength, len(names))
    treated, _ = arms_of(names.tolist(), split)

    def some(count, extra):
        users = np.repeat(np.arange(len(names)), random.poisson(count, len(names)))
        lost = random.random(len(users)) < (chance + extra)[users]
        hours = random.integers(48, size=len(users))
        return losses_of(hours, treated[users], names[users], lost)

    return some(history, 0.0), some(answers, harm * treated), split


def test_by_hand_without_luck_of_the_draw() -> None:
    # in shadow nothing is expected of a user but the overall mean, which both arms share: the difference is 1/2
    seen = losses_of([0, 0, 0, 0], [1, 1, 0, 0], ["a", "b", "a", "b"], [1.0, 0.5, 0.5, 0.5])
    variance = (0.125 + 10 * 0.25) / (4 + 10)
    by_hand = mean_shift(tolerated=0.02, farthest=0.1, deviation=0.0, units=(1, 1)).seen(
        [Difference(0.25, variance * (1 / 2 + 1 / 2))]
    )
    assert mean_evidence(METRIC, NOTHING, seen, None) == pytest.approx(by_hand.log_evidence)


def test_hours_with_one_arm_alone_tell_nothing_and_without_outcomes_there_is_no_evidence() -> None:
    split = grown_to("m/2", 0.5, 0.05)
    assert mean_evidence(METRIC, NOTHING, NOTHING, split) == pytest.approx(0.0)
    assert mean_evidence(METRIC, drawn(1)[0], NOTHING, split) == pytest.approx(0.0)
    alone = losses_of([0, 1], [1, 0], ["a", "b"], [1.0, 0.0])
    assert mean_evidence(METRIC, NOTHING, alone, None) == pytest.approx(0.0)


def test_what_is_expected_of_a_user_is_taken_off() -> None:
    # the treatment's users have always lost twice as much
    split, random = grown_to("m/2", 0.5, 0.05), np.random.default_rng(4)
    names = NAMES[:40]
    treated, _ = arms_of(names.tolist(), split)
    users = np.repeat(np.arange(len(names)), 2_000)
    values = random.random(len(users)) < np.where(treated, 0.2, 0.1)[users]
    hours = random.integers(24, size=len(users))
    before = losses_of(hours, 0 * users, names[users], values)
    seen = losses_of(hours, treated[users], names[users], values)
    assert mean_evidence(METRIC, before, seen, split) < 0
    strangers = losses_of(hours, 0 * users, names[users] + " of old", values)
    assert mean_evidence(METRIC, strangers, seen, split) > 6


@pytest.mark.parametrize("history", [100, 0])
def test_of_100_harmless_rollouts_none_is_taken_for_harmful(history: int) -> None:
    limit = np.log(1 / METRIC.false_rollbacks)
    found = [mean_evidence(METRIC, *drawn(seed, history=history)) for seed in range(100)]
    assert max(found) < limit


@pytest.mark.parametrize("history", [100, 0])
def test_few_users_who_are_unlike_never_show_harm(history: int) -> None:
    limit = np.log(1 / METRIC.false_rollbacks)
    few = {"history": history, "answers": 1_000, "names": NAMES[:24]}
    found = [mean_evidence(METRIC, *drawn(seed, **few)) for seed in range(30)]
    assert max(found) < limit


@pytest.mark.parametrize("history", [100, 0])
def test_a_loss_of_eight_points_is_shown(history: int) -> None:
    limit = np.log(1 / METRIC.false_rollbacks)
    for seed in range(10):
        assert mean_evidence(METRIC, *drawn(seed, harm=0.08, history=history)) > limit


def test_a_version_that_is_surer_than_it_should_be_is_harm_and_one_less_unsure_is_none() -> None:
    def evidence(before_bias: float, bias: float) -> float:
        before, seen, split = drawn(3)
        shifted = losses_of(before.hours, before.treated, before.users, before.values - 0.14)
        now = seen.values - 0.14 + before_bias + np.where(seen.treated, bias - before_bias, 0.0)
        shifted = losses_of(
            *[shifted.hours, shifted.treated, shifted.users], shifted.values + before_bias
        )
        return mean_evidence(
            CALIBRATION, shifted, losses_of(seen.hours, seen.treated, seen.users, now), split
        )

    limit = np.log(1 / CALIBRATION.false_rollbacks)
    assert evidence(0.0, 0.1) > limit
    assert evidence(-0.1, 0.0) < 0 > evidence(-0.1, 0.1)
    assert evidence(-0.05, 0.15) > limit


def matured(predicted, confidence, outcome) -> MaturedAnswers:
    predictions = MaturedPredictions(
        np.array(predicted, dtype=object), np.array(confidence), np.array(outcome, dtype=object)
    )
    count = len(predicted)
    return MaturedAnswers(
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=bool),
        np.array(["ann"] * count, dtype=object),
        predictions,
    )


@pytest.mark.parametrize(
    ("task", "metric", "rows", "loss", "sureness"),
    [
        (Classification(), "accuracy", (["a", "b"], [0.9, 0.6], ["a", "a"]), [0, 1], [-0.1, 0.6]),
        (Detection(), "one_minus_brier", (["no"], [0.2], ["yes"]), [0.64], [-0.8]),
        (ProportionRegression(), "one_minus_mae", (["0.5"], [0.5], ["0.2"]), [0.3], [0.3]),
        (Ranking(), "hit_at_1", (["a"], [0.5], ["b"]), [1.0], None),
    ],
)
def test_losses_of_each_task(task, metric, rows, loss, sureness) -> None:
    adapter = adapter_of(task)
    found = losses(Guardrail.METRIC, adapter, metric, matured(*rows))
    assert found is not None
    assert found.values.tolist() == pytest.approx(loss)
    calibration = losses(Guardrail.CALIBRATION, adapter, metric, matured(*rows))
    assert (calibration and calibration.values.tolist()) == pytest.approx(sureness)


def test_what_was_seen_of_both_arms_is_their_mean() -> None:
    seen = losses_of([0, 0, 1], [True, True, False], ["a", "b", "c"], [0.0, 0.5, 0.1])
    assert observed_mean(Guardrail.METRIC, seen) == Observed(0.75, 0.9)
    assert observed_mean(Guardrail.CALIBRATION, seen) == Observed(0.25, 0.1)
    for treated in ([True] * 3, [False] * 3):
        alone = losses_of([0, 0, 1], treated, ["a", "b", "c"], [0.0, 0.5, 0.1])
        assert observed_mean(Guardrail.METRIC, alone) is None
    assert observed_mean(Guardrail.METRIC, losses_of([], [], [], [])) is None
