"""The evaluator of a sequence prediction against scikit-learn, for both labels, with ceilings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.intervals.bootstrap import replicate
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.metrics.sequence_statistics import step_statistics
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.sequence_prediction import SequenceEvaluator
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.spec.task import SOON, SequencePrediction
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set

STEPS = ("a:x", "b:y", "c:z", "end")


@pytest.fixture(scope="module")
def data() -> TrainingSet:
    """Steps at random; of one row in five it is not known whether a workflow is soon needed."""
    training_set = make_training_set(change_sets=400)
    draw = np.random.default_rng(1)

    def labelled(rows: pd.DataFrame) -> pd.DataFrame:
        soon = draw.choice(["yes", "no", None], len(rows), p=(0.2, 0.6, 0.2))
        steps = draw.choice(STEPS, len(rows), p=(0.4, 0.3, 0.2, 0.1))
        return rows.assign(next_step=steps, workflow_soon=soon)

    record = replace(training_set.record, label="next_step", classes=(*STEPS, SOON))
    return TrainingSet(record, labelled(training_set.train), labelled(training_set.test))


def evaluator(data: TrainingSet) -> SequenceEvaluator:
    evaluator = evaluator_of(SequencePrediction(), data)
    assert isinstance(evaluator, SequenceEvaluator)
    return evaluator


@pytest.fixture(scope="module")
def predictions(data: TrainingSet) -> Predictions:
    draw = np.random.default_rng(2)
    steps = draw.dirichlet(np.ones(len(STEPS)), len(data.test))
    steps[np.arange(len(steps)), evaluator(data).truth] += draw.random(len(steps))
    needed = (data.test["workflow_soon"] == "yes").to_numpy()
    soon = np.clip(0.3 * draw.random(len(steps)) + 0.4 * needed * draw.random(len(steps)), 0, 1)
    steps /= steps.sum(axis=1, keepdims=True)
    return Predictions(np.column_stack([steps, soon.round(2)]), threshold=0.25)


def values_of(data: TrainingSet, predictions: Predictions) -> dict[str, float]:
    sums = evaluator(data).sufficient_statistics(predictions)
    return {
        name: float(value[0]) for name, value in sums.metrics(sums.sums.sum(axis=0)[None]).items()
    }


def test_the_next_step_equals_scikit_learn(data: TrainingSet, predictions: Predictions) -> None:
    values = values_of(data, predictions)
    truth, steps = evaluator(data).truth, predictions.values[:, :-1]
    best = steps.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(truth, best),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, best),
        "macro_f1": reference.f1_score(truth, best, average="macro"),
        "weighted_f1": reference.f1_score(truth, best, average="weighted"),
        "macro_precision": reference.precision_score(truth, best, average="macro"),
        "log_loss": reference.log_loss(truth, steps, labels=range(4)),
    }
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, abs=1e-12), name


def test_soon_equals_scikit_learn_on_the_rows_of_which_it_is_known(
    data: TrainingSet, predictions: Predictions
) -> None:
    values = values_of(data, predictions)
    known = data.test["workflow_soon"].notna().to_numpy()
    truth = (data.test["workflow_soon"] == "yes").to_numpy()[known]
    scores = predictions.values[known, -1]
    alarm = scores >= 0.25
    expected = {
        "soon_precision": reference.precision_score(truth, alarm),
        "soon_recall": reference.recall_score(truth, alarm),
        "soon_f1": reference.f1_score(truth, alarm),
        "soon_alarm_rate": alarm.mean(),
        "soon_roc_auc": reference.roc_auc_score(truth, scores),
        "soon_average_precision": reference.average_precision_score(truth, scores),
        "soon_brier": reference.brier_score_loss(truth, scores),
    }
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, abs=1e-12), name


def test_counts_by_class_equal_cells(data: TrainingSet, predictions: Predictions) -> None:
    """The statistics of a classification, in another layout: the same in every resample."""
    sequence = evaluator(data)
    steps, clusters = predictions.values[:, :-1], sequence.rows.clusters
    ours = replicate(
        step_statistics(sequence.truth, steps, clusters, sequence.cluster_count),
        seed=3,
        resamples=50,
    )
    rows = ClassPredictions(sequence.truth, steps, clusters)
    theirs = replicate(class_statistics(rows, sequence.cluster_count), seed=3, resamples=50)
    assert set(ours) <= set(theirs)
    for name, values in ours.items():
        np.testing.assert_allclose(values.resampled, theirs[name].resampled, rtol=1e-12)
        np.testing.assert_allclose(values.left_out, theirs[name].left_out, rtol=1e-12)


def test_resamples_of_both_heads_are_those_of_the_rows(
    data: TrainingSet, predictions: Predictions
) -> None:
    """Without one cluster: the metrics of the other clusters' rows."""
    sequence = evaluator(data)
    left_out = replicate(sequence.sufficient_statistics(predictions), seed=1, resamples=10)
    keep = sequence.rows.clusters != 0
    few = TrainingSet(data.record, data.train, data.test[keep])
    rest = values_of(few, Predictions(predictions.values[keep], predictions.threshold))
    for name in ("accuracy", "macro_f1", "log_loss", "soon_f1", "soon_precision", "soon_brier"):
        assert left_out[name].left_out[0] == pytest.approx(rest[name], abs=1e-12), name


