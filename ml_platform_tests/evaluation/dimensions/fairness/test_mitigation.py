import numpy as np
import pytest

from ml_platform.evaluation.dimensions.fairness.groups import grouping_of
from ml_platform.evaluation.dimensions.fairness.mitigation import reweighing


def test_weights_by_hand() -> None:
    """Of 10 rows 6 are a's, 4 b's; 5 are yes: 4 of a's, 1 of b's. Kamiran and Calders: .5 x .6 x 10 / 4."""
    groups = grouping_of("team", ["a"] * 6 + ["b"] * 4)
    positive = np.array([True] * 4 + [False] * 2 + [True] + [False] * 3)
    weights = reweighing(positive, np.ones(10, dtype=bool), groups)
    assert weights == pytest.approx(np.array([[3 / 2, 3 / 4], [2 / 3, 2 / 1]]))


def test_weights_make_outcome_and_group_independent() -> None:
    generator = np.random.default_rng(0)
    names = [f"team-{i}" for i in generator.integers(0, 3, 500)]
    groups = grouping_of("team", names)
    positive = generator.random(500) < 0.2 + 0.2 * groups.codes
    weights = reweighing(positive, np.ones(500, dtype=bool), groups)
    own = weights[groups.codes, positive.astype(int)]
    rates = [
        float((own * positive)[groups.codes == g].sum() / own[groups.codes == g].sum())
        for g in range(3)
    ]
    assert rates == pytest.approx([positive.mean()] * 3)


def test_an_outcome_that_a_group_never_has_weighs_nothing() -> None:
    groups = grouping_of("team", ["a", "a", "b", "b"])
    positive = np.array([True, True, True, False])
    assert reweighing(positive, np.ones(4, dtype=bool), groups)[0, 0] == 0
