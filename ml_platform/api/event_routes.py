"""`POST /api/ml/events`: rows for the lake, committed in the inbox before anybody is answered."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Request, Response

from ml_platform.adapters.serving.inbox import Inbox
from ml_platform.api.bodies import body_of, json_response, require_key, stored
from ml_platform.api.feedback_routes import feedback_router
from ml_platform.api.openapi import route_schema
from ml_platform.api.problems import Kind, Refused
from ml_platform.serving.event_rows import (
    MOST_ROWS,
    EventRow,
    ExecutionRow,
    RowFault,
    SuggestionRow,
    TakenRow,
    UserRow,
    owner_of,
    read_row,
)
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

_Rows = Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_ROWS)]


class EventsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Rows by table; at most 1,000 in all."""

    events: _Rows = []
    suggestions: _Rows = []
    workflow_executions: _Rows = []
    users: _Rows = []


class RefusedRow(msgspec.Struct):
    """A row that was not taken."""

    table: str
    place: int
    """Its place in the list that was sent, from 0."""
    field: str
    """The field at fault; empty where the row is no object at all."""
    reason: str


class EventsAnswer(msgspec.Struct):
    """What became of the rows."""

    taken: int
    """Rows that are stored, and are in the lake after the next ingestion."""
    refused: list[RefusedRow]


class _EventsBody(msgspec.Struct):
    """`EventsRequest` as its schema says it: rows are read one by one, so that one fault costs one row."""

    events: list[EventRow] = []
    suggestions: list[SuggestionRow] = []
    workflow_executions: list[ExecutionRow] = []
    users: list[UserRow] = []


_EXAMPLE = {
    "events": [
        {
            "event_id": "commit-17:src/app.py",
            "user_id": "ann@example.org",
            "occurred_at": "2026-03-01T09:30:00+01:00",
            "tool": "git",
            "operation": "modify",
            "object_path": "src/app.py",
        }
    ],
    "suggestions": [
        {
            "suggestion_id": "offer-4",
            "user_id": "ann@example.org",
            "workflow_id": "format-code",
            "shown_at": "2026-03-01T08:31:00Z",
        }
    ],
}
_SCHEMA = route_schema(
    _EventsBody,
    EventsAnswer,
    _EXAMPLE,
    {
        202: (
            "The rows that were taken are stored; the others are named.",
            {"taken": 2, "refused": []},
        )
    },
)


def event_router(worker: "Worker") -> APIRouter:
    """The routes by which rows, outcomes and feedback come in."""
    router = APIRouter(tags=["events"])
    router.include_router(feedback_router(worker))
    inbox = Inbox(lambda: worker.state.database)

    @router.post(
        "/api/ml/events",
        operation_id="send_events",
        status_code=202,
        summary="Send events, suggestions, executions and users",
        openapi_extra=_SCHEMA,
    )
    async def events(request: Request) -> Response:
        """Rows by table, at most 1,000 in all.

        Rows that are taken are stored durably before the answer, and are in the lake after the next ingestion. To
        send a row again does no harm. A row may come again with what was not known before: an event with its
        category, a suggestion with its outcome, an execution with its end.
        """
        key = require_key(worker.access, request, Scope.EVENTS)
        sent = await body_of(request, EventsRequest)
        rows = list(_each(sent))
        if len(rows) > MOST_ROWS:
            raise Refused(
                Kind.REFUSED,
                f"The request has {len(rows):,} rows; {MOST_ROWS:,} are the most.",
                remedy="send rows in several requests",
            )
        if not key.may(Scope.ACT_FOR):
            _require_own(key, rows)
        now = datetime.now(UTC)
        taken, refused = list[TakenRow](), list[RefusedRow]()
        for table, place, row in rows:
            read = read_row(table, row, now)
            if isinstance(read, RowFault):
                refused.append(RefusedRow(table, place, read.field, read.reason))
            else:
                taken.append(read)
        if taken:
            await stored(inbox.post(taken, key.key_id, now))
        return json_response(EventsAnswer(len(taken), refused), 202)

    return router


def _each(sent: EventsRequest) -> Iterator[tuple[str, int, bytes]]:
    for table in sent.__struct_fields__:
        for place, row in enumerate(getattr(sent, table)):
            yield table, place, bytes(row)


def _require_own(key: ApiKey, rows: Sequence[tuple[str, int, bytes]]) -> None:
    for table, place, row in rows:
        owner = owner_of(row)
        if owner is not None and owner != key.user_id:
            raise Refused(
                Kind.FORBIDDEN,
                f"The key {key.key_id} sends rows of its owner alone; {table}[{place}] is of somebody else.",
                remedy=f"leave the row out, or use a key made with --scope {Scope.ACT_FOR}",
                errors=(f"{table}[{place}].user_id",),
            )
