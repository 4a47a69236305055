"""Routes that tell of models: what answers, how good it is, how it was watched, what would make it cheaper."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, Depends, Query

from ml_platform.api import examples
from ml_platform.api.access import require_name
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading, Sources
from ml_platform.api.views import ListedModel, Models, PredictionAdvice
from ml_platform.application.describe_models import (
    ModelInDetail,
    ModelMetrics,
    StoredEvaluation,
    cost_advice,
    describe_model,
    detail_model,
    model_metrics,
    stored_evaluation,
)
from ml_platform.application.monitoring_trend import MonitoringTrend, monitoring_trend
from ml_platform.serving.keys import Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

T = TypeVar("T")
MODELS = "/api/ml/models"
MOST_REPORTS = 100


def known_model(worker: "Worker", name: str) -> str:
    """The name of a model of the catalogue.

    Raises:
        Refused: it is no name, or there is no model of it.
    """
    require_name("the model", name)
    if name not in worker.options.tasks:
        raise Refused(
            Kind.NOT_FOUND,
            f"There is no model {name[:80]!r}.",
            remedy=f"choose of {', '.join(sorted(worker.options.tasks))}",
        )
    return name


def model_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The routes that tell of models."""
    router = APIRouter(
        tags=["models"],
        dependencies=[Depends(permitted(worker.access, Scope.READ))],
        responses=refusals(),
    )
    titles = worker.options.titles
    of_model = refusals(Kind.NOT_FOUND)

    @router.get(
        MODELS, operation_id="list_models", responses=example(examples.MODELS), summary="All models"
    )
    async def list_models() -> Models:
        """Every model: what answers now, since when and by whom; its figure, its baseline, its canary."""
        now = datetime.now(UTC)

        def read(sources: Sources) -> Models:
            return Models(
                tuple(
                    ListedModel(
                        describe_model(sources.platform, name, titles.get(name, name), now),
                        f"{MODELS}/{name}",
                    )
                    for name in worker.options.tasks
                )
            )

        return await reading.ask(read)

    @router.get(
        MODELS + "/{model}",
        operation_id="show_model",
        responses={**of_model, **example(examples.MODEL)},
        summary="One model",
    )
    async def show_model(model: str) -> ModelInDetail:
        """A model with its versions, gates and lineage, the features that it takes, and a row that fits them."""
        name = known_model(worker, model)
        kinds = _kinds_of_rules(worker, name)
        return await reading.ask(
            lambda sources: detail_model(
                sources.platform, name, titles.get(name, name), kinds, datetime.now(UTC)
            )
        )

    @router.get(
        "/api/ml/metrics/{model}",
        operation_id="show_metrics",
        responses={**of_model, **example(examples.METRICS)},
        summary="Metrics of a model",
    )
    async def show_metrics(model: str) -> ModelMetrics:
        """Every metric of the champion with its interval, beside the rules, the dummy baseline and the ceiling."""
        return await _stored(worker, reading, model, model_metrics)

    @router.get(
        "/api/ml/evaluate/{model}",
        operation_id="show_evaluation",
        responses={**of_model, **example(examples.EVALUATION)},
        summary="The newest evaluation of a model",
    )
    async def show_evaluation(model: str) -> StoredEvaluation:
        """The newest version's evaluation as it is stored: its verdict, its gates and its dimensions."""
        return await _stored(worker, reading, model, stored_evaluation)

    @router.get(
        "/api/ml/trend/{model}",
        operation_id="show_trend",
        responses={**of_model, **example(examples.TREND)},
        summary="The last monitoring reports of a model",
    )
    async def show_trend(
        model: str, limit: Annotated[int, Query(ge=1, le=MOST_REPORTS)] = 28
    ) -> MonitoringTrend:
        """The last reports, the newest first: window, colour, drifted features, performance and decision."""
        name = known_model(worker, model)
        return await reading.ask(lambda sources: monitoring_trend(sources.platform, name, limit))

    @router.get(
        "/api/ml/optimize/prediction",
        operation_id="advise_on_cost",
        responses={**of_model, **example(examples.ADVICE)},
        summary="What would make predictions cheaper",
    )
    async def advise_on_cost(
        model: Annotated[str | None, Query(description="By default every model.")] = None,
    ) -> PredictionAdvice:
        """What was measured of quantisation, pruning, caching and batches at the evaluation of each champion."""
        names = [known_model(worker, model)] if model is not None else list(worker.options.tasks)

        def read(sources: Sources) -> PredictionAdvice:
            found = {name: cost_advice(sources.platform, name) for name in names}
            return PredictionAdvice(
                tuple(each for each in found.values() if each is not None),
                tuple(name for name, each in found.items() if each is None),
            )

        return await reading.ask(read)

    return router


def _kinds_of_rules(worker: "Worker", model: str) -> Mapping[str, str]:
    """The features that the rules of a model read, each with its kind; none where they are not in memory."""
    served = worker.answering.models.get(model)
    rules = worker.store.at_hand(served.rules) if served and served.rules else None
    return rules.one_row.fields.kinds if rules else {}


async def _stored(
    worker: "Worker", reading: Reading, model: str, read: Callable[..., T | None]
) -> T:
    """What is stored of a model.

    Raises:
        Refused: there is no such model, or no version of it.
    """
    name = known_model(worker, model)
    found = await reading.ask(lambda sources: read(sources.platform, name))
    if found is None:
        raise Refused(
            Kind.NOT_FOUND,
            f"No version of {name} has been registered yet.",
            remedy=f"train it: POST {MODELS}/train, or `ml-platform run`",
        )
    return found
