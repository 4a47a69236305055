"""An evaluation is decided by its gates and kept: the report in the ledger, figures and page in MLflow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.evaluate import EvaluatedCandidate, evaluate_candidate
from ml_platform.application.home_policy import governed, policy_note
from ml_platform.application.log_evaluation import PAGE, log_evaluation, plots_and_page
from ml_platform.application.measured import keep_measurement, measured_before, measurement_of
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.evaluation.report_parts import Estimate
    from ml_platform.reporting.evaluation import Plot


@dataclass(frozen=True)
class RecordedEvaluation:
    """A decided evaluation, and where people find it."""

    report: "EvaluationReport"
    evaluation_record: EvaluationRecord
    plots: "tuple[Plot, ...]"
    run_url: str
    page_url: str


def evaluate_and_record(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    *,
    code: str,
    alone: bool,
    run_id: str,
    progress: Callable[[str], None],
) -> RecordedEvaluation:
    """Evaluate a candidate, let the gates decide, and keep report, decision, figures and page.

    Args:
        platform: The home.
        spec: The model; its gates are those of the home's policy.
        training_set: What the candidate was fitted on, with the test part that it is evaluated on.
        candidate: The artifacts to evaluate.
        code: The version of the code that evaluates.
        alone: Whether the candidate is older than this run: it is not measured again for another policy.
        run_id: Of the run that asks; a promotion in the same run needs no request of its own.
        progress: Gets a line for each step.

    Raises:
        IntegrityError: a stored file is not what was hashed.
    """
    from ml_platform.gates.decide import decide

    spec = governed(platform, spec)
    measurement = measurement_of(platform, spec, training_set, candidate, code)
    known = measurement if alone else ""
    evaluated = _evaluated(platform, spec, training_set, candidate, known, progress)
    decision = decide(evaluated.report, spec.policy, evaluated.evidence)
    verdict = decision.verdict.value.upper()
    progress(f"{headline(evaluated.report)}; verdict {verdict}: {decision.row}")
    plots, page = plots_and_page(evaluated.report, decision)
    logged = log_evaluation(platform, candidate, evaluated.report, decision, plots, page, run_id)
    evaluation_record = EvaluationRecord(
        model=spec.name,
        report_id=platform.ledger.save_report(evaluated.report),
        artifact_sha256=candidate.artifact_sha256,
        rules_sha256=candidate.rules_sha256,
        training_set_fingerprint=training_set.fingerprint,
        policy_version=decision.policy_version,
        decision=decision,
        integrity=values.to_json(evaluated.evidence),
        policy=values.to_json(spec.policy),
        champion=evaluated.production.version,
        production_revision=evaluated.production.revision,
        mlflow_run_id=logged,
        dagster_run_id=run_id,
    )
    keep_measurement(platform, evaluation_record, measurement)
    return RecordedEvaluation(
        report=evaluated.report,
        evaluation_record=evaluation_record,
        plots=plots,
        run_url=platform.tracking.run_url(logged),
        page_url=platform.tracking.artifact_url(logged, PAGE),
    )


def _evaluated(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    measurement: str,
    progress: Callable[[str], None],
) -> EvaluatedCandidate:
    """The evaluation of a candidate; with a ``measurement``, the last one if that measured the same."""
    note = policy_note(platform, spec)
    if measurement:
        known = measured_before(
            platform, spec, training_set, candidate, measurement=measurement, policy_note=note
        )
        if known is not None:
            progress("measured before: the policy decides again on the same figures")
            return known
    return evaluate_candidate(spec, platform, training_set, candidate, progress, policy_note=note)


def headline(report: "EvaluationReport") -> str:
    """The first metric that the model is known by, with its interval, or the reason why there is none."""
    for name in report.headline:
        if estimate := report.candidate.metrics.get(name):
            return f"{name} {estimate_text(estimate)}"
    return "; ".join(f"{name}: {why}" for name, why in report.undefined.items())


def estimate_text(estimate: "Estimate") -> str:
    """A value with its interval, as people read it: '0.910 [0.908, 0.913]'."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
