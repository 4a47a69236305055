"""The durable log of answers: committed in PostgreSQL in groups, or flushed to the local spool while it is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import psycopg2

from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.adapters.serving.spool import Spool
from ml_platform.errors import ServiceError
from ml_platform.serving.answer_row import AnswerRow

SLIM = {
    "day": "date",
    "prediction_id": "uuid",
    "model": "text",
    "version": "text",
    "arm": "text",
    "origin": "text",
    "user_id": "text",
    "key_id": "text",
    "row_id": "text",
    "predicted_at": "timestamptz",
    "milliseconds": "double precision",
    "prediction": "text",
    "confidence": "double precision",
    "fallback": "text",
    "failed_version": "text",
    "data_version": "text",
    "feature_version": "text",
}
"""Columns of the slim row with their types."""
PAYLOAD = ("day", "prediction_id", "origin", "features", "scores")
_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in SLIM.items())
_SLIM, _PAYLOAD = ", ".join(SLIM), ", ".join(PAYLOAD)
INSERT = f"""
WITH come AS (
    SELECT * FROM json_to_recordset(%s::json) AS r({_COLUMNS}, features text, scores text)
), slim AS (
    INSERT INTO answers ({_SLIM}) SELECT {_SLIM} FROM come ON CONFLICT DO NOTHING
)
INSERT INTO answer_payloads ({_PAYLOAD}) SELECT {_PAYLOAD} FROM come ON CONFLICT DO NOTHING
"""
"""One statement and one commit for a group of rows; a row that is there already changes nothing."""
INSERT_ONCE = f"""
WITH come AS (
    SELECT * FROM json_to_recordset(%s::json) AS r({_COLUMNS}, features text, scores text)
), asked AS (
    SELECT * FROM json_to_recordset(%s::json)
    AS r(prediction_id uuid, key_id text, idempotency_key text, request_sha256 text, response text)
), claim AS (
    INSERT INTO repeated_requests (key_id, idempotency_key, asked_at, request_sha256, response)
    SELECT key_id, idempotency_key, now(), request_sha256, response FROM asked
    ORDER BY key_id, idempotency_key ON CONFLICT DO NOTHING RETURNING key_id, idempotency_key
), late AS (
    SELECT prediction_id FROM asked
    WHERE (key_id, idempotency_key) NOT IN (SELECT key_id, idempotency_key FROM claim)
), first AS (
    SELECT * FROM come WHERE prediction_id NOT IN (SELECT prediction_id FROM late)
), slim AS (
    INSERT INTO answers ({_SLIM}) SELECT {_SLIM} FROM first ON CONFLICT DO NOTHING
), payload AS (
    INSERT INTO answer_payloads ({_PAYLOAD}) SELECT {_PAYLOAD} FROM first ON CONFLICT DO NOTHING
)
SELECT prediction_id::text FROM late
"""
"""`INSERT` for a group with requests that may be sent again: gives the rows whose request was answered before.

They are not logged. Requests are claimed in the order of their keys, so that groups of two workers never wait for
each other in a circle.
"""
_FIRST = """
SELECT request_sha256, response FROM repeated_requests WHERE key_id = %s AND idempotency_key = %s
"""
_GROUP = 500
_TRY_EVERY = 0.5
"""Seconds between two tries whether PostgreSQL is back."""
_ENCODER = msgspec.json.Encoder()


@dataclass
class LogCounts:
    """What became of the rows, since the process began."""

    committed: int = 0
    spooled: int = 0
    refused: int = 0
    """Rows that neither took: their answers were not given."""
    groups: int = 0


@dataclass(frozen=True)
class Repeatable:
    """A request that may be sent again: with the same key it is answered once."""

    key_id: str
    """Of the API key."""
    idempotency_key: str
    """The client's."""
    request_sha256: str


class _Claim(msgspec.Struct, frozen=True):
    """A row of a group whose request may be sent again."""

    prediction_id: str
    key_id: str
    idempotency_key: str
    request_sha256: str
    response: str


@dataclass(frozen=True)
class _Waiting:
    """A row that is to be logged."""

    row: AnswerRow
    claim: _Claim | None
    logged: "asyncio.Future[bool]"
    """Whether it was: ``False`` if its request was answered before."""


@dataclass(frozen=True)
class FirstResponse:
    """What was answered to a request when it came first."""

    request_sha256: str
    response: str


