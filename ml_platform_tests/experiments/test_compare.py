"""Several experiments on one data version: Holm by hand and beside statsmodels' answer."""

from dataclasses import replace

import pytest

from ml_platform.experiments.compare import compare, holm
from ml_platform_tests.experiments.examples import definition, result


def test_holm_by_hand() -> None:
    # sorted .01 .02 .04: times 3, 2, 1 is .03 .04 .04, and none may be below the one before
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_correction_counts_experiments_on_the_same_data_alone() -> None:
    one, stored = definition(), result()
    other = replace(one, name="other", training_set_fingerprint="0" * 64)
    lines = compare([(one, stored), (replace(one, name="again"), stored), (other, stored)])
    p = lines[0].p
    assert p is not None
    assert [line.p_holm for line in lines] == [2 * p, 2 * p, p]
    assert {line.after_holm for line in lines} == {"stands"}


def test_a_promotion_may_not_stand_beside_others() -> None:
    one, stored = definition(), result()
    conclusion = stored.conclusion
    weak = tuple(replace(c, p=0.03) for c in conclusion.comparisons)
    weaker = replace(stored, conclusion=replace(conclusion, comparisons=weak))
    lines = compare([(replace(one, name=str(n)), weaker) for n in range(2)])
    assert [line.p_holm for line in lines] == [0.06, 0.06]
    assert {line.after_holm for line in lines} == {"does not stand"}
