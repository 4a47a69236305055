"""Harm is found, luck is not taken for harm, however often one looks; each with figures worked by hand."""

import numpy as np
import pytest

from ml_platform.sequential.evidence import shifts
from ml_platform.sequential.mean_shift import Difference, mean_shift
from ml_platform.sequential.rate_shift import Counted, rate_shift

ALPHA = 0.05


def test_the_weights_of_luck_are_normal_and_harm_is_even_on_a_logarithmic_scale() -> None:
    some = shifts(tolerated=0.01, farthest=1.0, luck=0.1)
    weights = np.exp(some.log_weight_of_luck)
    assert weights.sum() == pytest.approx(1)
    assert np.sqrt((weights * some.luck**2).sum()) == pytest.approx(0.1, rel=0.03)
    assert some.harm[[0, -1]].tolist() == pytest.approx([0.01, 1.0])
    assert np.diff(np.log(some.harm)).std() < 1e-12


def test_evidence_of_a_mean_by_hand() -> None:
    # without luck the null is 0 alone, likelihood 1; a harm of 1 from a difference of 2 with variance 4 has
    # exp(2/4 - 1/8)
    seen = mean_shift(tolerated=1.0, farthest=1.0, deviation=0.0, units=(5, 5)).seen(
        [Difference(2, 4)]
    )
    assert seen.log_evidence == pytest.approx(0.375)
    assert seen.seen([Difference(2, 4)]).log_evidence == pytest.approx(0.75)


def test_evidence_of_a_rate_by_hand() -> None:
    # 3 of 10 and 1 of 10 where .1 is usual: at a shift of .2 the treatment's share is .3 / .4, at 0 it is 1 / 2
    seen = rate_shift(tolerated=0.2, farthest=0.2, rate=0.1, unlikeness=0.0, units=(5, 5))
    evidence = seen.seen([Counted(10, 3, 10, 1)]).log_evidence
    assert evidence == pytest.approx(np.log(0.75**3 * 0.25 / 0.5**4))


@pytest.mark.parametrize(
    "empty", [Counted(10, 0, 10, 0), Counted(0, 0, 10, 5), Counted(10, 5, 0, 0)]
)
def test_what_cannot_be_compared_says_nothing(empty: Counted) -> None:
    before = rate_shift(tolerated=0.01, rate=0.01, unlikeness=1.0, units=(10, 90))
    assert before.seen([empty]).log_evidence == before.log_evidence == pytest.approx(0)


def test_an_outage_of_both_arms_is_no_harm() -> None:
    seen = rate_shift(tolerated=0.01, rate=0.01, unlikeness=0.5, units=(100, 900))
    assert seen.seen([Counted(10, 9, 90, 81)] * 20).log_evidence < 0


def test_few_units_that_are_unlike_never_show_harm_however_many_answers_they_give() -> None:
    def evidence(units: float, stretches: int) -> float:
        start = mean_shift(tolerated=0.01, farthest=0.2, deviation=0.1, units=(units, units))
        return start.seen([Difference(0.05, 0.01)] * stretches).log_evidence

    assert evidence(5, 100_000) < np.log(1 / ALPHA) < evidence(200, 1_000)


def test_means_of_arms_drawn_by_lot_are_taken_for_harm_in_less_than_alpha_of_the_cases() -> None:
    random = np.random.default_rng(20261124)
    luck = random.normal(0, 0.1 * np.sqrt(2 / 12), size=(2_000, 1))
    state = mean_shift(tolerated=0.01, farthest=0.3, deviation=0.1, units=(12, 12))
    weighted = np.cumsum(random.normal(luck, 0.1, size=(2_000, 150)) / 0.01, axis=1)
    information = np.cumsum(np.full(150, 1 / 0.01))
    evidence = np.stack(
        [state.evidence_of(np.full(2_000, information[i]), weighted[:, i]) for i in range(150)]
    )
    raised = (evidence.max(axis=0) > np.log(1 / ALPHA)).mean()
    assert 0.005 < raised <= ALPHA


