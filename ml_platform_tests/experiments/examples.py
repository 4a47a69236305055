"""An experiment on the toy model, with everything that a run of it leaves behind."""

from datetime import UTC, datetime
from functools import cache

from ml_platform.experiments.arms import Run, evaluation_part, run_arms
from ml_platform.experiments.conclude import conclude
from ml_platform.experiments.definition import Definition, Place, digest
from ml_platform.experiments.lifecycle import DefinedExperiment
from ml_platform.experiments.proposal import Proposal, defined
from ml_platform.experiments.result import ExperimentResult
from ml_platform.experiments.statistics import statistics_of
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.proportion_rows import proportion_spec, proportion_training_set

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SPEC = proportion_spec()
METRICS = ("mae", "mse", "one_minus_mae", "r2", "rmse")
PROPOSAL = Proposal(
    name="faster",
    model="toy",
    hypothesis="thirty times the learning rate learns the step",
    change=("learning_rate=0.3",),
    metric="r2",
    minimum_effect=0.1,
    guardrail=("mae:0.3", "r2:worse-by:0.0", "size_mb:5"),
)


@cache
def rows() -> TrainingSet:
    return proportion_training_set()


def definition(**changes: object) -> Definition:
    """`PROPOSAL` with changes, defined on the toy rows."""
    proposal = Proposal(**{**vars(PROPOSAL), **changes})
    return defined(proposal, SPEC, rows().record, METRICS, None)


def experiment(**changes: object) -> DefinedExperiment:
    """`definition(**changes)`, frozen at `AT`."""
    frozen = definition(**changes)
    return DefinedExperiment(frozen, digest(frozen), digest(frozen), AT)


@cache
def run() -> Run:
    return run_arms(experiment(), SPEC, rows(), lambda _: None)


def result() -> ExperimentResult:
    verdict = conclude(definition(), run().measured, statistics_of(run().statistics))
    return ExperimentResult(run().measured, verdict, AT, "0.1.0")


def holdout() -> TrainingSet:
    return evaluation_part(SPEC, rows(), Place.HOLDOUT)