class AnswerLog:
    """Logs the answers of one process; `write` returns when a row cannot be lost any more."""

    def __init__(self, postgres: AsyncPostgres, queries: AsyncPostgres, spool: Spool) -> None:
        """Start with `start`, end with `stop`.

        Args:
            postgres: Takes the groups of rows.
            queries: Another connection, for what was answered before.
            spool: Takes what PostgreSQL does not.
        """
        self.counts = LogCounts()
        self._postgres = postgres
        self._queries = queries
        self._spool = spool
        self._waiting: list[_Waiting] = []
        self._some = asyncio.Event()
        self._disk = asyncio.Lock()
        """Whoever writes the spool, or leaves it to be drained, holds it."""
        self._away: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether PostgreSQL did not answer a moment ago, and the spool is written."""
        return self._away is not None

    def start(self) -> None:
        """Begin to log, in the loop that runs."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="answer log")

    async def stop(self) -> None:
        """Log what waits, and end."""
        while self._waiting:
            await asyncio.sleep(0.01)
        tasks = [task for task in (self._task, self._away) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._postgres.close()
        self._queries.close()
        self._spool.close()

    async def write(self, row: AnswerRow) -> None:
        """Return when the row is committed, or on the local disk.

        Raises:
            SpoolFull: neither could be done; the answer must not be given.
        """
        await self._logged(row, None)

    async def first_response(self, repeat: "Repeatable") -> "FirstResponse | None":
        """What was answered to this request before; ``None`` if nothing was, or PostgreSQL is away."""
        rows = await self._queries.execute(_FIRST, (repeat.key_id, repeat.idempotency_key))
        return FirstResponse(*rows[0]) if rows else None

    async def write_once(
        self, row: AnswerRow, repeat: "Repeatable", response: str
    ) -> "FirstResponse | None":
        """Log an answer unless the same request was answered meanwhile: then that answer is returned.

        While PostgreSQL is away the row goes to the local disk, and nothing is known of other workers.

        Raises:
            SpoolFull: the row could not be logged.
        """
        claim = _Claim(
            row.prediction_id,
            repeat.key_id,
            repeat.idempotency_key,
            repeat.request_sha256,
            response,
        )
        if await self._logged(row, claim):
            return None
        try:
            first = await self.first_response(repeat)
        except ServiceError:
            first = None
        if first is None:  # PostgreSQL has gone meanwhile, or what was answered before is a day old
            await self.write(row)
        return first

    async def _logged(self, row: AnswerRow, claim: _Claim | None) -> bool:
        """Whether a row was logged, once that is known.

        Raises:
            SpoolFull: it could be logged nowhere.
        """
        waiting = _Waiting(row, claim, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._some.set()
        return await waiting.logged

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            group = self._next_group()
            if not self._waiting:
                self._some.clear()
            late: frozenset[str] = frozenset()
            try:
                late = await self._log(group)
                fault: Exception | None = None
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self.counts.refused += len(group)
                fault = error
            for each in group:
                if each.logged.done():
                    continue
                if fault is None:
                    each.logged.set_result(each.row.prediction_id not in late)
                else:
                    each.logged.set_exception(fault)

    def _next_group(self) -> list[_Waiting]:
        """The rows that are logged next; of those of one request, the first one."""
        group: list[_Waiting] = []
        again: list[_Waiting] = []
        claimed = set[tuple[str, str]]()
        for each in self._waiting[:_GROUP]:
            if each.claim is None:
                group.append(each)
                continue
            name = (each.claim.key_id, each.claim.idempotency_key)
            (again if name in claimed else group).append(each)
            claimed.add(name)
        self._waiting = [*again, *self._waiting[_GROUP:]]
        return group

    async def _log(self, group: Sequence[_Waiting]) -> frozenset[str]:
        """Log a group; the ids of the rows that were not, since their requests were answered before."""
        self.counts.groups += 1
        rows = [each.row for each in group]
        if not self.is_away:
            try:
                late = await self._commit(rows, [each.claim for each in group if each.claim])
                self.counts.committed += len(rows) - len(late)
                return late
            except (ServiceError, psycopg2.Error):
                self._away = asyncio.create_task(self._come_back(), name="PostgreSQL is away")
        async with self._disk:
            await asyncio.to_thread(self._spool.append, rows)
            if not self.is_away:
                await asyncio.to_thread(self._spool.close)
        self.counts.spooled += len(rows)
        return frozenset()

    async def _commit(self, rows: Sequence[AnswerRow], claims: Sequence[_Claim]) -> frozenset[str]:
        content = _ENCODER.encode(rows).decode()
        if not claims:
            await self._postgres.execute(INSERT, (content,))
            return frozenset()
        parameters = (content, _ENCODER.encode(claims).decode())
        return frozenset(
            prediction_id
            for (prediction_id,) in await self._postgres.execute(INSERT_ONCE, parameters)
        )

    async def _come_back(self) -> None:
        """Return when PostgreSQL answers again; nobody's answer waits for these tries."""
        while True:
            await asyncio.sleep(_TRY_EVERY)
            try:
                await self._postgres.execute("SELECT 1")
            except (ServiceError, psycopg2.Error):
                continue
            self._away = None
            async with self._disk:
                await asyncio.to_thread(self._spool.close)
            return
