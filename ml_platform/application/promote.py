"""Promotion: all evidence is gathered anew, a permit is granted or refused, and one transaction follows."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.home_policy import governed
from ml_platform.application.mirror import mirror
from ml_platform.application.rollout_policy import people, rollout_policy
from ml_platform.application.stored_evidence import (
    artifact_sha256_now,
    rows_sha256_now,
    stored_report,
    stored_training_set,
)
from ml_platform.errors import PermitRefused
from ml_platform.gates.outcome import Decision, Verdict
from ml_platform.gates.policy import gate_names, policy_version
from ml_platform.gates.record import EvaluationRecord
from ml_platform.registry.changes import Request
from ml_platform.registry.permit import CheckEvidence, Evidence, Permit, grant, reasons_against
from ml_platform.registry.records import Action, ProductionState, Status, VersionRecord
from ml_platform.registry.replay import replayed
from ml_platform.registry.rollout.policy import Newer
from ml_platform.registry.rollout.progress import begin
from ml_platform.reporting.words import moment
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

ACTOR = "champion asset"
"""The actor that asks for promotions, as the ledger's events name it."""


@dataclass(frozen=True)
class ChampionState:
    """The state of production after a candidate was evaluated, and the decision about the candidate."""

    production: ProductionState
    candidate: str
    """Verdict and the row of the table that decided, for people: 'REJECT: a limit is missed'."""
    waits: str = ""
    """Why a candidate that has earned its promotion is not promoted yet; empty where it is, or has not."""

    @property
    def answers(self) -> str:
        """The version that answers now, in words."""
        version = self.production.version
        return f"version {version}" if version else "the rules"


def settle_champion(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    evaluation_record: EvaluationRecord,
    version: VersionRecord,
    checks: tuple[CheckEvidence, ...],
    *,
    run_id: str,
    progress: Callable[[str], None],
) -> ChampionState:
    """Promote ``version`` where that is asked for, repair MLflow's copy of the model's state, and say what answers.

    In the run that evaluated the candidate, any verdict but PROMOTE is a result and leaves production as it
    is. In any other run this is a request for promotion, which is refused unless all evidence still holds.

    A candidate that a person holds, that has to be approved, or that comes while another version is being rolled
    out, waits. Nothing is promoted while MLflow does not answer, which could not show it.

    Raises:
        PermitRefused: a promotion was asked for and its evidence does not hold.
        ConflictError: another promotion was faster; nothing was changed.
        ServiceError: MLflow does not answer; nothing was changed.
    """
    from ml_platform.adapters.tracking import CHAMPION

    decision = evaluation_record.decision
    waits = why_it_waits(platform, version)
    stays = decision.verdict is not Verdict.PROMOTE or bool(waits)
    if not (stays and evaluation_record.dagster_run_id == run_id):
        platform.tracking.alias(spec.name, CHAMPION)
        promote(platform, spec, training_set, evaluation_record, version, checks)
    for repair in mirror(platform, spec.name, spec=spec):
        progress(f"MLflow: {repair}")
    state = ChampionState(
        platform.ledger.production(spec.name),
        f"{decision.verdict.value.upper()}: {decision.row}",
        waits if decision.verdict is Verdict.PROMOTE else "",
    )
    why = "; ".join(text for text in (state.candidate, state.waits) if text)
    progress(f"{state.answers} in production" + (f" ({why})" if stays else ""))
    return state


def why_it_waits(platform: Connections, version: VersionRecord) -> str:
    """Why a version may not be promoted now, whatever its evidence; empty if it may."""
    history = platform.ledger.history(version.model)
    life, policy = history.life(version.version), rollout_policy(platform)
    if life.status is Status.HELD:
        event = history.last(version.version, Action.HELD, Action.ROLLED_BACK)
        return (
            f"version {version.version} is held since {moment(event.wall)} by {event.actor} "
            f"({event.evidence['reason']})"
        )
    other = history.state.rollout
    if other not in (None, version.version) and (policy.is_direct or policy.newer is Newer.WAITS):
        return f"version {other} is being rolled out"
    if (
        policy.needs_approval
        and not life.approved
        and life.status in (Status.STAGED, Status.ARCHIVED)
    ):
        return f"version {version.version} has not been approved by a person"
    return ""


