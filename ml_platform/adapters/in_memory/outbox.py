"""The outbox in memory, for tests: it passes the same conformance suite as PostgreSQL's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ml_platform.adapters.outbox import KEPT, LEASE, Undelivered, Waiting, by_receiver, pause
from ml_platform.reporting.messages import Message


@dataclass
class _Row:
    message: Message
    receiver: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    fault: str = ""


class InMemoryOutbox:
    """`outbox.Outbox` in a dictionary. Methods: see the protocol."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}

    def add(self, message: Message, receivers: Iterable[str], now: datetime) -> bool:
        """Let a message wait for each receiver."""
        self._rows = {key: row for key, row in self._rows.items() if row.created_at >= now - KEPT}
        before = len(self._rows)
        for receiver in receivers:
            row = _Row(message, receiver, now, now)
            self._rows.setdefault((message.message_id, receiver), row)
        return len(self._rows) > before

    def take(self, receivers: Iterable[str], now: datetime) -> Waiting | None:
        """The message that waits longest."""
        wanted = set(receivers)
        due = [
            row
            for row in self._rows.values()
            if row.receiver in wanted and row.delivered_at is None and row.due_at <= now
        ]
        if not due:
            return None
        row = min(due, key=lambda row: (row.due_at, row.created_at, row.message.message_id))
        row.due_at, row.attempts = now + LEASE, row.attempts + 1
        return Waiting(row.message, row.receiver, row.attempts)

    def delivered(self, waiting: Waiting, now: datetime) -> None:
        """The message has arrived."""
        row = self._row(waiting)
        row.delivered_at, row.fault = now, ""

    def failed(self, waiting: Waiting, fault: str, now: datetime) -> None:
        """The message is due again after a pause."""
        row = self._row(waiting)
        row.due_at, row.fault = now + pause(waiting.attempts), fault

    def undelivered(self) -> tuple[Undelivered, ...]:
        """What waits, by receiver."""
        return by_receiver(row for row in self._rows.values() if row.delivered_at is None)

    def make_due(self) -> None:
        """Let every message be due now, as if its pause were over."""
        for row in self._rows.values():
            row.due_at = row.created_at

    def _row(self, waiting: Waiting) -> _Row:
        return self._rows[waiting.message.message_id, waiting.receiver]
