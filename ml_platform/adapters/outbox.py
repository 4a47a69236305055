"""Messages that wait for their receivers, in the ledger's database: each is sent at least once to each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ml_platform import values
from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.reporting.messages import Message

LEASE = timedelta(minutes=2)
"""For how long a message is left to the process that has taken it; killed, another one sends it after that."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)
"""After a failure; each one doubles the pause."""
KEPT = timedelta(days=30)
"""Messages older than this are neither sent nor kept."""


@dataclass(frozen=True)
class Waiting:
    """One message on its way to one receiver."""

    message: Message
    receiver: str
    attempts: int
    """This one included."""


@dataclass(frozen=True)
class Undelivered:
    """What waits for one receiver."""

    receiver: str
    messages: int
    since: datetime
    """When the oldest of them was written."""
    fault: str
    """Why the last attempt failed; empty before the first."""


class StoredMessage(Protocol):
    """What an outbox keeps of a message on its way to one receiver."""

    @property
    def receiver(self) -> str: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102
    @property
    def due_at(self) -> datetime: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def fault(self) -> str: ...  # noqa: D102


class Outbox(Protocol):
    """The messages that wait; PostgreSQL's and the one in memory pass one conformance suite."""

    def add(self, message: Message, receivers: Iterable[str], now: datetime) -> bool:
        """Let a message wait for each receiver; whether it was new for one of them."""
        ...

    def take(self, receivers: Iterable[str], now: datetime) -> Waiting | None:
        """The message that waits longest for one of ``receivers``; nobody else gets it for `LEASE`."""
        ...

    def delivered(self, waiting: Waiting, now: datetime) -> None:
        """The message has arrived."""

    def failed(self, waiting: Waiting, fault: str, now: datetime) -> None:
        """The message has not arrived: it is due again after a pause."""

    def undelivered(self) -> tuple[Undelivered, ...]:
        """What waits, by receiver."""
        ...


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts have failed."""
    doublings: int = 2 ** min(attempts - 1, 20)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def by_receiver(waiting: Iterable[StoredMessage]) -> tuple[Undelivered, ...]:
    """What waits for each receiver, of messages that have not arrived."""
    rows = sorted(waiting, key=lambda row: row.receiver)
    return tuple(_summed(list(group)) for _, group in groupby(rows, key=lambda row: row.receiver))


def _summed(rows: list[StoredMessage]) -> Undelivered:
    """What waits for the one receiver of ``rows``; the last to fail is the one whose pause began last."""
    last = max(
        (row for row in rows if row.fault),
        key=lambda row: row.due_at - pause(row.attempts),
        default=None,
    )
    since = min(row.created_at for row in rows)
    return Undelivered(rows[0].receiver, len(rows), since, last.fault if last else "")


class PostgresOutbox:
    """`Outbox` in the ledger's database."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def add(self, message: Message, receivers: Iterable[str], now: datetime) -> bool:
        """See `Outbox`."""
        rows = [
            {
                "message_id": message.message_id,
                "receiver": receiver,
                "created_at": now,
                "due_at": now,
                "attempts": 0,
                "delivered_at": None,
                "fault": "",
                "body": values.to_json(message),
            }
            for receiver in receivers
        ]
        if not rows:
            return False
        table = tables.outbox
        statement = insert(table).values(rows).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            connection.execute(table.delete().where(table.c.created_at < now - KEPT))
            return connection.execute(statement).rowcount > 0

    def take(self, receivers: Iterable[str], now: datetime) -> Waiting | None:
        """See `Outbox`. Rows that another process looks at are passed over."""
        table = tables.outbox
        longest = (
            sa.select(table.c.message_id, table.c.receiver)
            .where(
                table.c.receiver.in_(list(receivers)),
                table.c.delivered_at.is_(None),
                table.c.due_at <= now,
            )
            .order_by(table.c.due_at, table.c.created_at, table.c.message_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).cte("longest")
        statement = (
            table.update()
            .where(
                table.c.message_id == longest.c.message_id,
                table.c.receiver == longest.c.receiver,
            )
            .values(due_at=now + LEASE, attempts=table.c.attempts + 1)
            .returning(table.c.body, table.c.receiver, table.c.attempts)
        )
        with self._engine.begin() as connection:
            row = connection.execute(statement).first()
        if row is None:
            return None
        return Waiting(values.from_json(Message, row.body), row.receiver, row.attempts)

    def delivered(self, waiting: Waiting, now: datetime) -> None:
        """See `Outbox`."""
        self._settle(waiting, delivered_at=now, fault="")

    def failed(self, waiting: Waiting, fault: str, now: datetime) -> None:
        """See `Outbox`."""
        self._settle(waiting, due_at=now + pause(waiting.attempts), fault=fault)

    def undelivered(self) -> tuple[Undelivered, ...]:
        """See `Outbox`."""
        table = tables.outbox
        query = sa.select(
            table.c.receiver, table.c.created_at, table.c.due_at, table.c.attempts, table.c.fault
        ).where(table.c.delivered_at.is_(None))
        with self._engine.connect() as connection:
            return by_receiver(connection.execute(query))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _settle(self, waiting: Waiting, **changes: object) -> None:
        table = tables.outbox
        statement = table.update().where(
            table.c.message_id == waiting.message.message_id,
            table.c.receiver == waiting.receiver,
        )
        with self._engine.begin() as connection:
            connection.execute(statement.values(**changes))
