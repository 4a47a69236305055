"""Sums over answers become the evidence that the benchmark of rollouts simulates; harm shows, luck does not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.assignment.split import grown_to
from ml_platform.registry.rollout.decide import Reading
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import GUARDRAILS, RAMP, Guardrail
from ml_platform.sequential.history import equal_units, expected_rates
from ml_platform.sequential.rate_shift import rate_shift
from ml_platform.serving.rollout_evidence import (
    Comparison,
    Entries,
    UsersBefore,
    arms_of,
    comparison,
    is_blind,
    observed_rates,
    rate_evidence,
    readings,
)

RULES = {rule.guardrail: rule for rule in GUARDRAILS}
START = datetime(2026, 5, 2, tzinfo=UTC)
USERS, LOOKS, STRETCHES_A_LOOK, DAYS = 120, 15, 24, 14


@dataclass(frozen=True)
class Traffic:
    """One rollout of unlike users at 10 %: what they had before, and what is counted in each stretch."""

    before: UsersBefore
    compared: Comparison
    sums: np.ndarray


def drawn(seed: int, harm: float = 0.0, share: float = 0.1) -> Traffic:
    """120 users with 25 answers a day, 1 % errors (as unlike as their mean) and an outage of both; SIMULATED."""
    random = np.random.default_rng([20261123, seed])
    names = tuple(f"user {number}" for number in range(USERS))
    activity = random.lognormal(0.0, 0.8, USERS)
    activity *= 25 / activity.mean() / 1_440
    rates = np.minimum(random.gamma(1.0, 0.01, USERS), 0.5)
    known = random.poisson(activity * DAYS * 1_440)
    errors = random.binomial(known, rates).astype(float)
    answers = known.astype(float)
    before = UsersBefore(names, answers, errors, errors, 50.0, DAYS * 1_440.0)
    split = grown_to(f"rollout {seed}", share, RAMP.left_behind)
    compared = comparison(before, split)
    stretches = LOOKS * STRETCHES_A_LOOK
    outage = np.zeros(stretches)
    outage[(at := random.integers(stretches - 6)) : at + 6] = 0.3
    treated, control = arms_of(names, split)
    sums = np.zeros((2, stretches, 5))
    for arm, who, worse in ((0, control, 0.0), (1, treated, harm)):
        asked = random.poisson(activity[who, None] * compared.minutes, (who.sum(), stretches))
        chance = np.minimum(rates[who, None] + worse + outage, 1.0)
        failed = random.binomial(asked, chance)
        prone = (asked * compared.errors.values[who, None]).sum(axis=0)
        sums[arm] = np.stack([asked.sum(axis=0), *[failed.sum(axis=0)] * 2, prone, prone], axis=1)
    return Traffic(before, compared, sums)


def highest(traffic: Traffic, guardrail: Guardrail = Guardrail.ERRORS) -> float:
    """The highest evidence of any look."""
    ends = range(STRETCHES_A_LOOK, traffic.sums.shape[1] + 1, STRETCHES_A_LOOK)
    rule = RULES[guardrail]
    return max(rate_evidence(rule, traffic.compared, traffic.sums[:, :end]) for end in ends)


def test_the_evidence_is_that_of_the_benchmark_on_the_same_counts() -> None:
    traffic = drawn(1)
    before, split = traffic.before, grown_to("rollout 1", 0.1, RAMP.left_behind)
    treated, control = arms_of(before.users, split)
    expected = expected_rates(before.errors, before.answers)
    state = rate_shift(
        tolerated=0.03,
        farthest=0.5,
        rate=expected.overall,
        unlikeness=expected.unlikeness,
        units=(equal_units(before.answers[treated]), equal_units(before.answers[control])),
        minutes=traffic.compared.minutes,
    )
    others, ours = traffic.sums
    with np.errstate(invalid="ignore"):
        prone = np.nan_to_num((ours[:, 3] / ours[:, 0]) / (others[:, 3] / others[:, 0]), nan=1.0)
    looks = [each[:, None] for each in (ours[:, 0], ours[:, 1], others[:, 0], others[:, 1], prone)]
    evidence, _ = state.followed(*looks)
    found = rate_evidence(RULES[Guardrail.ERRORS], traffic.compared, traffic.sums)
    assert found == pytest.approx(evidence[-1, 0])
    assert found != 0


def test_what_is_long_is_followed_in_chunks_to_the_same_evidence() -> None:
    traffic = drawn(2, harm=0.01)
    long = np.tile(traffic.sums, (1, 7, 1))
    assert long.shape[1] > 2_000
    one = traffic.compared
    state = rate_shift(
        tolerated=0.03,
        farthest=0.5,
        rate=one.errors.overall,
        unlikeness=one.errors.unlikeness,
        units=one.units,
        minutes=one.minutes,
    )
    others, ours = long
    with np.errstate(invalid="ignore"):
        prone = np.nan_to_num((ours[:, 3] / ours[:, 0]) / (others[:, 3] / others[:, 0]), nan=1.0)
    counts = (ours[:, 0], ours[:, 1], others[:, 0], others[:, 1], prone)
    whole = state.followed(*(each[:, None] for each in counts))[1].log_evidence
    assert rate_evidence(RULES[Guardrail.ERRORS], one, long) == pytest.approx(whole)


def test_of_200_harmless_rollouts_none_is_taken_for_harmful() -> None:
    """At the bound of .0015, three tests in four would see none of 200; more than one would come in 4 of 100."""
    limit = np.log(1 / RULES[Guardrail.ERRORS].false_rollbacks)
    assert sum(highest(drawn(seed)) >= limit for seed in range(200)) == 0


def test_five_points_more_errors_are_shown_in_every_rollout() -> None:
    limit = np.log(1 / RULES[Guardrail.ERRORS].false_rollbacks)
    assert all(highest(drawn(seed, harm=0.05)) >= limit for seed in range(20))


def test_the_minutes_of_a_stretch_follow_from_the_smaller_arm() -> None:
    names = tuple(f"user {number}" for number in range(1_000))
    answers = np.full(1_000, 100.0)
    before = UsersBefore(names, answers, 0 * answers, 0 * answers, 50.0, minutes=10_000.0)
    shares = {share: grown_to("m/2", share, 0.05) for share in (0.01, 0.1, 0.5)}
    minutes = {share: comparison(before, split).minutes for share, split in shares.items()}
    # ten answers a minute: an arm of a hundredth has four of them in 40 minutes, a tenth in 4, a half in 1
    assert minutes == {0.01: 60, 0.1: 5, 0.5: 1}
    assert comparison(before, None).minutes == 1, "in shadow everybody is in both arms"
    nobody = UsersBefore((), *np.zeros((3, 0)), slow_limit=50.0, minutes=0.0)
    assert comparison(nobody, None).minutes == 60


def test_in_shadow_there_is_no_luck_of_the_draw() -> None:
    alone = comparison(drawn(1).before, None)
    assert (alone.errors.unlikeness, alone.slow.unlikeness) == (0.0, 0.0)
    sums = np.zeros((2, 10, 5))
    sums[:, :, 0] = sums[:, :, 3] = 100.0
    sums[0, :, 1], sums[1, :, 1] = 1.0, 5.0
    assert rate_evidence(RULES[Guardrail.ERRORS], alone, sums) > np.log(1 / 0.0015)


def test_stretches_are_consecutive_over_steps_and_until_now() -> None:
    entries = Entries(
        step=np.array([0, 1, 1]),
        place=np.array([1, 0, 0]),
        treated=np.array([True, True, False]),
        sums=np.arange(15.0).reshape(3, 5),
    )
    starts = (START, START + timedelta(minutes=12))
    sums = entries.consecutive(starts, START + timedelta(minutes=29), minutes=5)
    assert sums.shape == (2, 3 + 4, 5)
    assert sums[1, 1].tolist() == [0, 1, 2, 3, 4]
    assert sums[1, 3].tolist() == [5, 6, 7, 8, 9]
    assert sums[0, 3].tolist() == [10, 11, 12, 13, 14]
    assert sums.sum() == np.arange(15).sum()
    assert (entries.answers_in(0), entries.answers_in(1)) == (0, 5)


def test_what_was_seen_of_both_arms_is_the_share_of_their_answers() -> None:
    entries = Entries(
        step=np.array([0, 1, 1]),
        place=np.array([1, 0, 0]),
        treated=np.array([True, True, False]),
        sums=np.array([[10.0, 1, 3, 0, 0], [30.0, 3, 1, 0, 0], [50.0, 1, 0, 0, 0]]),
    )
    assert observed_rates(entries) == {
        Guardrail.ERRORS: Observed(0.1, 0.02),
        Guardrail.LATENCY: Observed(0.1, 0.0),
    }
    alone = Entries(entries.step, entries.place, np.array([True] * 3), entries.sums)
    assert observed_rates(alone) == {}


def test_newer_sums_replace_those_from_their_stretch_on() -> None:
    def entries(*keys: tuple[int, int], answers: float) -> Entries:
        step, place = np.array(keys, dtype=np.int64).reshape(-1, 2).T
        sums = np.full((len(keys), 5), answers)
        return Entries(step, place, np.ones(len(keys), dtype=bool), sums)

    old = entries((0, 5), (1, 0), (1, 1), (1, 2), answers=1.0)
    both = old.updated(entries((1, 1), (2, 0), answers=3.0), step=1, place=1)
    assert list(zip(both.step, both.place, both.sums[:, 0], strict=True)) == [
        (0, 5, 1.0),
        (1, 0, 1.0),
        (1, 1, 3.0),
        (2, 0, 3.0),
    ]


@pytest.mark.parametrize(
    ("treated", "control", "ago", "blind"),
    [(20, 0, 1, True), (19, 0, 1, False), (20, 1, 1, False), (20, 0, 8, False), (0, 0, 1, False)],
)
def test_blind_is_who_has_nobody_to_compare_with(treated, control, ago, blind) -> None:
    sums = np.zeros((2, 50, 5))
    sums[1, -ago, 0], sums[0, -ago, 0] = treated, control
    assert is_blind(sums, minutes=5) == blind


def test_a_reading_is_the_mean_of_both_parts_and_none_where_one_is_blind() -> None:
    quiet = dict.fromkeys(Guardrail, -50.0)
    loud = {**quiet, Guardrail.ERRORS: 8.0}
    found = {each.guardrail: each.log_evidence for each in readings(RAMP, [quiet, loud])}
    assert found[Guardrail.ERRORS] == pytest.approx(8.0 - np.log(2)), "the shadow was quiet"
    assert found[Guardrail.METRIC] == pytest.approx(-50.0)
    nothing = dict.fromkeys(Guardrail, 0.0)
    assert readings(RAMP, [nothing, nothing]) == tuple(Reading(each, 0.0) for each in Guardrail)
    blind = {Guardrail.METRIC: 0.0, Guardrail.CALIBRATION: 0.0}
    seen = [each.guardrail for each in readings(RAMP, [quiet, blind])]
    assert seen == [Guardrail.METRIC, Guardrail.CALIBRATION]
