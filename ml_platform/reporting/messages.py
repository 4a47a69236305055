"""What people are told when a version changes its place or something needs them: a subject and a short plain text.

The same event gives the same message with the same id, so that a receiver can drop what comes twice.
"""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.gates.outcome import Decision
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.reporting.words import moment

_CHANGES = {
    Action.SHADOWED: "is being rolled out, unseen at first",
    Action.RAMPED: "is rolled out to more users",
    Action.PROMOTED: "is in production",
    Action.RESTORED: "is in production again",
    Action.ROLLED_BACK: "was rolled back",
    Action.WITHDRAWN: "was withdrawn from its rollout",
    Action.HELD: "is held",
    Action.RESUMED: "goes on",
}
"""The events that people are told of, and the words for each."""
_GOES_BACK = (Action.SHADOWED, Action.RAMPED, Action.PROMOTED, Action.RESTORED)
_RUNBOOK = "docs/runbooks/mlflow_changed.md"
"""What to do about an alert: all that belong to no incident are of changes by hand."""
_EVIDENCE = ("reason", "replaced", "from", "to", "step", "share", "decision_row", "policy_name")


@dataclass(frozen=True)
class Message:
    """One message on its way to people."""

    message_id: str
    """The same for the same cause: of an event its place in the chain and its hash, of an alert its id."""
    level: str
    """'info', 'warning' or 'critical'."""
    subject: str
    text: str
    """Plain lines."""
    at: datetime
    """When it happened."""
    fields: dict[str, str | tuple[str, ...]]
    """What a program reads beside the text."""


def message_of_event(event: PromotionEvent, decision: Decision | None) -> Message | None:
    """The message of an event of the chain: change, evidence, gates and the way back; ``None`` if it tells nobody.

    ``decision`` is that of the version, with its gates.
    """
    if event.action not in _CHANGES:
        return None
    subject = f"{event.model} {event.version} {_CHANGES[event.action]}"
    lines = [f"{subject}, by {event.actor}, {moment(event.wall)}."]
    lines += [
        f"{name.replace('_', ' ')}: {event.evidence[name]}"
        for name in _EVIDENCE
        if event.evidence.get(name)
    ]
    if decision is not None:
        lines.append(f"Verdict {decision.verdict.value.upper()}: {decision.row}")
        lines += [
            f"- {gate.name}: {gate.words}" for gate in decision.gates if gate.metric or gate.stops
        ]
    if event.action in _GOES_BACK:
        lines.append(f'Go back: ml-platform models rollback {event.model} --reason "..."')
    if event.action in (Action.ROLLED_BACK, Action.HELD):
        lines.append(
            f'Lift: ml-platform models resume {event.model} {event.version} --reason "..."'
        )
    bad = event.action is Action.ROLLED_BACK
    return Message(
        message_id=f"event:{event.sequence}:{event.hash[:12]}",
        level="critical" if bad else "info",
        subject=subject,
        text="\n".join(lines),
        at=event.wall,
        fields={
            "model": event.model,
            "version": str(event.version),
            "action": event.action.value,
            "actor": event.actor,
            "event_hash": event.hash,
        },
    )


def message_of_alert(alert: Alert) -> Message:
    """The message of an alert: its title, and each cause in a line."""
    return Message(
        message_id=f"alert:{alert.alert_id}",
        level="critical" if alert.level is AlertLevel.CRITICAL else "warning",
        subject=alert.title,
        text="\n".join(
            (alert.title, *(f"- {cause}" for cause in alert.causes), f"Runbook: {_RUNBOOK}")
        ),
        at=alert.at,
        fields={
            "alert_id": alert.alert_id,
            "model": alert.model,
            "title": alert.title,
            "causes": alert.causes,
            "runbook": _RUNBOOK,
        },
    )