def promote(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    evaluation_record: EvaluationRecord,
    version: VersionRecord,
    checks: tuple[CheckEvidence, ...],
) -> None:
    """Make ``version`` the champion if its evidence still holds; a refusal is recorded, then raised.

    Raises:
        PermitRefused: with every reason.
        ConflictError: another promotion was faster; nothing was changed.
    """
    spec = governed(platform, spec)
    ledger, as_of = platform.ledger, platform.home.as_of
    evidence = _evidence(platform, spec, evaluation_record, version, checks)
    waits = why_it_waits(platform, version)
    reasons = (
        *_mismatches(evaluation_record, version, training_set),
        *reasons_against(evidence),
        *((waits,) if waits else ()),
    )
    if reasons:
        ledger.record_refusal(spec.name, version.version, reasons=reasons, at=as_of, actor=ACTOR)
        raise PermitRefused(
            reasons,
            remedy=f"materialise {spec.name}/training_set and what follows it again, "
            f"or see `ml-platform why {spec.name} {version.version}`",
        )
    _begin(platform, version, evaluation_record.production_revision, grant(evidence))


def _begin(platform: Connections, version: VersionRecord, revision: int, permit: Permit) -> None:
    """Promote at once, or begin a rollout, as the policy of the home says; what is rolled out already goes on."""
    ledger, as_of, policy = platform.ledger, platform.home.as_of, rollout_policy(platform)
    model = version.model
    if ledger.history(model).state.rollout == version.version:
        return
    if policy.is_direct:
        ledger.promote(
            model,
            version.version,
            expected_revision=revision,
            permit=permit,
            at=as_of,
            actor=ACTOR,
        )
    elif ledger.production(model).version != version.version:
        users = people(platform)
        request = Request(ACTOR, version.decision.row, as_of)
        ledger.change(model, lambda now: begin(now, version, permit, policy, users, request))


def _mismatches(
    evaluation_record: EvaluationRecord, version: VersionRecord, training_set: TrainingSetRecord
) -> tuple[str, ...]:
    """Reasons where the latest evaluation, training set and registered version do not belong together."""
    pairs = {
        "evaluation is of artifact": (evaluation_record.artifact_sha256, version.artifact_sha256),
        "evaluation is of training set": (
            evaluation_record.training_set_fingerprint,
            version.training_set_fingerprint,
        ),
        "latest training set is": (training_set.fingerprint, version.training_set_fingerprint),
    }
    return tuple(
        f"the latest {what} {latest[:12]}, version {version.version} has {registered[:12]}"
        for what, (latest, registered) in pairs.items()
        if latest != registered
    )


def _evidence(
    platform: Connections,
    spec: ModelSpec,
    evaluation_record: EvaluationRecord,
    version: VersionRecord,
    checks: tuple[CheckEvidence, ...],
) -> Evidence:
    report = stored_report(platform, version)
    training_set = stored_training_set(platform, version)
    replay = replayed(version, report) if report else None
    return Evidence(
        record=version,
        report=report,
        report_sha256=platform.ledger.report_sha256(version.report_id),
        training_set=training_set,
        artifact_sha256=artifact_sha256_now(
            platform.settings.home / version.artifact_path, version.artifact_sha256
        ),
        rows_sha256=rows_sha256_now(platform, training_set),
        policy_version=policy_version(spec.policy),
        recomputed=replay if isinstance(replay, Decision) else None,
        checks=checks,
        required_checks=gate_names(spec.policy),
        judged_against=ProductionState(
            spec.name, evaluation_record.champion, evaluation_record.production_revision
        ),
        production=platform.ledger.production(spec.name),
    )
