"""What the recommenders are made of: vectors of users, factors, item weights, names of items, popularity."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.recommenders.item_factors import (
    FOLD_IN,
    fit_components,
    fold_in,
)
from ml_platform.models.recommenders.item_weights import fit_weights
from ml_platform.models.recommenders.new_items import filled, likeness, name_words
from ml_platform.models.recommenders.popularity import fit_popularity
from ml_platform.models.recommenders.user_vectors import (
    adoption_matrix,
    content_shares,
    fit_content,
    grown,
    latest_rows,
)
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.adoption_rows import ITEMS, snapshots, training_set


@pytest.fixture(scope="module")
def planted() -> TrainingSet:
    return training_set(snapshots())


class TestVectors:
    """Weights of items, by hand."""

    @pytest.mark.parametrize(
        ("growth", "expected"), [(1.0, [0, 1, 2, 3]), (2.0, [0, 1, 3, 7]), (1.5, [0, 1, 2.5, 4.75])]
    )
    def test_growth(self, growth: float, expected: list[float]) -> None:
        np.testing.assert_allclose(grown(np.arange(4), growth), expected)

    def test_the_matrix_has_runs_by_weight_and_one_for_what_was_begun(self) -> None:
        rows = pd.DataFrame(
            {"used": [["a", "a", "b"]], "recent": [["b"]], "next_used": [["c", "z"]]}
        )
        matrix = adoption_matrix(rows, "next_used", ("a", "b", "c"), 0.5, 2.0)
        assert matrix.toarray().tolist() == [[3.0, 1.5, 1.0]]

    def test_shares_of_doings_are_by_kind(self) -> None:
        """c:x twice is 3 of 4, t:e is all of its kind; a team that is known is 1."""
        rows = pd.DataFrame(
            {"recent_doings": [["c:x", "c:x", "c:y", "t:e"]] * 2, "team": ["red", "blue"]}
        )
        tokens = ("c:x", "c:y", "t:e", "team:red")
        shares = content_shares(rows, tokens, {token: i for i, token in enumerate(tokens)})
        assert shares.tolist() == [[0.75, 0.25, 1.0, 1.0], [0.75, 0.25, 1.0, 0.0]]

    def test_latest_rows(self) -> None:
        rows = pd.DataFrame({"user": ["b", "a", "b"], "time": [1, 2, 3], "n": [0, 1, 2]})
        assert latest_rows(rows, "user", "time").n.tolist() == [1, 2]

    def test_content_is_scikit_learns_ridge(self, planted: TrainingSet) -> None:
        from sklearn.linear_model import Ridge

        rows = latest_rows(planted.train, "user_id", "occurred_at")
        matrix = adoption_matrix(rows, "next_used", ITEMS, 0.0, 1.5)
        tokens = ("c:kind_a", "c:kind_b", "c:other")
        index = {token: i for i, token in enumerate(tokens)}
        content = fit_content(rows, matrix, tokens, 0.5)
        has = np.asarray(matrix.sum(axis=1)).ravel() > 0
        shares = content_shares(rows[has], tokens, index)
        towards = matrix[has].toarray()
        towards /= towards.sum(axis=1, keepdims=True)
        centred = shares - shares.mean(axis=0)
        penalty = 0.5 * (centred**2).sum() / len(tokens)
        theirs = Ridge(alpha=penalty).fit(shares, towards)
        np.testing.assert_allclose(content[:-1], theirs.coef_.T, atol=1e-10)


def random_matrix(users: int = 60, items: int = 12, seed: int = 0) -> sparse.csr_matrix:
    random = np.random.default_rng(seed)
    counts = random.poisson(random.gamma(0.5, 1.0, (users, 3)) @ random.gamma(0.5, 1.0, (3, items)))
    return sparse.csr_matrix(counts.astype(np.float64))


def names(count: int) -> tuple[str, ...]:
    return tuple(f"item-{n}" for n in range(count))


class TestAgainstReferences:
    def test_fold_in_is_scikit_learns_transform(self) -> None:
        matrix = random_matrix()
        nmf = fit_components(matrix, names(12), 3, seed=0)
        vectors = matrix.toarray() + 0.01
        theirs = nmf.transform(vectors)
        np.testing.assert_allclose(fold_in(vectors, nmf.components_), theirs, rtol=1e-6)

    def test_fold_in_only_lowers_the_divergence(self) -> None:
        matrix = random_matrix()
        nmf = fit_components(matrix, names(12), 3, seed=0)
        vectors = matrix.toarray() + 0.01

        def divergence(steps: int) -> float:
            expected = fold_in(vectors, nmf.components_, steps) @ nmf.components_
            return float((vectors * np.log(vectors / expected) - vectors + expected).sum())

        values = [divergence(steps) for steps in range(1, FOLD_IN + 1)]
        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(values))

    def test_ease_solves_its_least_squares_item_by_item(self) -> None:
        """Column j: ridge of item j on all other items (Steck 2019, equations 3 and 4)."""
        matrix = random_matrix()
        dense = matrix.toarray()
        penalty = 0.7
        weights = fit_weights(matrix, names(12), penalty)
        ridge = penalty * np.trace(dense.T @ dense) / 12
        for j in range(12):
            others = [i for i in range(12) if i != j]
            gram = dense[:, others].T @ dense[:, others] + ridge * np.eye(11)
            expected = np.linalg.solve(gram, dense[:, others].T @ dense[:, j])
            np.testing.assert_allclose(weights[others, j], expected, atol=1e-10)
        assert np.diag(weights).tolist() == [0.0] * 12


class TestNewItems:
    def test_words(self) -> None:
        assert name_words("bug_fix-01") == {"bug", "fix"}

    def test_likeness(self) -> None:
        """Of 'bug_fix' two of two words, of 'bug_hunt' one of three; of a stranger all alike."""
        weights = likeness(("bug_fix-9", "zebra"), ("bug_fix-1", "bug_hunt", "review"))
        np.testing.assert_allclose(weights, [[0.75, 0.25, 0.0], [1 / 3] * 3])

    def test_unseen_columns_are_filled(self) -> None:
        columns = np.array([[1.0, 3.0, 0.0]])
        has_users = np.array([True, True, False])
        assert filled(columns, ("a-1", "b-1", "a-2"), has_users).tolist() == [[1.0, 3.0, 1.0]]
        assert filled(columns, ("a-1", "b-1", "c-2"), has_users).tolist() == [[1.0, 3.0, 2.0]]


class TestPopularity:
    def test_by_hand(self, planted: TrainingSet) -> None:
        """Two users begin x, one y, all of late; x is used by the second row, so y comes first for it.

        To 2 and 1 are added ten by the shares 3, 2 and 1 of 6; nobody began z: it is as the average.
        """
        base = planted.train.head(3)
        train = base.assign(next_used=[["x"], ["x", "y"], []])
        record = replace(planted.record, classes=("x", "y", "z-1"))
        data = replace(planted, record=record, train=train)
        scorer = scorer_of(fit_popularity(data))
        scores = scorer.predict_proba(pd.DataFrame({"used": [[], ["x", "x"]]}))
        weights = np.array([2 + 5, 1 + 10 / 3, (7 + 13 / 3) / 2])
        np.testing.assert_allclose(scores[0], weights / weights.sum(), atol=1e-9)
        assert scores[1].tolist() == [-1.0, *scores[0][1:].tolist()]

    def test_old_adoptions_do_not_count(self, planted: TrainingSet) -> None:
        """In the first week, sixty days before the others, everybody begins one item, later another."""
        train = planted.train.copy()
        first = train.occurred_at == train.occurred_at.min()
        train["next_used"] = [[ITEMS[0] if old else ITEMS[1]] for old in first.tolist()]
        train["occurred_at"] -= pd.to_timedelta(np.where(first, 60, 0), unit="D")
        scorer = scorer_of(fit_popularity(replace(planted, train=train)))
        scores = scorer.predict_proba(pd.DataFrame({"used": [[]]}))
        assert scores[0, 1] > 5 * scores[0, 0]
