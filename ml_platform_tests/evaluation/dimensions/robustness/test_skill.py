"""Retained skill by hand, and statistics of slices, mixes and detection equal to scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics

from ml_platform.evaluation.dimensions.robustness.classes import PLAIN, ClassSums
from ml_platform.evaluation.dimensions.robustness.columns import columns_of
from ml_platform.evaluation.dimensions.robustness.dimension import robustness
from ml_platform.evaluation.dimensions.robustness.part import scored
from ml_platform.evaluation.dimensions.robustness.sample import CLUSTERS, probed_rows, sampled
from ml_platform.evaluation.dimensions.robustness.shift import (
    kept_in,
    moved_features,
    slice_metrics,
)
from ml_platform.evaluation.dimensions.robustness.skill import (
    mean_of,
    retained,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.tasks.decisions import Decisions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.models.catalogue import MODELS
from ml_platform_tests.evaluation.dimensions.robustness.toys import (
    CLASSES,
    NUMBERS,
    Sturdy,
    examined,
    training_set,
)

ROWS = training_set(2_000)


def value(x: float) -> Replicates:
    return Replicates(x, np.full(3, x), np.full(2, x))


@pytest.mark.parametrize(
    ("worse", "plain", "dummy", "kept"),
    [
        (0.7, 0.9, 0.5, 0.5),
        (0.9, 0.9, 0.5, 1.0),
        (0.95, 0.9, 0.5, 1.0),
        (0.5, 0.9, 0.5, 0.0),
        (0.2, 0.9, 0.5, 0.0),
        (0.3, 0.1, 0.5, 0.5),
        (0.6, 0.1, 0.5, 0.0),
        (0.7, 0.5, 0.5, 0.0),
    ],
)
def test_retained_skill_by_hand(worse: float, plain: float, dummy: float, kept: float) -> None:
    skill = retained(value(worse), value(plain), value(dummy))
    assert skill.value == pytest.approx(kept)
    assert skill.resampled == pytest.approx(np.full(3, kept))
    assert scored(skill).value == pytest.approx(1 + 9 * kept)


def test_the_mean_of_parts_over_other_clusters_has_no_jackknife() -> None:
    other = Replicates(1.0, np.ones(3), np.ones(5))
    assert mean_of([value(0.5), value(0.0)]).left_out == pytest.approx(np.full(2, 0.25))
    assert len(mean_of([value(0.5), other]).left_out) == 0
    assert mean_of([value(0.5), other]).value == 0.75


def test_every_model_has_a_primary_metric() -> None:
    assert all(adapter_of(spec.task).primary_metrics for spec in MODELS)


def test_whole_clusters_are_sampled_and_the_same_ones_each_time() -> None:
    subject = examined(Sturdy(), ROWS)
    sample = sampled(subject, 600)
    assert 600 <= len(sample.rows) <= 602
    assert sample.evaluator.cluster_count == len(sample.rows) / 2 >= CLUSTERS
    assert sample.rows["row_id"].tolist() == sampled(subject, 600).rows["row_id"].tolist()
    places = ROWS.test["row_id"].isin(sample.rows["row_id"]).to_numpy()
    assert np.array_equal(sample.predictions.values, subject.predictions.values[places])
    assert sampled(subject, 9_000).evaluator is subject.evaluator
    assert probed_rows(56) < probed_rows(4) == 5_000


def test_a_slice_has_the_metrics_of_its_rows() -> None:
    subject = examined(Sturdy(), ROWS)
    sample = sampled(subject, 9_000)
    where = np.arange(len(ROWS.test)) < 700
    slice_values = slice_metrics(subject, sample, where, "accuracy")
    assert slice_values is not None
    figure, dummy = with_interval(slice_values[0]), slice_values[1]
    truth = ROWS.test["label"][where]
    predicted = np.array(CLASSES)[subject.predictions.values[where].argmax(axis=1)]
    assert figure.value == pytest.approx(metrics.accuracy_score(truth, predicted), abs=1e-12)
    assert figure.low < figure.value < figure.high
    assert dummy.value == pytest.approx((truth == "common").mean(), abs=1e-12)


def test_skill_is_measured_by_change_set_where_these_have_several_rows() -> None:
    """One change set of two hundred rows, all of them wrong, is one wrong prediction of many."""
    rows = training_set(2_000)
    for column in ("change_set_id", "cluster_id"):
        rows.test[column] = [f"a{max(place - 198, 0) // 2}" for place in range(2_000)]
    rows.test.loc[:199, "label"] = "rare"
    subject = examined(Sturdy(), rows)
    sample = sampled(subject, 9_000)
    everywhere = np.ones(len(sample.rows), dtype=bool)
    by_row = slice_metrics(subject, sample, everywhere, "accuracy")
    by_change_set = slice_metrics(subject, sample, everywhere, "change_set_accuracy")
    assert by_row is not None
    assert by_change_set is not None
    assert by_row[0].value < 0.92 < by_change_set[0].value
    dimension = robustness(subject)
    assert any("change set accuracy" in finding for finding in dimension.findings)
    singles = np.zeros(len(sample.rows), dtype=bool)
    singles[201::2] = True
    alone = slice_metrics(subject, sample, singles, "change_set_accuracy")
    rows_alone = slice_metrics(subject, sample, singles, "accuracy")
    assert alone is not None
    assert rows_alone is not None
    assert alone[0].value == rows_alone[0].value, "change sets of one row are rows"


@pytest.mark.parametrize(
    ("own", "dummy", "kept"),
    [(0.9, 0.85, 1.0), (0.7, 0.3, 1.0), (0.7, 0.6, 0.5), (0.5, 0.5, 0.0), (0.6, 0.5, 0.25)],
)
def test_a_slice_loses_skill_only_if_level_and_gain_are_lower(
    own: float, dummy: float, kept: float
) -> None:
    skill = kept_in((value(own), value(dummy)), (value(0.9), value(0.5)))
    assert skill.value == pytest.approx(kept)


def test_the_feature_that_has_moved_comes_first_with_its_direction() -> None:
    rows = training_set(2_000)
    rows.test["x3"] += 1.0
    rows.test["x1"] -= 0.5
    subject = examined(Sturdy(), rows)
    moved = moved_features(subject, sampled(subject, 9_000), columns_of(subject))
    assert [(name, upper) for name, _, upper in moved[:2]] == [("x3", True), ("x1", False)]
    assert {name for name, _, _ in moved} == {*NUMBERS, "training share of word"}


def test_other_mixes_equal_sample_weights_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    truth, predicted = draw.integers(0, 2, 500), draw.integers(0, 2, 500)
    clusters = np.arange(500) // 5
    hits = np.array(
        [
            [((truth == c) & (predicted == c) & (clusters == k)).sum() for c in (0, 1)]
            for k in range(100)
        ]
    )
    support = np.array(
        [[((truth == c) & (clusters == k)).sum() for c in (0, 1)] for k in range(100)]
    )
    weights = np.array([1.0, 0.5])
    for alarms, reference in ((False, metrics.accuracy_score), (True, metrics.f1_score)):
        mixes = {PLAIN: np.ones(2), "half": weights}
        sums = ClassSums(np.hstack([hits, support]).astype(float), 2, mixes, 0, alarms)
        values = sums.metrics(sums.sums.sum(axis=0)[None, :])
        assert values[f"metric:{PLAIN}"][0] == pytest.approx(reference(truth, predicted))
        assert values["metric:half"][0] == pytest.approx(
            reference(truth, predicted, sample_weight=weights[truth])
        )
        dummy = np.ones(500, dtype=int) if alarms else np.zeros(500, dtype=int)
        assert values["dummy:half"][0] == pytest.approx(
            reference(truth, dummy, sample_weight=weights[truth])
        )
        assert values["recall:1"][0] == pytest.approx(metrics.recall_score(truth, predicted))


def test_decisions_by_hand() -> None:
    values = np.array([[0.9, 0.1], [0.4, 0.6], [0.65, 0.35]])
    truth = np.array([0, 1, 1])
    best = Decisions(("no", "yes"), truth, None, 2, 0.5, True)
    alarm = Decisions(("no", "yes"), truth, 1, 2, 0.3, True)
    assert best.chosen(values).tolist() == [0, 1, 0]
    assert best.confidence(values).tolist() == [0.9, 0.6, 0.65]
    assert best.margin(values) == pytest.approx([0.8, 0.2, 0.3])
    assert alarm.chosen(values).tolist() == [0, 1, 1]
    assert alarm.confidence(values) == pytest.approx([0.9, 0.6, 0.35])
    assert alarm.margin(values) == pytest.approx([0.2, 0.3, 0.05])


def test_decisions_of_a_classification_are_its_labels() -> None:
    dimension = adapter_of(examined(Sturdy(), ROWS).spec.task).decisions(ROWS, None)
    assert isinstance(dimension, Decisions)
    assert [CLASSES[code] for code in dimension.truth] == ROWS.test["label"].tolist()


def test_detection_equals_scikit_learns_roc_auc() -> None:
    subject = examined(Sturdy(), ROWS)
    from ml_platform.evaluation.dimensions.robustness.perturb import permuted

    worse = permuted(ROWS.test, columns_of(subject), subject.seed)
    sure = [Sturdy().predict_proba(rows).max(axis=1) for rows in (ROWS.test, worse)]
    expected = metrics.roc_auc_score(np.repeat([0, 1], len(worse)), -np.concatenate(sure))
    table = next(t for t in robustness(subject).tables if t.title.startswith("Out-of"))
    area_by_row = {(row[0], row[1]): row[2] for row in table.rows}
    assert area_by_row["columns permuted", "confidence"] == pytest.approx(expected, abs=1e-4)
