"""Every task can be examined; what makes no sense for it is said with its reason."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.dimensions.robustness.dimension import ANSWERED, robustness
from ml_platform.models.anomaly_detector import SPEC as DETECTOR
from ml_platform.models.sequence_ngram import SPEC as NGRAM
from ml_platform.models.suggestion_scorer import SPEC as SUGGESTIONS
from ml_platform.models.trigger_predictor import SPEC as LAUNCHES
from ml_platform.models.workflow_recommender import SPEC as RECOMMENDER
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.dimensions.robustness.toys import examined, training_set
from ml_platform_tests.models import adoption_rows, session_rows, start_time_rows, step_rows


def found(spec: ModelSpec, rows: TrainingSet) -> Dimension:
    outcome = spec.fit(rows, FitRequest(spec.seed, spec.defaults))
    from ml_platform.models.artifact_kinds import scorer_of

    scorer = scorer_of(outcome.artifact)
    return robustness(examined(scorer, rows, spec, artifact=outcome.artifact))


def complete(dimension: Dimension) -> bool:
    measures = (*dimension.measures, *dimension.undefined, *dimension.not_applicable)
    return sorted(measures) == sorted(ANSWERED)


def test_launches_are_answered_with_infinite_numbers_and_have_no_class() -> None:
    dimension = found(LAUNCHES, start_time_rows.training_set(start_time_rows.synthetic_rows(3_000)))
    assert complete(dimension)
    assert dimension.measures["unanswered"].value == 0
    assert dimension.measures["missing_column_retained"].value < 0.3
    assert set(dimension.not_applicable) == {
        "label_shift_retained",
        "worst_class_recall",
        "decisions_kept",
        "boundary_decisions_kept",
    }


def test_lists_have_no_class_and_no_confidence() -> None:
    dimension = found(RECOMMENDER, adoption_rows.training_set(adoption_rows.snapshots()))
    assert complete(dimension)
    assert dimension.measures["decisions_kept"].value > 0.5
    assert "ood_auc_confidence" in dimension.not_applicable
    assert "newest_half_retained" in dimension.undefined


def test_alarms_have_scores_that_are_no_probabilities() -> None:
    dimension = found(DETECTOR, session_rows.training_set(session_rows.synthetic_rows(share=0.05)))
    assert complete(dimension)
    assert dimension.measures["worst_class_recall"].value < 1
    assert "overconfidence_ood" in dimension.not_applicable


def test_an_unlabelled_source_of_alarms_is_insufficient() -> None:
    rows = session_rows.training_set(session_rows.synthetic_rows(1_000))
    rows = replace(rows, test=rows.test.assign(anomalous=None))
    dimension = found(DETECTOR, rows)
    assert set(dimension.undefined) == set(ANSWERED)


@dataclass(frozen=True)
class Expects:
    """The share that the first column tells."""

    classes: tuple[str, ...] = ("adopted_share",)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        values = np.nan_to_num(rows["x0"].to_numpy(dtype=np.float64), posinf=1.0, neginf=0.0)
        return np.clip(values, 0.0, 1.0)[:, None]


def test_shares_are_told_by_r2() -> None:
    rows = training_set(600)
    draw = np.random.default_rng(0)
    parts = []
    for part in (rows.train, rows.test):
        truth = draw.random(len(part))
        near = np.clip(truth + draw.normal(0, 0.05, len(part)), 0, 1)
        parts.append(part.assign(adopted_share=truth, x0=near))
    record = replace(rows.record, label="adopted_share", classes=("adopted_share",))
    dimension = robustness(examined(Expects(), TrainingSet(record, *parts), SUGGESTIONS))
    assert complete(dimension)
    assert dimension.measures["missing_column_retained"].value == 0
    assert (
        dimension.not_applicable["worst_class_recall"]
        == "it predicts an expected share, not a class"
    )


def test_sequences_are_told_by_their_need() -> None:
    rows = step_rows.training_set(400)
    rows = replace(rows, record=replace(rows.record, classes=(*rows.record.classes, "soon")))
    dimension = found(NGRAM, rows)
    assert complete(dimension)
    assert dimension.parts
