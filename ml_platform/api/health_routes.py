"""Routes that tell how the service and its models are; they answer while the ledger is away, too."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends

from ml_platform.adapters.serving.service_processes import service_processes
from ml_platform.api import examples
from ml_platform.api.model_routes import known_model
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading, Sources
from ml_platform.api.views import (
    CacheCounters,
    Health,
    HealthOfModel,
    LogCounters,
    SystemMetrics,
    WorkerHealth,
)
from ml_platform.application.monitoring_trend import ModelHealth, model_health
from ml_platform.serving.answer_views import AnswerStatistics
from ml_platform.serving.keys import Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

OK, DEGRADED, UNAVAILABLE, UNKNOWN = "ok", "degraded", "unavailable", "unknown"


def health_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The routes of health and of the figures of the service."""
    router = APIRouter(
        tags=["health"],
        dependencies=[Depends(permitted(worker.access, Scope.READ))],
        responses=refusals(),
    )

    @router.get(
        "/api/ml/health",
        operation_id="show_health",
        responses=example(examples.HEALTH),
        summary="The service and every model",
    )
    async def show_health() -> Health:
        """How the service is: 200 in any case; `status` and `reasons` say whether something is wrong."""
        known = await _known(reading, tuple(worker.options.tasks))
        return _health(worker, known)

    @router.get(
        "/api/ml/health/{model}",
        operation_id="show_health_of_model",
        responses={**refusals(Kind.NOT_FOUND), **example(examples.HEALTH["models"][0])},
        summary="One model",
    )
    async def show_health_of_model(model: str) -> HealthOfModel:
        """How one model is: what this worker answers with, and the newest monitoring report."""
        name = known_model(worker, model)
        known = await _known(reading, (name,))
        return _of_model(worker, name, known.get(name) if known is not None else None)

    @router.get(
        "/api/ml/system/metrics",
        operation_id="show_system_metrics",
        responses=example(examples.SYSTEM),
        summary="Processes, answers, log and cache",
    )
    async def show_system_metrics() -> SystemMetrics:
        """Processes with memory and processor time, rate and latency of answers, and counters of this worker."""
        processes = await asyncio.to_thread(service_processes, worker.options.supervisor[0])
        counts, cache = worker.log.counts, worker.answering.cache
        return SystemMetrics(
            processes=processes,
            answers=await _statistics(reading),
            log=LogCounters(counts.committed, counts.spooled, counts.refused, counts.groups),
            cache=CacheCounters(cache.hits, cache.misses, len(cache)),
            models_loaded=worker.store.loaded,
            hashes_checked=worker.store.hashes_checked,
        )

    return router


async def _statistics(reading: Reading) -> tuple[AnswerStatistics, ...]:
    try:
        return await reading.ask(lambda sources: sources.answers.statistics(datetime.now(UTC)))
    except Refused:
        return ()


async def _known(reading: Reading, models: tuple[str, ...]) -> Mapping[str, ModelHealth] | None:
    """What the ledger says of these models; ``None`` while it does not answer."""

    def read(sources: Sources) -> Mapping[str, ModelHealth]:
        now = datetime.now(UTC)
        return {model: model_health(sources.platform, model, now) for model in models}

    try:
        return await reading.ask(read)
    except Refused:
        return None


def _health(worker: "Worker", known: Mapping[str, ModelHealth] | None) -> Health:
    models = tuple(
        _of_model(worker, name, known.get(name) if known is not None else None)
        for name in worker.options.tasks
    )
    reasons = [] if known is not None else ["the ledger does not answer"]
    if worker.log.is_away:
        reasons.append("answers wait on the local disk")
    if not worker.ready:
        reasons.append("what is in production has not been read yet")
    for model in models:
        if model.status in (DEGRADED, UNAVAILABLE):
            reasons.append(f"{model.model} is {model.status}")
        elif model.follows is False:
            reasons.append(f"{model.model} has not followed the newest change of production yet")
    return Health(
        status=DEGRADED if reasons else OK,
        reasons=tuple(reasons),
        worker=WorkerHealth(
            ledger_reachable=known is not None,
            log="spooling" if worker.log.is_away else "committing",
            production_read_at=worker.state.table.read_at,
            models_loaded=worker.store.loaded,
        ),
        models=models,
    )


def _of_model(worker: "Worker", name: str, ledger: ModelHealth | None) -> HealthOfModel:
    served = worker.answering.models.get(name)
    answers = None
    if served is not None:
        able = (served.champion, served.rules)
        answers = next((each for each in able if each and worker.store.at_hand(each)), None)
    is_fallback = (
        served is not None and served.champion is not None and answers is not served.champion
    )
    if served is not None and answers is None:
        status = UNAVAILABLE
    elif is_fallback:
        status = DEGRADED
    else:
        status = ledger.status if ledger is not None else UNKNOWN
    return HealthOfModel(
        model=name,
        status=status,
        answers_with=answers.version if answers is not None else None,
        follows=_follows(served.revision if served else 0, ledger),
        ledger=ledger,
    )


def _follows(revision: int, ledger: ModelHealth | None) -> bool | None:
    """Whether a worker at this revision has seen the newest one; a model that nothing answers for has none."""
    if ledger is None:
        return None
    return ledger.answers == "nothing" or revision == ledger.revision
