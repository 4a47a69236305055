"""Each example of OpenAPI is a value of the type that its route answers with."""

from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter

from ml_platform.api import examples
from ml_platform.api.operate_routes import LaunchedRun, RetrainRequest, ShownRun, TrainRequest
from ml_platform.api.views import Health, HealthOfModel, Models, PredictionAdvice, SystemMetrics
from ml_platform.application.describe_models import ModelInDetail, ModelMetrics, StoredEvaluation
from ml_platform.application.incidents import IncidentInDetail, Incidents
from ml_platform.application.monitoring_trend import MonitoringTrend
from ml_platform.serving.answer_views import AnswerInDetail, AnswerPage
from ml_platform.serving.shadow_differences import ShadowDifferences

EXAMPLES: tuple[tuple[type, Any], ...] = (
    (Models, examples.MODELS),
    (ModelInDetail, examples.MODEL),
    (ModelMetrics, examples.METRICS),
    (StoredEvaluation, examples.EVALUATION),
    (MonitoringTrend, examples.TREND),
    (Incidents, examples.ALERTS),
    (IncidentInDetail, examples.ALERT),
    (ShadowDifferences, examples.SHADOW),
    (PredictionAdvice, examples.ADVICE),
    (Health, examples.HEALTH),
    (HealthOfModel, examples.HEALTH["models"][0]),
    (SystemMetrics, examples.SYSTEM),
    (AnswerPage, examples.PREDICTIONS),
    (AnswerInDetail, examples.PREDICTION),
    (LaunchedRun, examples.LAUNCHED),
    (ShownRun, examples.RUN),
)


@pytest.mark.parametrize(("kind", "value"), EXAMPLES)
def test_an_example_is_what_a_route_answers(kind: type, value: Any) -> None:
    adapter = TypeAdapter(kind)
    assert adapter.dump_python(adapter.validate_python(value), mode="json") == value


def test_the_bodies_of_examples_are_taken() -> None:
    assert msgspec.convert(examples.TRAIN, TrainRequest).model == examples.TRAIN["model"]
    assert msgspec.convert(examples.RETRAIN, RetrainRequest).reason == examples.RETRAIN["reason"]
