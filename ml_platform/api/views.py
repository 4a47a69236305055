"""What the routes that read answer beside the values of the use cases: lists, health and figures of the service."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.adapters.serving.service_processes import ServiceProcess
from ml_platform.application.describe_models import CostAdvice, DescribedModel
from ml_platform.application.monitoring_trend import ModelHealth
from ml_platform.serving.answer_views import AnswerStatistics


@dataclass(frozen=True)
class ListedModel:
    """A model, and where the features that it takes are described."""

    model: DescribedModel
    schema_at: str
    """The address of the model's details, whose `input_schema` says what it takes."""


@dataclass(frozen=True)
class Models:
    """Every model of the catalogue."""

    models: tuple[ListedModel, ...]


@dataclass(frozen=True)
class WorkerHealth:
    """The worker that has answered: what it reaches, and what it answers with."""

    ledger_reachable: bool
    log: str
    """'committing', or 'spooling': PostgreSQL is away, and answers wait on the local disk."""
    production_read_at: datetime | None
    """When what is in production had last changed for this worker; null before the first time."""
    models_loaded: int
    """Versions and rules in memory."""


@dataclass(frozen=True)
class HealthOfModel:
    """One model: what this worker answers with, and how the ledger says that it is."""

    model: str
    status: str
    """'ok', 'degraded', 'unknown' (never watched, or the ledger is away), or 'unavailable': nothing answers."""
    answers_with: str | None
    """The version that this worker answers with, or the rules; null: nothing can answer."""
    follows: bool | None
    """Whether this worker has followed production to its newest revision; null: the ledger does not answer."""
    ledger: ModelHealth | None
    """Null: the ledger does not answer."""


@dataclass(frozen=True)
class Health:
    """The service as a whole."""

    status: str
    """'ok', or 'degraded': the ledger is away, answers are spooled, a model is degraded, behind or unavailable."""
    reasons: tuple[str, ...]
    worker: WorkerHealth
    models: tuple[HealthOfModel, ...]


@dataclass(frozen=True)
class LogCounters:
    """What became of the answers of this worker since it was started."""

    committed: int
    spooled: int
    refused: int
    """Answers that could not be logged, and were not given."""
    groups: int


@dataclass(frozen=True)
class CacheCounters:
    """The answers that this worker keeps for rows that come again."""

    hits: int
    misses: int
    kept: int


@dataclass(frozen=True)
class SystemMetrics:
    """Processes of the service, what it has answered, and counters of the worker that answers this."""

    processes: tuple[ServiceProcess, ...]
    answers: tuple[AnswerStatistics, ...]
    """Of the last hour and of the last 24 hours, over all workers; empty where the ledger does not answer."""
    log: LogCounters
    cache: CacheCounters
    models_loaded: int
    hashes_checked: int
    """Artifacts whose files were hashed before their first answer."""


@dataclass(frozen=True)
class PredictionAdvice:
    """What would make predictions cheaper, by model."""

    models: tuple[CostAdvice, ...]
    without: tuple[str, ...]
    """Models whose cost was never measured."""
