"""The status of a home: its champions, since when and why, its versions and last monitoring reports."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.insufficient import reason_not_trained
from ml_platform.application.missed_windows import missed_of
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.stopped_candidate import stopped_candidate
from ml_platform.application.summarise_monitoring import MonitoringSummary, latest_monitoring
from ml_platform.registry.answering import Answering, answering
from ml_platform.registry.history import History
from ml_platform.registry.lifecycle import InProduction, in_production, statuses
from ml_platform.registry.records import Status, VersionRecord
from ml_platform.registry.rollbacks import RollbackFigures, rollback_figures
from ml_platform.registry.rollout.progress import current_rollout
from ml_platform.reporting.answering import why_words


@dataclass(frozen=True)
class VersionStatus:
    """A registered version and where it stands."""

    version: int
    status: str
    verdict: str
    decided_by: str
    registered_at: str
    artifact: str
    """SHA-256."""
    evaluations: int
    """How many evaluations the version has had; the verdict is the newest one's."""
    parent: int | None
    """The champion at the time of that evaluation."""
    size_bytes: int
    framework: str


@dataclass(frozen=True)
class ModelStatus:
    """The version that answers for a model, and the reason."""

    in_production: int | None
    rules_answer: bool
    """Whether the rules answer, while there is no champion; without either nothing does."""
    since: str | None
    """Since when, by the clock on the wall; ``None`` before the first version."""
    by: str
    """The person or asset that has brought this about; empty of rules that have always answered."""
    why: str
    checks: tuple[str, ...]
    """The checks that had passed when the champion was promoted; empty without one."""
    versions: tuple[VersionStatus, ...]
    monitoring: MonitoringSummary | None
    missed_windows: tuple[str, ...]
    """The ends of windows of the last seven days that have no report, the oldest first."""
    rollout: str | None
    """The version that is being rolled out, its step and its share in words; ``None`` if there is none."""
    rollbacks: RollbackFigures


@dataclass(frozen=True)
class UndeliveredStatus:
    """The messages that one receiver has not got yet."""

    receiver: str
    messages: int
    since: str
    """When the oldest of them was written."""
    last_error: str
    """Why the last attempt failed, in one line; empty before the first."""


@dataclass(frozen=True)
class HomeStatus:
    """The state of every model of a home."""

    home: str
    source: str
    as_of: str
    rows: dict[str, int]
    """The number of rows of each table of the lake."""
    models: dict[str, ModelStatus]
    undelivered: tuple[UndeliveredStatus, ...]
    """What waits in the outbox, by receiver."""
    waiting_rows: int
    """Rows that came by HTTP and are not in the lake yet."""


def home_status(platform: Connections) -> HomeStatus:
    """The status of a home and of every model in the catalogue."""
    from ml_platform.adapters.plugins import home_project

    state = platform.home
    catalogue = home_project(platform.settings).catalogue
    return HomeStatus(
        home=str(platform.settings.home),
        source=state.source.label,
        as_of=state.as_of.isoformat(),
        rows=platform.lake.counts(),
        models={spec.name: model_status(platform, spec.name) for spec in catalogue.models},
        undelivered=tuple(
            UndeliveredStatus(
                waiting.receiver,
                waiting.messages,
                waiting.since.isoformat(timespec="seconds"),
                " ".join(waiting.fault.split()),
            )
            for waiting in platform.outbox.undelivered()
        ),
        waiting_rows=platform.ledger.waiting().rows,
    )


def model_status(platform: Connections, model: str) -> ModelStatus:
    """The status of one model, as the chain of events and the ledger tell it."""
    ledger = platform.ledger
    events = ledger.events(model)
    champion = in_production(events, model)
    status = statuses(events, model)
    now = answering(ledger.history(model))
    return ModelStatus(
        in_production=champion.version if champion else None,
        rules_answer=champion is None and bool(rules_of(platform, model)),
        since=now.since.isoformat(timespec="seconds") if now.since else None,
        by=now.actor,
        why=_promoted_by(now, champion) if champion else _why_no_champion(platform, model, now),
        checks=_checks(champion) if champion else (),
        versions=tuple(
            _version(record, status[record.version]) for record in ledger.versions(model)
        ),
        monitoring=latest_monitoring(platform, model),
        missed_windows=tuple(end.isoformat() for end in missed_of(platform, model)),
        rollout=_rollout(platform.ledger.history(model)),
        rollbacks=rollback_figures(events, model),
    )


def _rollout(history: History) -> str | None:
    rollout = current_rollout(history)
    if rollout is None:
        return None
    halted = ", halted by a person" if rollout.life.status is Status.HELD else ""
    return (
        f"version {rollout.version} by the policy {rollout.policy.name}: step {rollout.life.step} of "
        f"{len(rollout.steps) - 1}, {rollout.step.share:.0%} of the users{halted}"
    )


def _version(record: VersionRecord, status: Status) -> VersionStatus:
    return VersionStatus(
        version=record.version,
        status=status.value,
        verdict=record.decision.verdict.value.upper(),
        decided_by=record.decision.row,
        registered_at=record.registered_at.isoformat(),
        artifact=record.artifact_sha256,
        evaluations=record.evaluation,
        parent=record.parent,
        size_bytes=record.size_bytes,
        framework=record.framework,
    )


def _promoted_by(now: Answering, champion: InProduction) -> str:
    """The evidence of a promotion in one line."""
    evidence = champion.why
    return (
        f"{why_words(now)} (report {evidence['report_id'][:12]}, "
        f"policy {evidence['policy_name']} {evidence['policy_version'][:12]}, "
        f"{len(_checks(champion))} checks passed)"
    )


def _checks(champion: InProduction) -> tuple[str, ...]:
    """The names of the checks in the evidence of a promotion, which is text."""
    return tuple(name for name in champion.why["checks"].split(", ") if name)


def _why_no_champion(platform: Connections, model: str, now: Answering) -> str:
    if reason := reason_not_trained(platform, model):
        return f"INSUFFICIENT: {reason}"
    if stopped := stopped_candidate(platform, model):
        return f"{stopped.decision.verdict.value.upper()}: {stopped.decision.row}"
    if now.left:
        return f"{why_words(now)}: the rules answer"
    if rules_of(platform, model):
        return "no candidate has been promoted: the rules answer"
    return "never trained in this home"