def test_rates_of_arms_drawn_by_lot_are_taken_for_harm_in_less_than_alpha_of_the_cases() -> None:
    random = np.random.default_rng(20261125)
    raised = 0
    for _ in range(400):
        rates = random.gamma(1.0, 0.01, size=120)
        outage = 0.3 * (random.random(150) < 0.02)
        errors = random.binomial(10, np.minimum(rates[:12].mean() + outage, 1))
        others = random.binomial(90, np.minimum(rates[12:].mean() + outage, 1))
        state = rate_shift(tolerated=0.01, rate=0.01, unlikeness=1.0, units=(12, 108))
        counted = np.full(150, 10.0), errors, np.full(150, 90.0), others, np.ones(150)
        evidence, _ = state.followed(*(each[:, None] for each in counted))
        raised += evidence.max() > np.log(1 / ALPHA)
    assert 0 < raised / 400 <= ALPHA


def test_stretches_tell_the_same_one_by_one_and_all_at_once() -> None:
    start = rate_shift(tolerated=0.01, rate=0.01, unlikeness=1.0, units=(10, 90))
    stretches = [Counted(10, 1, 90, 2), Counted(9.5, 0, 90, 1), Counted(10, 0, 90, 0)]
    one_by_one = start
    for each in stretches:
        one_by_one = one_by_one.seen([each])
    assert one_by_one.log_evidence == pytest.approx(start.seen(stretches).log_evidence)
    assert one_by_one.usual.events == pytest.approx(start.seen(stretches).usual.events)
    assert start.seen([]) is start


def test_a_stretch_may_be_looked_at_while_it_lasts() -> None:
    start = rate_shift(tolerated=0.01, rate=0.01, unlikeness=1.0, units=(10, 90), minutes=3)
    stretches = np.array(
        [[[5, 0, 40, 1, 1], [8, 1, 70, 1, 1]], [[4, 1, 50, 0, 1], [9, 2, 80, 0, 1]]]
    )
    evidence, then = start.followed(*np.moveaxis(stretches.astype(float), -1, 0))
    first = start.seen([Counted(8, 1, 70, 1)])
    assert evidence[0, 0] == pytest.approx(start.seen([Counted(5, 0, 40, 1)]).log_evidence)
    assert evidence[0, 1] == pytest.approx(first.log_evidence)
    assert evidence[1, 0] == pytest.approx(first.seen([Counted(4, 1, 50, 0)]).log_evidence)
    assert evidence[1, 1] == pytest.approx(then.log_evidence)
    assert then.usual.events == pytest.approx(0.9993**3 * (0.9993**3 * 10 + 1))


def test_the_usual_rate_is_that_of_the_control_without_bursts() -> None:
    start = rate_shift(tolerated=0.02, rate=0.01, unlikeness=0.0, units=(10, 90))
    seen = start.seen([Counted(10, 5, 90, 2), Counted(9, 0, 80, 1)])
    # 7 events where 1 is expected are within 1 + 3 + 3
    assert seen.usual.events == pytest.approx(0.9993 * (0.9993 * 10 + 2) + 1)
    assert seen.usual.answers == pytest.approx(0.9993 * (0.9993 * 1_000 + 90) + 80)
    assert seen.recent.events == pytest.approx(0.93 * 2 + 1)
    burst = start.seen([Counted(10, 0, 90, 30)])
    assert burst.usual.events == pytest.approx(9.993)
    # in a burst of 30 in 100 answers a shift of .05 would be seen in .35 / (.35 + 9 * .3) of the events
    share = 0.35 / (0.35 + 2.7)
    place = np.abs(start.shifts.values - 0.05).argmin()
    assert burst.log_likelihood[place] == pytest.approx(30 * np.log1p(-share), rel=0.05)


def test_units_that_are_prone_to_events_have_more_without_harm() -> None:
    start = rate_shift(tolerated=0.02, rate=0.05, unlikeness=0.0, units=(10, 90))
    stretches = [Counted(20, 3, 20, 1, proneness=3.0)] * 20
    assert start.seen(stretches).log_evidence < 0
    alike = [Counted(20, 3, 20, 1)] * 20
    assert start.seen(alike).log_evidence > np.log(1 / ALPHA)
