"""A model fitted on a training set and evaluated on its test rows, beside its rules."""

from ml_platform.evaluation.evaluate import evaluate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.training_set import TrainingSet


def fit_and_evaluate(spec: ModelSpec, training_set: TrainingSet) -> EvaluationReport:
    """The evaluation report of ``spec`` with its defaults and its own seed."""
    outcome = spec.fit(training_set, FitRequest(spec.seed, spec.defaults))
    return evaluate(
        training_set,
        candidate=scorer_of(outcome.artifact),
        estimator=outcome.estimator,
        baseline=scorer_of(spec.fit_rules(training_set)),
        seed=spec.seed,
        task=spec.task,
    )


def quiet(_line: str) -> None:
    """Swallow a line of progress, which is not part of the printed table."""