def test_the_dummy_scorer_knows_the_training_labels(data: TrainingSet) -> None:
    dummy = evaluator(data).dummy
    assert dummy.classes == data.record.classes
    shares = data.train["next_step"].value_counts(normalize=True)
    known = data.train["workflow_soon"].dropna()
    expected = [*(shares[step] for step in STEPS), (known == "yes").mean()]
    np.testing.assert_allclose(dummy.predict_proba(data.test[:2]), [expected, expected])


def ceilings(data: TrainingSet) -> pd.DataFrame:
    ids = data.test["row_id"].tolist()
    soon = np.linspace(0, 1, len(ids))
    rows = [(i, "next_step", "b:y", 0.5) for i in ids]
    rows += [
        (i, "next_step/soon", "yes" if p >= 0.7 else "no", p)
        for i, p in zip(ids, soon, strict=True)
    ]
    return pd.DataFrame(rows, columns=["row_id", "target", "prediction", "probability"])


def test_a_ceiling_answers_both_heads(data: TrainingSet) -> None:
    predictions = evaluator(data).ceiling(ceilings(data).sample(frac=1, random_state=0))
    assert (predictions.values[:, :-1].argmax(axis=1) == 1).all()
    assert predictions.alarms is not None
    assert predictions.alarms.tolist() == (predictions.values[:, -1] >= 0.7).tolist()
    values = values_of(data, predictions)
    assert values["accuracy"] == (data.test["next_step"] == "b:y").mean()
    assert "log_loss" not in values
    assert values["soon_alarm_rate"] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("missing", ["next_step", "next_step/soon"])
def test_a_ceiling_that_lacks_rows_is_refused(data: TrainingSet, missing: str) -> None:
    rows = ceilings(data)
    first = rows.index[rows["target"] == missing][0]
    with pytest.raises(IntegrityError, match="1 of"):
        evaluator(data).ceiling(rows.drop(index=first))


def test_where_no_need_is_known_soon_is_undefined(
    data: TrainingSet, predictions: Predictions
) -> None:
    silent = TrainingSet(data.record, data.train, data.test.assign(workflow_soon=None))
    values = values_of(silent, predictions)
    assert "accuracy" in values
    assert not [name for name in values if name.startswith("soon_")]
    undefined = evaluator(silent).details(predictions).undefined
    assert "no unscheduled runs" in undefined["soon_f1"]
    assert evaluator(data).details(predictions).undefined == {}


def test_the_report_shows_the_most_frequent_steps(
    data: TrainingSet, predictions: Predictions
) -> None:
    (table,) = evaluator(data).details(predictions).tables
    assert [row[0] for row in table.rows] == list(STEPS)
    assert table.rows[0][1] == (data.test["next_step"] == "a:x").sum()
