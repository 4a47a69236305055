"""People are told: messages go to an outbox first, and from there to each receiver, at least once.

Nothing waits for a receiver. One that fails gets its messages later, and holds up no other.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import TOLD_INCIDENTS_KEY, TOLD_KEY
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.reporting.incident_messages import message_of_incident
from ml_platform.reporting.messages import Message, message_of_event

if TYPE_CHECKING:
    from ml_platform.adapters.notifications import Receiver

_SECONDS = 30.0
"""After them no further message is sent in one look: a sensor has a minute."""
_FIRST_LOOK = timedelta(days=1)
"""How old an event may be that is told when nothing has been told before."""


@dataclass(frozen=True)
class Deliveries:
    """What one look at the outbox has come to."""

    sent: int
    faults: dict[str, str]
    """Why a receiver did not take a message, by its name."""

    def __str__(self) -> str:
        failed = "; ".join(f"{name}: {fault}" for name, fault in self.faults.items())
        return f"{self.sent} messages sent" + (f"; {failed}" if failed else "")


def tell(platform: Connections, message: Message) -> None:
    """Let a message wait for every receiver of the settings; without one it goes to the log."""
    from ml_platform.adapters.notifications import log_message

    names = [receiver.name for receiver in _receivers(platform)]
    if names:
        platform.outbox.add(message, names, datetime.now(UTC))
    else:
        log_message(message)


def tell_events(platform: Connections) -> None:
    """Let the messages of new events of the chain wait for the receivers; an event twice is the same message."""
    now = datetime.now(UTC)
    state = platform.ledger.state(TOLD_KEY)
    told = int(state["sequence"]) if state else 0
    events = platform.ledger.events()
    for event in events:
        if event.sequence <= told or (state is None and event.wall < now - _FIRST_LOOK):
            continue
        record = platform.ledger.version(event.model, event.version)
        message = message_of_event(event, record.decision)
        if message is not None:
            tell(platform, message)
    if events and events[-1].sequence != told:
        platform.ledger.set_state(TOLD_KEY, {"sequence": events[-1].sequence})


def tell_incidents(platform: Connections) -> tuple[str, ...]:
    """Let the messages of new events of incidents wait for the receivers; their subjects.

    An event twice is the same message.
    """
    from ml_platform.monitoring.incidents.state import IncidentState, after

    state = platform.ledger.state(TOLD_INCIDENTS_KEY)
    told = place = int(state["place"]) if state else 0
    incidents, subjects = IncidentState(), []
    for place, event in platform.ledger.incident_events():
        incidents = after(incidents, event)
        incident = incidents.incident(event.incident_id)
        if place > told and event.told and incident is not None:
            message = message_of_incident(event, incident, platform.service_address)
            tell(platform, message)
            subjects.append(message.subject)
    if place != told:
        platform.ledger.set_state(TOLD_INCIDENTS_KEY, {"place": place})
    return tuple(subjects)


def deliver(platform: Connections) -> Deliveries:
    """Send what is due; a receiver that fails is left alone until the next look."""
    receivers = {receiver.name: receiver for receiver in _receivers(platform)}
    until, sent = time.monotonic() + _SECONDS, 0
    faults: dict[str, str] = {}
    while time.monotonic() < until:
        working = receivers.keys() - faults.keys()
        waiting = platform.outbox.take(working, datetime.now(UTC)) if working else None
        if waiting is None:
            break
        try:
            receivers[waiting.receiver].send(waiting.message)
        except ServiceError as error:
            faults[waiting.receiver] = error.message
            platform.outbox.failed(waiting, error.message, datetime.now(UTC))
        else:
            sent += 1
            platform.outbox.delivered(waiting, datetime.now(UTC))
    return Deliveries(sent, faults)


def notify(platform: Connections) -> str:
    """Tell what is new, and send what is due; one line for people. Whatever fails is told, not raised."""
    try:
        tell_events(platform)
        tell_incidents(platform)
        return str(deliver(platform))
    except (ServiceError, IntegrityError) as error:
        return str(error)


def _receivers(platform: Connections) -> "tuple[Receiver, ...]":
    from ml_platform.adapters.notifications import receivers

    return receivers(platform.settings.webhook_url, platform.settings.notify)
