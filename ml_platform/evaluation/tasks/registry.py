"""Which judge judges which task."""

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.tasks.evaluated_rows import EvaluatedRows, evaluated_rows
from ml_platform.evaluation.tasks.evaluator import Evaluator
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import TrainingSet


def evaluator_of(
    task: Task, training_set: TrainingSet, rows: EvaluatedRows | None = None
) -> Evaluator:
    """The judge of ``task`` over the test rows of ``training_set``; ``rows`` where others than clusters add up."""
    rows = rows or evaluated_rows(training_set)
    match task:
        case Classification():
            from ml_platform.evaluation.tasks.classification import ClassificationEvaluator

            return ClassificationEvaluator(training_set, rows)
        case SequencePrediction():
            from ml_platform.evaluation.tasks.sequence import SequenceEvaluator

            return SequenceEvaluator(training_set, rows, task)
        case Ranking():
            from ml_platform.evaluation.tasks.ranking import RankingEvaluator

            return RankingEvaluator(task, training_set, rows)
        case ProportionRegression():
            from ml_platform.evaluation.tasks.proportion import ProportionEvaluator

            return ProportionEvaluator(training_set, rows)
        case OffPolicyChoice():
            from ml_platform.evaluation.tasks.off_policy import OffPolicyEvaluator

            return OffPolicyEvaluator(training_set, rows, task)
        case Detection():
            from ml_platform.evaluation.tasks.detection import DetectionEvaluator

            return DetectionEvaluator(training_set, rows)
        case _:
            raise IntegrityError(
                f"No judge is known for {type(task).__name__}.",
                remedy="add one to ml_platform/evaluation/tasks/registry.py",
            )
