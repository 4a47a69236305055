"""The pure part of `ml-platform verify`: stored records are checked against each other and against files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import breaks
from ml_platform.registry.records import (
    Action,
    ProductionState,
    PromotionEvent,
    Status,
    VersionRecord,
)
from ml_platform.registry.replay import replayed, same_decision
from ml_platform.registry.states import illegal, state_of
from ml_platform.spec.training_set import TrainingSetRecord


@dataclass(frozen=True)
class Finding:
    """One subject that was checked, whether it holds, and the detail for people."""

    subject: str
    """'chain', 'pattern_classifier production', 'pattern_classifier 3 artifact', ..."""
    ok: bool
    detail: str


@dataclass(frozen=True)
class ChangedDay:
    """The rows of a table of one day, which are not those that the ledger wrote."""

    day: str
    """The UTC day; empty for a table whose rows have none."""
    rows: int
    recorded: int
    """The number of rows that the ledger wrote; where it is the present one, a row was changed."""


@dataclass(frozen=True)
class StoredRows:
    """A table of the ledger, compared with the hashes of its rows."""

    table: str
    rows: int
    days: int
    changed: tuple[ChangedDay, ...]


@dataclass(frozen=True)
class SealedAnswers:
    """The answers of finished days against the seals of these days."""

    sealed: StoredRows
    open_days: int
    """Days with answers that are not sealed yet: today, and days of which answers may still come."""


@dataclass(frozen=True)
class VersionEvidence:
    """A version as one evaluation found it, what the ledger holds of it, and the present hashes of its files.

    ``None``: missing.
    """

    record: VersionRecord
    report: EvaluationReport | None
    report_sha256: str | None
    """SHA-256 of the text of the report in the ledger."""
    training_set: TrainingSetRecord | None
    artifact_sha256: str | None
    rows_sha256: str | None
    removed: Mapping[str, str] = field(default_factory=dict)
    """What was removed of it ('report', 'artifact', 'data'), by whom and when; empty where all must be there."""
    redacted_sha256: str | None = None
    """The hash of its report since the ids of somebody who was forgotten were taken out of its texts."""


def verify(
    stored_events: Sequence[str],
    events: Sequence[PromotionEvent],
    production: Mapping[str, ProductionState],
    versions: Iterable[VersionEvidence],
    *,
    unreadable: Collection[tuple[str, int]] = (),
) -> tuple[Finding, ...]:
    """Check chain, production, decisions and bytes; nothing that is stored is trusted.

    Args:
        stored_events: The JSON text of every event of the chain, all models, in order.
        events: The same events, read.
        production: Production state by model, of every model with a version.
        versions: Every registered version that can be read, once for each of its evaluations.
        unreadable: Model and number of the versions that cannot be read; they count as registered.
    """
    evidence = tuple(versions)
    records = tuple(item.record for item in evidence)
    findings = [verify_chain(stored_events), *verify_events(events, records, unreadable)]
    for model, state in sorted(production.items()):
        findings += [verify_states(events, model), verify_production(events, state)]
    for item in evidence:
        findings += verify_version(item)
    return tuple(findings)


def verify_chain(stored_events: Sequence[str]) -> Finding:
    """Check that every hash covers its event, as it is stored, and the hash before it."""
    faults = breaks(stored_events)
    return Finding(
        "chain", not faults, "; ".join(faults) or f"{len(stored_events)} events, unbroken"
    )


def verify_events(
    events: Sequence[PromotionEvent],
    records: Sequence[VersionRecord],
    unreadable: Collection[tuple[str, int]] = (),
) -> list[Finding]:
    """Check that each evaluation stands in the chain as it is stored, and that only PROMOTE was promoted."""
    findings = []
    event_by_evaluation = {
        (e.model, e.version, e.evidence.get("evaluation", "1")): e
        for e in events
        if e.action in (Action.REGISTERED, Action.EVALUATED)
    }
    known = {(record.model, record.version) for record in records}
    decided = {(record.model, record.version, record.report_id) for record in records}
    for record in records:
        event = event_by_evaluation.get((record.model, record.version, str(record.evaluation)))
        if event is None:
            detail = "no event tells of its registration: the chain was cut"
        elif event.evidence.get("artifact_sha256") != record.artifact_sha256:
            detail = "registered was another artifact than is stored now"
        elif event.evidence.get("report_id") != record.report_id:
            detail = "registered was another evaluation report than is stored now"
        elif event.verdict is not record.decision.verdict:
            detail = f"registered was {event.verdict}, stored is {record.decision.verdict}"
        else:
            continue
        findings.append(Finding(f"{evaluation_name(record)} registration", False, detail))
    for event in events:
        subject = f"{event.model} {event.version} event {event.sequence}"
        if (event.model, event.version) not in {*known, *unreadable}:
            findings.append(Finding(subject, False, "it is of a version that is not registered"))
        elif event.action is Action.PROMOTED and event.verdict is not Verdict.PROMOTE:
            findings.append(Finding(subject, False, f"promoted on verdict {event.verdict}"))
        elif (
            event.action in (Action.PROMOTED, Action.RESTORED)
            and (event.model, event.version) in known
            and (event.model, event.version, event.evidence.get("report_id", "")) not in decided
        ):
            detail = "promoted on a report that is of none of its evaluations"
            findings.append(Finding(subject, False, detail))
    if not findings:
        detail = f"{len(events)} events agree with {len(known)} versions"
        findings.append(Finding("events", True, detail))
    return findings


def verify_production(events: Sequence[PromotionEvent], state: ProductionState) -> Finding:
    """Check that the state of production is the one that the chain leads to, version and revision."""
    expected = state_of(events, state.model)
    subject = f"{state.model} production"
    if expected.production != state.version:
        detail = f"state says {state.version}, the chain says {expected.production}"
        return Finding(subject, False, detail)
    if expected.revision != state.revision:
        detail = (
            f"state is at revision {state.revision}, the chain tells of {expected.revision} changes"
        )
        return Finding(subject, False, detail)
    return Finding(subject, True, f"version {state.version}" if state.version else "the rules")


def verify_states(events: Sequence[PromotionEvent], model: str) -> Finding:
    """Replay the events of a model: each may happen in the state that those before it have led to."""
    faults = [
        f"event {events[place].sequence}: {reason}" for place, reason in illegal(events, model)
    ]
    lives = state_of(events, model).lives.values()
    statuses = [f"{sum(life.status is status for life in lives)} {status}" for status in Status]
    detail = ", ".join(text for text in statuses if not text.startswith("0 "))
    return Finding(f"{model} states", not faults, "; ".join(faults) or detail)


def verify_version(evidence: VersionEvidence) -> tuple[Finding, ...]:
    """Check the decision of one evaluation and its report; with the first one also artifact and data."""
    record = evidence.record
    training_set = evidence.training_set
    replay = _replay(evaluation_name(record), evidence)
    if record.evaluation > 1:
        return (replay,)
    return (
        replay,
        _bytes_of(evidence, "artifact", evidence.artifact_sha256, record.artifact_sha256),
        _bytes_of(
            evidence,
            "data",
            evidence.rows_sha256,
            training_set.rows_sha256 if training_set else None,
        ),
    )


def _bytes_of(
    evidence: VersionEvidence, piece: str, sha256_now: str | None, expected: str | None
) -> Finding:
    """Check a file of a version; one that retention has removed may be gone, and is checked if it is there."""
    subject = f"{evidence.record.model} {evidence.record.version} {piece}"
    if sha256_now is None and expected is not None and piece in evidence.removed:
        return Finding(subject, True, evidence.removed[piece])
    return verify_bytes(subject, sha256_now, expected)


def evaluation_name(record: VersionRecord) -> str:
    """Model and version, and from the second on the evaluation, as findings name them."""
    name = f"{record.model} {record.version}"
    return name if record.evaluation == 1 else f"{name} evaluation {record.evaluation}"


def _replay(name: str, evidence: VersionEvidence) -> Finding:
    record, report = evidence.record, evidence.report
    subject = f"{name} decision"
    if report is None and evidence.report_sha256 is None and "report" in evidence.removed:
        return Finding(subject, True, evidence.removed["report"])
    if report is None:
        return Finding(
            subject,
            False,
            f"evaluation report {record.report_id[:12]} is missing or cannot be read",
        )
    is_redacted = evidence.report_sha256 == evidence.redacted_sha256 is not None
    if evidence.report_sha256 != record.report_id and not is_redacted:
        return Finding(subject, False, f"evaluation report {record.report_id[:12]} was changed")
    again = replayed(record, report)
    if isinstance(again, str):
        return Finding(subject, False, f"it cannot be replayed: {again}")
    if not same_decision(again, record.decision):
        same_verdict = again.verdict is record.decision.verdict
        what = "its gates differ" if same_verdict else f"replayed it is {again.verdict}"
        return Finding(subject, False, f"stored is {record.decision.verdict}, {what}")
    redacted = "; ids of a forgotten person were taken out of its report" if is_redacted else ""
    return Finding(subject, True, f"{again.verdict}: {again.row}{redacted}")


def verify_rows(stored: StoredRows) -> Finding:
    """Check that the rows of a table are those that the ledger wrote; each day that differs is named."""
    faults = [
        f"{day.day or 'rows'}: "
        + (
            "a row was changed"
            if day.rows == day.recorded
            else f"{day.rows}, recorded {day.recorded}"
        )
        for day in stored.changed
    ]
    detail = "; ".join(faults) or f"{stored.rows:,} rows of {stored.days:,} days, unchanged"
    return Finding(f"rows of {stored.table}", not faults, detail)


def verify_answers(answers: SealedAnswers) -> Finding:
    """Check that sealed days of answers have the rows that they were sealed with; each that differs is named."""
    found = verify_rows(answers.sealed)
    days = "1 day is" if answers.open_days == 1 else f"{answers.open_days:,} days are"
    return replace(found, detail=f"{found.detail}; {days} not sealed yet")


def verify_bytes(subject: str, sha256_now: str | None, expected: str | None) -> Finding:
    """Compare the present hash of a file (``None``: it is gone) with the recorded one (``None``: no record)."""
    if expected is None:
        return Finding(subject, False, "its record is missing from the ledger or cannot be read")
    if sha256_now is None:
        return Finding(subject, False, "the file is missing")
    if sha256_now != expected:
        return Finding(subject, False, f"SHA-256 is {sha256_now[:12]}, recorded is {expected[:12]}")
    return Finding(subject, True, sha256_now[:12])
