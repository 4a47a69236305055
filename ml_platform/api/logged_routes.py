"""Routes to the predictions that a person got; those of others need a key that acts for them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from ml_platform.api import examples
from ml_platform.api.access import asker
from ml_platform.api.model_routes import known_model
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading
from ml_platform.errors import UsageError
from ml_platform.serving.answer_views import AnswerFilter, AnswerInDetail, AnswerPage
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

MOST_ROWS = 200
"""Predictions on one page."""
_FIRST_YEAR, _LAST_YEAR = 1970, 2095


def logged_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The routes to predictions that were given."""
    router = APIRouter(tags=["predictions"], responses=refusals())
    reader = Depends(permitted(worker.access, Scope.READ))

    @router.get(
        "/api/ml/predictions",
        operation_id="list_predictions",
        responses={**refusals(Kind.NOT_FOUND), **example(examples.PREDICTIONS)},
        summary="One's own predictions",
    )
    async def list_predictions(
        key: Annotated[ApiKey, reader],
        model: str | None = None,
        since: Annotated[datetime | None, Query(alias="from", description="ISO 8601.")] = None,
        until: Annotated[datetime | None, Query(alias="to", description="ISO 8601.")] = None,
        user_id: Annotated[
            str | None, Query(description="Somebody else, with a key of scope act_for.")
        ] = None,
        after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    ) -> AnswerPage:
        """The predictions that the owner of the key got, the newest first, with what came of them if known."""
        asked = AnswerFilter(
            user_id=asker(key, user_id).user_id,
            model=known_model(worker, model) if model is not None else "",
            since=_moment("from", since),
            until=_moment("to", until),
            after=str(after) if after is not None else "",
            limit=limit,
        )
        try:
            return await reading.ask(lambda sources: sources.answers.page(asked))
        except UsageError as error:
            raise Refused(Kind.REFUSED, error.message, remedy=error.remedy) from error

    @router.get(
        "/api/ml/predictions/{prediction_id}",
        operation_id="show_prediction",
        responses={**refusals(Kind.NOT_FOUND), **example(examples.PREDICTION)},
        summary="One prediction",
    )
    async def show_prediction(
        key: Annotated[ApiKey, reader], prediction_id: UUID
    ) -> AnswerInDetail:
        """A prediction with the features that it was asked with; those of others are not found."""
        found = await reading.ask(lambda sources: sources.answers.one(str(prediction_id)))
        is_own = found is not None and found.answer.user_id == key.user_id
        if found is None or not (is_own or key.may(Scope.ACT_FOR)):
            raise Refused(
                Kind.NOT_FOUND,
                f"You have no prediction {prediction_id}.",
                remedy="`GET /api/ml/predictions` lists yours",
            )
        return found

    return router


def _moment(field: str, moment: datetime | None) -> datetime | None:
    """A time with a zone, UTC where it has none.

    Raises:
        Refused: it is in no year that answers can be of.
    """
    if moment is None:
        return None
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        raise Refused(
            Kind.REFUSED,
            f"{field} is in the year {moment.year}.",
            remedy=f"send a time between {_FIRST_YEAR + 1} and {_LAST_YEAR - 1}",
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
