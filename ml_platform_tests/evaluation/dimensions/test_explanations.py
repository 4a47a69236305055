"""Explanations: against scikit-learn and shap, additive to 1e-9, stable or found not to be, and their drift."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.evaluation.dimensions.explanations.dimension import explanations
from ml_platform.evaluation.dimensions.explanations.drift import (
    ExplanationBaseline,
    baseline_of,
    explanation_drift,
    of_table,
    to_table,
)
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup, feature_groups
from ml_platform.evaluation.dimensions.explanations.importance import importances
from ml_platform.evaluation.dimensions.explanations.shapley import sampled_contributions
from ml_platform.evaluation.dimensions.explanations.shuffling import (
    Shuffled,
    distance,
    shuffle_groups,
)
from ml_platform.evaluation.dimensions.explanations.stability import (
    rank_correlation,
    stability_of,
    top_overlap,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Classification
from ml_platform.spec.training_set import TrainingSet
from ml_platform.values import from_json, to_json
from ml_platform_tests.evaluation.examples import CLASSES, make_training_set

FEATURES = ("strong", "weak", "best", "idle", "hour")


@dataclass(frozen=True)
class Weighed:
    """Votes of columns that tell a class, by weight; ``idle`` and ``hour`` tell nothing."""

    weights: tuple[tuple[str, float], ...]
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        logits = np.zeros((len(rows), len(self.classes)))
        for name, weight in self.weights:
            logits[np.arange(len(rows)), pd.Index(self.classes).get_indexer(rows[name])] += weight
        odds = np.exp(logits)
        return odds / odds.sum(axis=1, keepdims=True)


HONEST = Weighed((("strong", 2.0), ("weak", 1.0), ("best", 3.0)))


@dataclass(frozen=True)
class OfTheBatch:
    """Predictions that depend on which other rows are asked for: nothing that is said of one row holds."""

    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        values = HONEST.predict_proba(rows)
        leaning = values / values.mean(axis=0)
        return leaning / leaning.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Redundant:
    """As good as can be, by five copies of which any three will do: none is shown to matter."""

    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        votes = sum(
            (rows[name].to_numpy()[:, None] == np.array(self.classes)[None, :]).astype(float)
            for name in COPIES
        )
        return 0.05 + 0.8 * np.eye(4)[np.asarray(votes).argmax(axis=1)]


COPIES = tuple(f"copy_{place}" for place in "abcde")


@pytest.fixture(scope="module")
def rows() -> TrainingSet:
    rows = make_training_set(change_sets=800)
    random = np.random.default_rng(3)

    def more(part: pd.DataFrame) -> pd.DataFrame:
        idle = random.choice(CLASSES, len(part))
        copies = dict.fromkeys(COPIES, part["best"])
        return part.assign(
            idle=idle, hour=random.integers(0, 24, len(part)).astype(float), **copies
        )

    record = replace(rows.record, features=FEATURES)
    return TrainingSet(record, more(rows.train), more(rows.test))


def examined(rows: TrainingSet, scorer: Scorer) -> EvaluationContext:
    evaluator = evaluator_of(Classification(), rows)
    values = score("candidate", scorer, rows.test, CLASSES)
    spec = replace(SPEC, seed=5)
    return EvaluationContext(
        spec, rows, evaluator, scorer, Predictions(values), seed=5, resamples=200
    )


def shuffled(
    rows: TrainingSet, scorer: Scorer, features: tuple[str, ...] = FEATURES, repeats: int = 3
) -> Shuffled:
    test = rows.test
    return shuffle_groups(
        scorer,
        test,
        CLASSES,
        pd.factorize(test["cluster_id"], sort=True)[0].astype(np.int64),
        tuple(FeatureGroup(name, (name,)) for name in features),
        evaluator_of(Classification(), rows),
        bounded=True,
        seed=11,
        repeats=repeats,
    )


def test_groups_by_hand() -> None:
    few = ("hour", "hour_sin", "hour_cos", "change_set_rows", "change_set_kinds")
    assert [(g.name, len(g.features)) for g in feature_groups(few)] == [
        ("hour_*", 3),
        ("change_set_rows", 1),
        ("change_set_kinds", 1),
    ]
    many = (*few, "is_weekend", "is_dotfile", *(f"other{n}" for n in range(20)))
    groups = {g.name: g.features for g in feature_groups(many)}
    assert groups["change_set_*"] == ("change_set_rows", "change_set_kinds")
    assert groups["hour_*"] == ("hour", "hour_sin", "hour_cos")
    assert {"is_weekend", "is_dotfile", "other7"} <= set(groups)


def test_distance_by_hand() -> None:
    before, after = np.array([[0.7, 0.3], [0.5, -1.0]]), np.array([[0.4, 0.6], [-1.0, 0.5]])
    np.testing.assert_allclose(distance(before, after), [0.3, 0.5])
    np.testing.assert_allclose(distance(np.array([[0.2]]), np.array([[0.5]])), [0.3])


def test_importance_is_that_of_scikit_learn(rows: TrainingSet) -> None:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.inspection import permutation_importance

    class Wrapped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        classes_ = np.array(CLASSES)

        def fit(self) -> "Wrapped":
            return self

        def predict(self, of: pd.DataFrame) -> np.ndarray:
            return np.array(CLASSES)[HONEST.predict_proba(of).argmax(axis=1)]

    contributions = importances(
        shuffled(rows, HONEST, repeats=8), "accuracy", seed=1, resamples=200
    )
    theirs = permutation_importance(
        Wrapped(), rows.test[list(FEATURES)], rows.test["label"], n_repeats=8, random_state=0
    )
    for ours, mean in zip(contributions, theirs.importances_mean, strict=True):
        assert ours.loss.value == pytest.approx(mean, abs=0.012)
        assert ours.loss.low <= mean + 0.012
    by_name = {each.group.name: each for each in contributions}
    assert by_name["best"].loss.low > 0.2
    assert by_name["idle"].loss.value == by_name["idle"].share.value == 0.0
    assert sum(each.share.value for each in contributions) == pytest.approx(1.0)


def curved(rows: pd.DataFrame) -> np.ndarray:
    """Three numbers that interact."""
    a, b, c = (rows[name].to_numpy() for name in "abc")
    values: np.ndarray = np.tanh(a * b) + 0.5 * c + 0.3 * a * c**2
    return values


def test_contributions_are_those_of_shap() -> None:
    """Its KernelExplainer, which is exact here: three features have no more than six coalitions to weigh."""
    import shap

    random = np.random.default_rng(0)
    background = pd.DataFrame(random.normal(size=(25, 3)), columns=list("abc"))
    row = pd.DataFrame([[1.2, -0.7, 2.0]], columns=list("abc"))
    groups = tuple(FeatureGroup(name, (name,)) for name in "abc")
    ours = sampled_contributions(curved, row, background, groups, seed=3, pairs=1_000)
    explainer = shap.KernelExplainer(
        lambda x: curved(pd.DataFrame(x, columns=list("abc"))), background.to_numpy()
    )
    exact = explainer.shap_values(row.to_numpy(), silent=True)[0]
    assert ours.base == pytest.approx(float(explainer.expected_value), abs=1e-9)
    np.testing.assert_allclose(ours.values, exact, atol=0.05)
    assert (np.abs(ours.values - exact) < 4.5 * ours.errors + 1e-9).all()
    assert ours.gap < 1e-9


def test_contributions_of_a_sum_are_exact_and_of_an_idle_feature_nothing() -> None:
    random = np.random.default_rng(1)
    background = pd.DataFrame(random.normal(size=(10, 3)), columns=list("abc"))
    row = pd.DataFrame([[1.0, 2.0, 3.0]], columns=list("abc"))
    groups = (FeatureGroup("a", ("a",)), FeatureGroup("bc", ("b", "c")))

    def answer(of: pd.DataFrame) -> np.ndarray:
        contributions: np.ndarray = (4 * of["a"] + of["b"]).to_numpy()
        return contributions

    contributions = sampled_contributions(answer, row, background, groups, seed=0, pairs=20)
    means = background.mean()
    np.testing.assert_allclose(
        contributions.values, [4 * (1 - means["a"]), 2 - means["b"]], atol=1e-12
    )
    assert contributions.gap < 1e-12


def test_rank_correlation_is_that_of_scipy() -> None:
    random = np.random.default_rng(0)
    left, right = random.integers(0, 4, (20, 9)), random.integers(0, 4, (20, 9))
    expected = [spearmanr(a, b).statistic for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(rank_correlation(left, right), expected, atol=1e-12)
    assert rank_correlation(np.zeros((1, 4)), np.arange(4.0)[None]) == 0.0


def test_overlap_by_hand() -> None:
    left, right = np.array([[5.0, 4, 3, 2, 1]]), np.array([[5.0, 4, 1, 3, 2]])
    assert top_overlap(left, right, top=3) == pytest.approx(2 / 3)


def test_a_model_that_rests_on_three_features_is_stable(rows: TrainingSet) -> None:
    dimension = stability_of(shuffled(rows, HONEST), "accuracy", seed=2)
    assert dimension.halves.value > 0.9
    assert dimension.halves.low > 0.7
    assert dimension.reseeding.value > 0.9


def test_a_model_of_interchangeable_copies_is_not(rows: TrainingSet) -> None:
    dimension = stability_of(shuffled(rows, Redundant(), COPIES), "accuracy", seed=2)
    assert dimension.halves.high < 0.5
    assert dimension.halves.low <= 0.0


def test_no_order_is_told_from_few_clusters(rows: TrainingSet) -> None:
    few = rows.test["cluster_id"].isin(rows.test["cluster_id"].unique()[:10])
    with pytest.raises(InsufficientData, match="10 clusters"):
        stability_of(shuffled(replace(rows, test=rows.test[few]), HONEST), "accuracy", seed=2)


def test_the_examination(rows: TrainingSet) -> None:
    dimension = explanations(examined(rows, HONEST))
    assert dimension.measures["additivity_gap"].value < 1e-9
    assert dimension.measures["stability"].low > 0.6
    assert dimension.measures["largest_share"].value > 0.4
    assert "too dear" in dimension.not_applicable["refit_stability"]
    assert dimension.summary.startswith("best matters most")
    assert any("idle" in each for each in dimension.findings)
    assert dimension == explanations(examined(rows, HONEST))
    assert from_json(type(dimension), to_json(dimension)) == dimension
    local = dimension.tables[1]
    base, *added, served = (float(str(row[1])) for row in local.rows)
    assert base + sum(added) == pytest.approx(served, abs=1e-9)


def test_answers_that_depend_on_the_batch_break_additivity(rows: TrainingSet) -> None:
    assert explanations(examined(rows, OfTheBatch())).measures["additivity_gap"].value > 0.01


@pytest.mark.parametrize("count", [1, 20])
def test_tiny_test_parts_survive(rows: TrainingSet, count: int) -> None:
    dimension = explanations(examined(replace(rows, test=rows.test.iloc[:count]), HONEST))
    assert "clusters" in dimension.undefined["stability"]
    assert "additivity_gap" in dimension.measures


def test_missing_columns_and_labels(rows: TrainingSet) -> None:
    bare = replace(rows, record=replace(rows.record, features=("gone",)))
    assert "None of its features" in explanations(examined(bare, HONEST)).undefined["stability"]


def baselines(
    rows: TrainingSet, scorer: Scorer, part: np.ndarray, seed: int
) -> ExplanationBaseline:
    some = replace(rows, test=rows.test[part])
    contributions = shuffled(some, scorer, repeats=1)
    return baseline_of(contributions.groups, contributions.moved, seed=seed)


def test_quiet_windows_are_not_reported(rows: TrainingSet) -> None:
    clusters = rows.test["cluster_id"].unique()
    random = np.random.default_rng(0)
    p_values, reported = [], 0
    for trial in range(25):
        drawn = random.permutation(clusters)
        before, now = (
            rows.test["cluster_id"].isin(half).to_numpy() for half in (drawn[:150], drawn[150:300])
        )
        drift = explanation_drift(
            baselines(rows, HONEST, before, trial), baselines(rows, HONEST, now, trial), seed=trial
        )
        p_values.append(drift.p_value)
        reported += drift.reported
    assert reported == 0
    assert 0.25 < np.mean(p_values) < 0.75


def test_a_feature_that_takes_over_is_reported(rows: TrainingSet) -> None:
    half = np.arange(len(rows.test)) < len(rows.test) // 2
    taken_over = Weighed((("strong", 2.0), ("weak", 5.0), ("best", 1.0)))
    baseline = baselines(rows, HONEST, half, 0)
    drift = explanation_drift(baseline, baselines(rows, taken_over, ~half, 0), seed=0)
    assert drift.reported
    assert drift.p_value == 0.001
    assert drift.shares[0][0] == "weak"
    assert drift.distance > 0.2


def test_drift_by_hand() -> None:
    """Shares of (3/4, 1/4) before and (1/4, 3/4) now: half of all movement went over."""
    before = ExplanationBaseline(("a", "b"), ((3.0, 1.0),) * 30)
    now = ExplanationBaseline(("a", "b"), ((1.0, 3.0),) * 30)
    drift = explanation_drift(before, now, seed=0)
    assert drift.distance == 0.5
    assert drift.shares == (("b", 0.25, 0.75), ("a", 0.75, 0.25))
    assert not explanation_drift(before, before, seed=0).reported


def test_a_sure_but_small_change_is_not_reported() -> None:
    before = ExplanationBaseline(("a", "b"), ((1.0, 1.0),) * 60)
    now = ExplanationBaseline(("a", "b"), ((1.1, 0.9),) * 60)
    drift = explanation_drift(before, now, seed=0)
    assert drift.p_value < 0.01
    assert not drift.reported


def test_baselines_are_stored_with_the_report(rows: TrainingSet) -> None:
    dimension = explanations(examined(rows, HONEST))
    stored = of_table(dimension.stored[0])
    assert of_table(to_table(stored)) == stored
    assert len(stored.moved) <= 200
    assert sum(stored.shares) == pytest.approx(1.0)


def test_other_features_and_few_clusters_are_refused() -> None:
    one = ExplanationBaseline(("a",), ((1.0,),) * 30)
    with pytest.raises(IntegrityError, match="version in production"):
        explanation_drift(one, ExplanationBaseline(("b",), ((1.0,),) * 30), seed=0)
    with pytest.raises(InsufficientData, match="5 clusters"):
        explanation_drift(one, ExplanationBaseline(("a",), ((1.0,),) * 5), seed=0)
