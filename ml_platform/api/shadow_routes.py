"""The route to what a version in shadow would have said; it names users, so it is an operator's."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query

from ml_platform.api import examples
from ml_platform.api.model_routes import MODELS, known_model
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading
from ml_platform.application.shadow_report import DAYS, MOST_DAYS, shadow_report
from ml_platform.errors import UsageError
from ml_platform.serving.keys import Scope
from ml_platform.serving.shadow_differences import ShadowDifferences

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker


def shadow_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The route to the report on a version in shadow."""
    router = APIRouter(
        tags=["models"],
        dependencies=[Depends(permitted(worker.access, Scope.OPERATE))],
        responses=refusals(),
    )

    @router.get(
        MODELS + "/{model}/shadow",
        operation_id="show_shadow",
        responses={**refusals(Kind.NOT_FOUND), **example(examples.SHADOW)},
        summary="What a version in shadow would have said",
    )
    async def show_shadow(
        model: str,
        days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How far to look back.")] = DAYS,
    ) -> ShadowDifferences:
        """How the answers in shadow differ from those that were given: of the version that is being rolled out, or
        else of the last one that was in shadow.
        """
        name, now = known_model(worker, model), datetime.now(UTC)
        try:
            return await reading.ask(
                lambda sources: shadow_report(sources.platform, name, now, days=days)
            )
        except UsageError as error:
            raise Refused(Kind.NOT_FOUND, error.message, remedy=error.remedy) from error

    return router
