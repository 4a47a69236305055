"""The Python client of the prediction service; it needs nothing else of this package.

>>> from ml_platform.client import Client
>>> client = Client("http://127.0.0.1:8000", "mlp_...")  # doctest: +SKIP
"""

from ml_platform.client.answers import (
    AnswerPage,
    EventsAnswer,
    Figure,
    Health,
    HealthOfModel,
    Job,
    LaunchedRun,
    LoggedAnswer,
    ModelInDetail,
    ModelSummary,
    PredictAnswer,
    Recommendations,
    Recommended,
    RefusedRow,
    Reported,
    Row,
    ScheduleRule,
    Scored,
    ShouldRun,
    ShownRun,
    StartTime,
)
from ml_platform.client.clients import AsyncClient, Client
from ml_platform.client.errors import ClientError, Problem

__all__ = [
    "AnswerPage",
    "AsyncClient",
    "Client",
    "ClientError",
    "EventsAnswer",
    "Figure",
    "Health",
    "HealthOfModel",
    "Job",
    "LaunchedRun",
    "LoggedAnswer",
    "ModelInDetail",
    "ModelSummary",
    "PredictAnswer",
    "Problem",
    "Recommendations",
    "Recommended",
    "RefusedRow",
    "Reported",
    "Row",
    "ScheduleRule",
    "Scored",
    "ShouldRun",
    "ShownRun",
    "StartTime",
]
