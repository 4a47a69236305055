"""The simple methods beside the models: what they compute, held against a hand or scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ml_platform.errors import InsufficientData
from ml_platform.models.anomaly_detector import ALARM_RATE, SIDES
from ml_platform.models.catalogue import MODELS
from ml_platform.models.isolation_forest.references import fit_robust_z_scores
from ml_platform.models.random_forest.references import fit_filter, fit_naive_bayes
from ml_platform.models.recommenders.references import fit_item_neighbours
from ml_platform.models.recommenders.top_items import NOT_OFFERED
from ml_platform_tests.models import adoption_rows, pattern_rows, session_rows

EVENTS = pattern_rows.training_set()


def accuracy(probabilities: np.ndarray, rows: pd.DataFrame) -> float:
    predicted = np.array(pattern_rows.CLASSES)[probabilities.argmax(axis=1)]
    return float((predicted == rows["workflow_category"]).mean())


def test_naive_bayes_multiplies_smoothed_shares() -> None:
    scorer = fit_naive_bayes(EVENTS, ("tool", "operation"))
    train = EVENTS.train
    row = EVENTS.test.iloc[[0]]
    by_hand = []
    for name in pattern_rows.CLASSES:
        part = train[train["workflow_category"] == name]
        shares = [
            ((part[column] == row[column].item()).sum() + 1) / (len(part) + train[column].nunique())
            for column in ("tool", "operation")
        ]
        by_hand.append(len(part) / len(train) * np.prod(shares))
    expected = np.array(by_hand) / sum(by_hand)
    np.testing.assert_allclose(scorer.predict_proba(row)[0], expected, rtol=1e-9)


def test_an_unseen_value_tells_nothing_and_a_missing_one_is_a_value() -> None:
    scorer = fit_naive_bayes(EVENTS, ("tool", "extension"))
    unseen = EVENTS.test.iloc[[0]].assign(tool="a tool of tomorrow")
    priors = EVENTS.train["workflow_category"].value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(scorer.predict_proba(unseen)[0], priors.to_numpy(), rtol=1e-9)


def test_the_filter_finds_more_than_the_event_alone() -> None:
    filtered = fit_filter(EVENTS, pattern_rows.PLAN.observed).predict_proba(EVENTS.test)
    alone = fit_naive_bayes(EVENTS, ("tool", "operation")).predict_proba(EVENTS.test)
    np.testing.assert_allclose(filtered.sum(axis=1), 1.0)
    assert accuracy(filtered, EVENTS.test) > accuracy(alone, EVENTS.test) + 0.05


def test_rows_without_a_known_class_are_insufficient() -> None:
    from dataclasses import replace

    unknown = replace(EVENTS, train=EVENTS.train.assign(workflow_category="another"))
    with pytest.raises(InsufficientData, match="training rows have no known class"):
        fit_naive_bayes(unknown, ("tool",))


def test_robust_z_scores_alarm_as_often_as_asked_and_find_what_was_planted() -> None:
    sessions = session_rows.training_set(session_rows.synthetic_rows())
    scorer = fit_robust_z_scores(sessions, SIDES, ALARM_RATE)
    alarms = scorer.predict_proba(sessions.train)[:, 1] >= scorer.threshold
    assert alarms.mean() == pytest.approx(ALARM_RATE, abs=0.002)
    test = sessions.test
    auc = roc_auc_score(test["anomalous"] == "yes", scorer.predict_proba(test)[:, 1])
    assert auc > 0.9


def test_item_neighbours_sum_cosines_and_offer_nothing_twice() -> None:
    adoption = adoption_rows.training_set(adoption_rows.snapshots())
    scorer = fit_item_neighbours(adoption)
    newest = adoption.train.sort_values("occurred_at").groupby("user_id").tail(1)
    used = np.array([[item in has for item in scorer.classes] for has in newest["used"]], float)
    norms = np.maximum(np.linalg.norm(used, axis=0), 1e-300)
    cosine = used.T @ used / np.outer(norms, norms)
    np.fill_diagonal(cosine, 0.0)
    rows = adoption.test.iloc[:20]
    scores = scorer.predict_proba(rows)
    for has, row in zip(rows["used"], scores, strict=True):
        mine = np.array([item in has for item in scorer.classes])
        np.testing.assert_allclose(row[~mine], (cosine[mine].sum(axis=0))[~mine], atol=1e-12)
        assert (row[mine] == NOT_OFFERED).all()


def test_titles_of_references_are_told_apart() -> None:
    for spec in MODELS:
        titles = [reference.title for reference in spec.references]
        assert len(set(titles)) == len(titles)
