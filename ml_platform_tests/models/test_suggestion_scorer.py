"""Boosted trees on shares: parity, bounds, bytes, reasons against shap and by hand, rules, faults."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.gradient_boosting.fit import BoostingRows, grow
from ml_platform.models.gradient_boosting.reasons import paths_of
from ml_platform.models.gradient_boosting.rules import ProportionRules
from ml_platform.models.gradient_boosting.scorer import BoostingScorer
from ml_platform.models.gradient_boosting.trees import BoostedTrees, boosted_trees
from ml_platform.models.suggestion_scorer import HYPERPARAMETERS, SPEC, fit
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import FitOutcome, FitRequest
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.renaming import renamed
from ml_platform_tests.models.suggestion_rows import SMALL, suggestion_set


@pytest.fixture(scope="module")
def planted() -> TrainingSet:
    return suggestion_set()


@pytest.fixture(scope="module")
def outcome(planted: TrainingSet) -> FitOutcome:
    return fit(planted, FitRequest(1, SMALL))


@pytest.fixture(scope="module")
def scorer(outcome: FitOutcome) -> BoostingScorer:
    loaded = scorer_of(outcome.artifact)
    assert isinstance(loaded, BoostingScorer)
    return loaded


def test_artifact_and_estimator_agree(
    planted: TrainingSet, outcome: FitOutcome, scorer: BoostingScorer
) -> None:
    served, expected = (
        scorer.predict_proba(planted.test),
        outcome.estimator.predict_proba(planted.test),
    )
    assert served.shape == (300, 1)
    assert np.abs(served - expected).max() < 1e-6
    assert ((served > 0) & (served < 1)).all()


def test_it_learns_shares(planted: TrainingSet, scorer: BoostingScorer) -> None:
    truth = planted.test["adopted_share"].to_numpy()
    errors = truth - scorer.predict_proba(planted.test)[:, 0]
    assert 1 - (errors**2).sum() / ((truth - truth.mean()) ** 2).sum() > 0.5


def test_blocks_come_later_and_later(outcome: FitOutcome) -> None:
    fitted_on = [fold["fitted_on"] for fold in outcome.fold_metrics]
    assert len(fitted_on) == HYPERPARAMETERS.folds
    assert fitted_on == sorted(fitted_on)


def test_shuffled_labels_tell_nothing(planted: TrainingSet) -> None:
    shuffled = planted.train["adopted_share"].sample(frac=1, random_state=0).to_numpy()
    fitted = fit(
        TrainingSet(planted.record, planted.train.assign(adopted_share=shuffled), planted.test),
        FitRequest(1, SMALL),
    )
    assert all(fold["r2"] < 0.05 for fold in fitted.fold_metrics)


def test_more_similarity_never_lowers_the_score(
    planted: TrainingSet, scorer: BoostingScorer
) -> None:
    row = pd.concat([planted.test.iloc[:1]] * 101, ignore_index=True)
    rising = scorer.predict_proba(row.assign(similarity=np.arange(101) / 100))[:, 0]
    falling = scorer.predict_proba(row.assign(hours_since_run=np.arange(101) * 3.0))[:, 0]
    assert (np.diff(rising) >= 0).all()
    assert np.ptp(rising) > 0.1
    assert (np.diff(falling) <= 0).all()


def test_reasons_sum_to_the_score(planted: TrainingSet, scorer: BoostingScorer) -> None:
    rows = planted.test.iloc[:50]
    for reasons, score in zip(scorer.reasons(rows), scorer.predict_proba(rows)[:, 0], strict=True):
        assert reasons.base + sum(code.points for code in reasons.codes) == pytest.approx(
            reasons.score, abs=1e-12
        )
        assert reasons.score == pytest.approx(score, abs=1e-6)
        assert {code.feature for code in reasons.codes} == set(SPEC.features)
        strengths = [abs(code.points) for code in reasons.codes]
        assert strengths == sorted(strengths, reverse=True)
        assert all(code.points * code.logit >= 0 for code in reasons.codes)


def test_reasons_are_the_values_of_the_shap_library(
    planted: TrainingSet, outcome: FitOutcome, scorer: BoostingScorer
) -> None:
    import shap

    matrix = scorer.encoding.transform(planted.test.iloc[:40])
    explainer = shap.TreeExplainer(
        outcome.estimator.model, feature_perturbation="tree_path_dependent"
    )
    paths = paths_of(scorer.trees)
    np.testing.assert_allclose(
        paths.logits(matrix), explainer.shap_values(matrix.astype(np.float64)), atol=2e-5
    )
    assert paths.base == pytest.approx(float(np.ravel(explainer.expected_value)[0]), abs=1e-5)


def test_reasons_of_one_tree_by_hand() -> None:
    """a <= 0 (6 of 10 rows): -1; else b <= 0 (1 of 4): 1, else 3. The row has a = 1, b = 1: value 3.

    Mean .6 (-1) + .1 (1) + .3 (3) = .4. Alone a gives .25 (1) + .75 (3) = 2.5, alone b .6 (-1) + .4 (3) = .6.
    So a: ((2.5 - .4) + (3 - .6)) / 2 = 2.25, b: ((.6 - .4) + (3 - 2.5)) / 2 = .35.
    """
    nodes = np.array(
        [
            [0, 0, 0, 1, 2, 0, 10],
            [0, 0, 0, -1, -1, -1, 6],
            [0, 1, 0, 3, 4, 0, 4],
            [0, 0, 0, -1, -1, 1, 1],
            [0, 0, 0, -1, -1, 3, 3],
        ],
        dtype=np.float32,
    )
    paths = paths_of(BoostedTrees(base=0.0, width=2, nodes=nodes))
    assert paths.base == pytest.approx(0.4, abs=1e-7)
    np.testing.assert_allclose(paths.logits(np.array([[1.0, 1.0]])), [[2.25, 0.35]], atol=1e-6)


def test_arrays_come_back(scorer: BoostingScorer) -> None:
    again = BoostedTrees.from_bytes(scorer.trees.to_bytes())
    np.testing.assert_array_equal(again.nodes, scorer.trees.nodes)
    assert (again.base, again.width) == (scorer.trees.base, scorer.trees.width)


def test_a_threshold_that_float32_moves_is_refused() -> None:
    random = np.random.default_rng(0)
    matrix = random.random((400, 2))  # not on the grid
    share = (matrix[:, 0] > 0.5).astype(float)
    model = grow(
        BoostingRows(matrix, share, np.ones(400), [0, 0]),
        replace(HYPERPARAMETERS, iterations=3),
        seed=0,
    )
    with pytest.raises(IntegrityError, match="not exact in float32"):
        boosted_trees(model)


def test_unseen_and_missing_values_are_answered_and_missing_columns_are_not(
    planted: TrainingSet, scorer: BoostingScorer
) -> None:
    row = planted.test.iloc[:1].assign(category="never seen", similarity=np.nan)
    assert 0 < scorer.predict_proba(row)[0, 0] < 1
    with pytest.raises(IntegrityError, match="similarity"):
        scorer.predict_proba(row.drop(columns="similarity"))


def test_rules_smooth_the_pair_towards_its_workflow() -> None:
    """Workflow: (5 + 20 x .5) / (10 + 20) = .5; pair: (3 + 3 x .5) / (3 + 3) = .75."""
    steps = (("wa", "wn", 20.0), ("pa", "pn", 3.0))
    rules = ProportionRules(("adopted_share",), 0.5, steps)
    row = pd.DataFrame({"wa": [5.0, np.nan], "wn": [10.0, np.nan], "pa": [3.0, 0], "pn": [3.0, 0]})
    np.testing.assert_allclose(rules.predict_proba(row), [[0.75], [0.5]])


def test_rules_are_an_artifact(planted: TrainingSet) -> None:
    artifact: Artifact = SPEC.fit_rules(planted)
    proportions = scorer_of(artifact).predict_proba(planted.test)
    assert proportions.shape == (300, 1)
    assert ((proportions >= 0) & (proportions <= 1)).all()


def digest() -> str:
    """Hash of a fitted artifact; also run in another process by the test below."""
    return fit(suggestion_set(), FitRequest(7, SMALL)).artifact.sha256


def test_the_same_request_gives_the_same_bytes_in_another_process() -> None:
    code = f"from {__name__} import digest; print(digest())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert digest() == other
    assert fit(suggestion_set(), FitRequest(8, SMALL)).artifact.sha256 != other


def test_other_names_of_users_change_nothing(planted: TrainingSet) -> None:
    first, second = (fit(rows, FitRequest(1, SMALL)) for rows in (planted, renamed(planted)))
    assert second.artifact.sha256 == first.artifact.sha256
