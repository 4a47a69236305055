"""`POST /api/ml/outcomes` and `POST /api/ml/feedback`: what people report of an answer, by its id."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from ml_platform.adapters.serving.reports import Reports
from ml_platform.api.access import require_name
from ml_platform.api.bodies import body_of, json_response, require_key, stored
from ml_platform.api.openapi import route_schema
from ml_platform.api.problems import Kind, Refused
from ml_platform.serving.event_rows import Time
from ml_platform.serving.feedback import OUTCOME, FeedbackKind, Report
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class OutcomeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What has turned out to be true."""

    prediction_id: UUID
    label: str
    """In the words of the model's label, such as ``feature`` or ``accepted``."""
    known_at: Time | None = None
    """Since when it is known; by default now."""


class FeedbackRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody has done with an answer."""

    prediction_id: UUID
    kind: FeedbackKind
    value: _Seconds | None = None
    """Seconds, of ``dwell`` alone."""
    at: Time | None = None
    """When; by default now, and then each kind counts once."""


class ReportAnswer(msgspec.Struct):
    """What became of a report."""

    prediction_id: UUID
    model: str
    row_id: str
    """What the answer is about; where it is empty the report reaches no training set."""
    recorded: bool
    """False: the same had been reported before."""


_ID = "019aaef0-8c6e-7cc1-b1f5-4a0e0c9a5a11"
_GIVEN = (
    "The report is stored.",
    {"prediction_id": _ID, "model": "pattern_classifier", "row_id": "e17", "recorded": True},
)
_OUTCOMES = route_schema(
    OutcomeRequest,
    ReportAnswer,
    {"prediction_id": _ID, "label": "feature"},
    {202: _GIVEN},
    Kind.NOT_FOUND,
)
_FEEDBACK = route_schema(
    FeedbackRequest,
    ReportAnswer,
    {"prediction_id": _ID, "kind": "applied"},
    {202: _GIVEN},
    Kind.NOT_FOUND,
)


def feedback_router(worker: "Worker") -> APIRouter:
    """The routes by which people report what became of answers."""
    router = APIRouter(tags=["feedback"])
    reports = Reports(lambda: worker.state.database)

    async def reported(report: Report, key: ApiKey, now: datetime) -> Response:
        whose = None if key.may(Scope.ACT_FOR) else key.user_id
        found = await stored(reports.post(report, whose, key.key_id, now))
        if found is None:
            raise Refused(
                Kind.NOT_FOUND,
                f"There is no answer {report.prediction_id} of yours.",
                remedy="compare the id; right after an answer, or while PostgreSQL was away, try again in a moment",
            )
        answer = ReportAnswer(report.prediction_id, found.model, found.row_id, found.is_new)
        return json_response(answer, 202)

    @router.post(
        "/api/ml/outcomes",
        operation_id="report_outcome",
        status_code=202,
        summary="Report what has turned out to be true",
        openapi_extra=_OUTCOMES,
    )
    async def outcomes(request: Request) -> Response:
        """The true label of an answer; it is in the next training set once it is old enough."""
        key = require_key(worker.access, request, Scope.FEEDBACK)
        sent = await body_of(request, OutcomeRequest)
        require_name("label", sent.label)
        now = datetime.now(UTC)
        at = _moment("known_at", sent.known_at, now)
        once = f"{at.isoformat() if sent.known_at else ''} {sent.label}"
        report = Report(sent.prediction_id, OUTCOME, sent.label, None, at, once)
        return await reported(report, key, now)

    @router.post(
        "/api/ml/feedback",
        operation_id="report_feedback",
        status_code=202,
        summary="Report what somebody has done with an answer",
        openapi_extra=_FEEDBACK,
    )
    async def feedback(request: Request) -> Response:
        """Applied, dismissed, thumbs, edits, deletes and dwelling."""
        key = require_key(worker.access, request, Scope.FEEDBACK)
        sent = await body_of(request, FeedbackRequest)
        if (sent.value is None) == (sent.kind is FeedbackKind.DWELL):
            raise Refused(
                Kind.REFUSED,
                "A value belongs to `dwell`, and to nothing else.",
                errors=(f"value is {sent.value}, kind is {sent.kind}",),
            )
        now = datetime.now(UTC)
        at = _moment("at", sent.at, now)
        once = at.isoformat() if sent.at else ""
        report = Report(sent.prediction_id, sent.kind.value, None, sent.value, at, once)
        return await reported(report, key, now)

    return router


def _moment(field: str, sent: datetime | None, now: datetime) -> datetime:
    """The time of a report in UTC.

    Raises:
        Refused: it lies before 1970 or in the future.
    """
    if sent is None:
        return now
    if not _EARLIEST <= sent <= now:
        raise Refused(
            Kind.REFUSED,
            f"{field} must lie between 1970 and now ({now:%Y-%m-%dT%H:%M:%SZ}).",
            errors=(f"{field} is {sent.isoformat()}",),
        )
    return sent.astimezone(UTC)
