"""The rows that an isolation tree sees: chosen on later rows by known anomalies, else the default; or fixed."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ml_platform.arrays import Array
from ml_platform.errors import UsageError
from ml_platform.models.anomaly_detector import SPEC
from ml_platform.models.isolation_forest.fit import IsolationEstimator
from ml_platform.models.isolation_forest.tree_size import (
    DEFAULT_SIZE,
    LEAST_POSITIVES,
    SIZES,
    LabelledRows,
    chosen_size,
)
from ml_platform.spec.model import FitOutcome, FitRequest
from ml_platform.training_sets.time_split import Fold
from ml_platform_tests.models.session_rows import synthetic_rows, training_set

ROWS = 20_000
"""Rows in order of time: the first half is fitted on, then two blocks are held out."""
USERS = 50
FOLDS = [
    Fold(0, np.arange(10_000), np.arange(10_000, 15_000)),
    Fold(1, np.arange(15_000), np.arange(15_000, ROWS)),
]


def labelled(anomalies: int) -> LabelledRows:
    """``anomalies`` known ones spread evenly over the held-out half; every label is known."""
    positive = np.zeros(ROWS, dtype=bool)
    positive[np.linspace(10_000, ROWS - 1, anomalies).astype(int)] = True
    return LabelledRows(np.ones(ROWS, dtype=bool), positive, np.arange(ROWS) % USERS)


def choice(rows: LabelledRows, scores_of: Callable[[int], Array]) -> tuple[int, list[str]]:
    """The chosen size where trees of a size give these isolations to all rows, and the lines of progress."""
    lines: list[str] = []
    size = chosen_size(FOLDS, rows, lambda fold, size: scores_of(size)[fold.held_out], lines.append)
    return size, lines


def scores(rows: LabelledRows, strength: float, seed: int = 0) -> Array:
    noise = np.random.default_rng(seed).normal(size=ROWS)
    return noise + strength * rows.positive


class TestTheChoice:
    """The smallest size within one standard error of the best ROC AUC."""

    def test_a_larger_size_that_ranks_clearly_better_is_taken(self) -> None:
        rows = labelled(100)
        strengths = {256: 0.5, 1_024: 2.0, 4_096: 1.0}
        size, lines = choice(rows, lambda size: scores(rows, strengths[size]))
        assert size == 1_024
        assert lines[-1].startswith("trees of 1024 rows, chosen by ROC AUC")

    def test_of_sizes_that_rank_alike_the_default_is_taken(self) -> None:
        rows = labelled(100)
        assert choice(rows, lambda size: scores(rows, 2.0))[0] == 256

    def test_a_gain_that_chance_explains_is_not_taken(self) -> None:
        rows = labelled(LEAST_POSITIVES)
        by_size = {size: scores(rows, 1.0, seed) for seed, size in enumerate(SIZES)}
        size, lines = choice(rows, by_size.__getitem__)
        assert size == DEFAULT_SIZE
        assert "chosen by ROC AUC" in lines[-1]

    @pytest.mark.parametrize(
        ("fitted_on", "sizes"), [(2_000, [256, 1_024, 4_096]), (1_000, [256, 1_024]), (100, [256])]
    )
    def test_no_size_is_tried_above_one_that_takes_all_rows(
        self, fitted_on: int, sizes: list[int]
    ) -> None:
        rows = labelled(100)
        few = [Fold(fold.number, fold.fit[:fitted_on], fold.held_out) for fold in FOLDS]
        tried: list[int] = []

        def isolation_of(fold: Fold, size: int) -> Array:
            tried.append(size)
            return scores(rows, 1.0)[fold.held_out]

        chosen_size(few, rows, isolation_of, lambda _: None)
        assert sorted(set(tried)) == sizes


class TestWithoutEnoughLabels:
    """The default, and a line that says why."""

    @pytest.mark.parametrize("anomalies", [0, LEAST_POSITIVES - 1])
    def test_too_few_anomalies(self, anomalies: int) -> None:
        rows = labelled(anomalies)
        size, lines = choice(rows, lambda size: scores(rows, size / 100))
        assert size == DEFAULT_SIZE
        assert f"{anomalies} anomalies are known in the held-out blocks" in lines[-1]

    def test_no_block_at_all(self) -> None:
        assert (
            chosen_size([], labelled(100), lambda fold, size: np.empty(0), lambda _: None)
            == DEFAULT_SIZE
        )

    def test_anomalies_of_a_block_without_any_ordinary_row_do_not_count(self) -> None:
        rows = labelled(100)
        known = np.array(rows.positive) | (np.arange(ROWS) < 10_000)
        only = LabelledRows(known, rows.positive, rows.clusters)
        assert choice(only, lambda size: scores(rows, size / 100))[0] == DEFAULT_SIZE


def fit(rows: pd.DataFrame, **parameters: float | str) -> FitOutcome:
    return SPEC.fit(training_set(rows), FitRequest(SPEC.seed, {**SPEC.defaults, **parameters}))


class TestTheParameter:
    """`samples` is chosen by default; a number stays what it is."""

    def test_a_number_is_taken_as_it_is(self) -> None:
        fitted = fit(synthetic_rows(), samples=64, trees=5)
        assert fitted.parameters["samples"] == 64
        estimator = fitted.estimator
        assert isinstance(estimator, IsolationEstimator)
        assert estimator.forest.max_samples_ == 64

    def test_without_any_label_the_default(self) -> None:
        rows = synthetic_rows().assign(anomalous=None)
        assert fit(rows, trees=5).parameters["samples"] == DEFAULT_SIZE

    def test_what_a_fit_has_chosen_gives_the_same_bytes_when_it_is_set(self) -> None:
        rows = synthetic_rows()
        chosen = fit(rows, trees=20)
        size = chosen.parameters["samples"]
        assert size in SIZES
        assert fit(rows, trees=20, samples=int(size)).artifact.sha256 == chosen.artifact.sha256

    @pytest.mark.parametrize("samples", [0, 1, -5, 0.5, "all"])
    def test_anything_else_is_refused(self, samples: float | str) -> None:
        with pytest.raises(UsageError, match=r"must be 'chosen' or a whole number from 2 on"):
            fit(synthetic_rows(), samples=samples)
