"""What the client sends is what the service takes, and what the service answers is what the client reads."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from ml_platform.api.asking_routes import (
    DetectRequest,
    Offer,
    RecommendRequest,
    ScoreRequest,
)
from ml_platform.api.asking_routes import Recommendations as ServedRecommendations
from ml_platform.api.asking_routes import Recommended as ServedRecommended
from ml_platform.api.asking_routes import Scored as ServedScored
from ml_platform.api.asking_routes import Scores as ServedScores
from ml_platform.api.messages import PredictAnswer as ServedAnswer
from ml_platform.api.messages import PredictRequest
from ml_platform.client import (
    AnswerPage,
    Client,
    EventsAnswer,
    Figure,
    Health,
    HealthOfModel,
    PredictAnswer,
    Recommendations,
    Recommended,
    RefusedRow,
    Scored,
)
from ml_platform_tests.client.both import KEY

MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SERVED = ServedAnswer("p", "m", "3", "champion", "yes", 0.75, False, scores={"a": 1.0})
ANSWER = PredictAnswer("p", "m", "3", "champion", "yes", 0.75, False, scores={"a": 1.0})
Question = Callable[[Client], Any]


def asked(question: Question, answer: object, status: int = 200) -> tuple[httpx.Request, Any]:
    """The request of a question, and what it gives where the service answers so."""
    requests = []

    def reply(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status, content=msgspec.json.encode(answer))

    with Client("http://service", KEY, transport=httpx.MockTransport(reply)) as client:
        given = question(client)
    (request,) = requests
    return request, given


def test_what_a_row_is_about_goes_in_place_of_its_features() -> None:
    request, answer = asked(
        lambda client: client.predict("m", about={"session_id": "s"}, explain=True), SERVED
    )
    assert msgspec.json.decode(request.content, type=PredictRequest) == PredictRequest(
        "m", about={"session_id": "s"}, explain=True
    )
    assert answer == ANSWER


def test_recommendations() -> None:
    request, answer = asked(
        lambda client: client.recommend("bob", k=2),
        ServedRecommendations(
            "p",
            "m",
            "3",
            False,
            "bob",
            [ServedRecommended(1, "a", 0.5), ServedRecommended(2, "b", 0.4)],
        ),
    )
    assert request.url.path == "/api/ml/recommendations/workflows"
    assert msgspec.json.decode(request.content, type=RecommendRequest) == RecommendRequest("bob", 2)
    assert answer == Recommendations(
        "p", "m", "3", False, "bob", (Recommended(1, "a", 0.5), Recommended(2, "b", 0.4))
    )


def test_scores_of_suggestions() -> None:
    request, answer = asked(
        lambda client: client.score_suggestion(["a", "b"], shown_at=MOMENT, explain=True),
        ServedScores([ServedScored("b", 0.7, SERVED)]),
    )
    assert request.url.path == "/api/ml/suggestions/score"
    assert msgspec.json.decode(request.content, type=ScoreRequest) == ScoreRequest(
        [Offer("a"), Offer("b")], shown_at=MOMENT.isoformat(), explain=True
    )
    assert answer == (Scored("b", 0.7, ANSWER),)


def test_anomalies() -> None:
    request, answer = asked(lambda client: client.detect_anomaly("s", user_id="bob"), SERVED)
    assert request.url.path == "/api/ml/anomaly/detect"
    sent = msgspec.json.decode(request.content, type=DetectRequest)
    assert (sent.session_id, sent.user_id, bytes(sent.features)) == ("s", "bob", b"")
    assert answer == ANSWER


def test_events() -> None:
    row = {"event_id": "e", "user_id": "bob", "occurred_at": MOMENT}
    refused = {"table": "events", "place": 0, "field": "tool", "reason": "missing"}
    request, answer = asked(
        lambda client: client.send_events([row], users=iter([{"user_id": "bob"}])),
        {"taken": 1, "refused": [refused]},
        202,
    )
    assert request.url.path == "/api/ml/events"
    assert json.loads(request.content) == {
        "events": [row | {"occurred_at": "2026-03-01T09:30:00+00:00"}],
        "users": [{"user_id": "bob"}],
    }
    assert answer == EventsAnswer(1, (RefusedRow("events", 0, "tool", "missing"),))


def test_models() -> None:
    summary = {
        "model": "m",
        "title": "t",
        "answers": "version 3",
        "version": 3,
        "figure": {"value": 0.8, "low": 0.7, "high": 0.9},
    }
    request, models = asked(
        lambda client: client.models(), {"models": [{"model": summary, "schema_at": "/x"}]}
    )
    assert (request.method, request.url.path) == ("GET", "/api/ml/models")
    assert (models[0].model, models[0].figure) == ("m", Figure(0.8, 0.7, 0.9))
    request, model = asked(
        lambda client: client.model("a/b?c"),
        {"summary": summary, "classes": ["no", "yes"], "input_schema": {}, "example": {"x": 1.0}},
    )
    assert request.url.raw_path == b"/api/ml/models/a%2Fb%3Fc"
    assert (model.summary, model.example) == (models[0], {"x": 1.0})


def test_pages_of_predictions() -> None:
    logged = {
        "prediction_id": "p",
        "model": "m",
        "version": "3",
        "arm": "champion",
        "origin": "served",
        "user_id": "ada",
        "row_id": "",
        "predicted_at": "2026-03-01T09:30:00Z",
        "milliseconds": 0.4,
        "prediction": "yes",
        "confidence": 0.9,
        "fallback": "",
        "outcome": None,
        "outcome_known_at": None,
    }
    request, page = asked(
        lambda client: client.predictions(model="m", since=MOMENT, after="q", limit=7),
        {"predictions": [logged], "next": "p"},
    )
    assert request.url.path == "/api/ml/predictions"
    assert dict(request.url.params) == {
        "from": "2026-03-01T09:30:00+00:00",
        "model": "m",
        "after": "q",
        "limit": "7",
    }
    assert isinstance(page, AnswerPage)
    assert (page.next, page.predictions[0].predicted_at) == ("p", MOMENT)


def test_health() -> None:
    models = [{"model": "m", "status": "ok", "answers_with": "3", "follows": True, "ledger": None}]
    _, health = asked(
        lambda client: client.health(),
        {"status": "degraded", "reasons": ["why"], "worker": {}, "models": models},
    )
    assert health == Health("degraded", ("why",), (HealthOfModel("m", "ok", "3"),))


@pytest.mark.parametrize("k", [0, -1])
def test_limits_are_those_of_the_service_alone(k: int) -> None:
    request, _ = asked(
        lambda client: client.recommend(k=k), ServedRecommendations("p", "m", "3", False, "ada", [])
    )
    assert json.loads(request.content) == {"k": k}
