"""Routes that ask one kind of model in its own words: workflows for a user, offers, sessions."""

import time
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request, Response

from ml_platform.api.access import require_name
from ml_platform.api.asking_about import AskingAbout
from ml_platform.api.bodies import body_of, json_response, require_key
from ml_platform.api.messages import PredictAnswer, PredictRequest, nothing_sent
from ml_platform.api.openapi import route_schema
from ml_platform.api.problems import Kind, Refused
from ml_platform.serving.answer_row import Origin
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

MOST_OFFERS = 50
RECOMMENDER, SCORER, DETECTOR = "workflow_recommender", "suggestion_scorer", "anomaly_detector"


class RecommendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who workflows are recommended to."""

    user_id: str | None = None
    k: int = 5
    """How many, from 1 to 50."""


class Recommended(msgspec.Struct):
    """One workflow."""

    rank: int
    workflow_id: str
    score: float


class Recommendations(msgspec.Struct):
    """Workflows in their order, the first one first."""

    prediction_id: str
    model: str
    version: str
    fallback: bool
    user_id: str
    workflows: list[Recommended]


class Offer(msgspec.Struct, forbid_unknown_fields=True):
    """A workflow that may be suggested."""

    workflow_id: str
    category: str | None = None


class ScoreRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Suggestions that a user would be shown at once."""

    workflows: list[Offer]
    user_id: str | None = None
    shown_at: str | None = None
    """A time in ISO 8601 with its zone; by default now."""
    explain: bool = False


class Scored(msgspec.Struct, omit_defaults=True):
    """A suggestion with its score."""

    workflow_id: str
    score: float
    """In [0, 1]: how likely the user takes it up."""
    answer: PredictAnswer


class Scores(msgspec.Struct):
    """Suggestions, the best first."""

    suggestions: list[Scored]


class DetectRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A session, by its id or by its features."""

    session_id: str | None = None
    features: msgspec.Raw = msgspec.field(default_factory=nothing_sent)
    user_id: str | None = None


_GIVEN = {
    "prediction_id": "01a206c2-d305-7b9e-adb2-27b6addb77b9",
    **{"version": "3", "fallback": False},
}
_RECOMMEND = route_schema(
    RecommendRequest,
    Recommendations,
    {"k": 3},
    {
        200: (
            "Workflows in their order.",
            {
                **_GIVEN,
                "model": RECOMMENDER,
                "user_id": "ann",
                "workflows": [{"rank": 1, "workflow_id": "format-code", "score": 0.31}],
            },
        )
    },
    Kind.NOT_FOUND,
)
_ONE = {"arm": "champion", "prediction": "0.7", "confidence": 0.68, **_GIVEN}
_SCORE = route_schema(
    ScoreRequest,
    Scores,
    {"workflows": [{"workflow_id": "format-code", "category": "code_review"}]},
    {
        200: (
            "Suggestions, the best first.",
            {
                "suggestions": [
                    {
                        "workflow_id": "format-code",
                        "score": 0.68,
                        "answer": {**_ONE, "model": SCORER},
                    }
                ]
            },
        )
    },
    Kind.NOT_FOUND,
)
_DETECT = route_schema(
    DetectRequest,
    PredictAnswer,
    {"session_id": "s-17"},
    {200: ("Whether the session is unlike its user.", {**_ONE, "model": DETECTOR})},
    Kind.NOT_FOUND,
)


def asking_router(worker: "Worker") -> APIRouter:
    """The routes, for one worker."""
    router = APIRouter(tags=["asking"])
    asking = worker.asking

    async def recommended(request: Request, most: int) -> Response:
        key = require_key(worker.access, request, Scope.PREDICT)
        asked = await body_of(request, RecommendRequest)
        if not 1 <= asked.k <= MOST_OFFERS:
            raise Refused(Kind.REFUSED, f"k is {asked.k}, not 1 to {MOST_OFFERS}.")
        (answer,) = await _answers(
            worker,
            asking,
            key,
            PredictRequest(RECOMMENDER, about={}, user_id=asked.user_id, scores=True),
        )
        best = sorted((answer.scores or {}).items(), key=lambda item: (-item[1], item[0]))
        offered = [item for item in best if item[1] >= 0][: min(asked.k, most)]
        return json_response(
            Recommendations(
                answer.prediction_id,
                answer.model,
                answer.version,
                answer.fallback,
                asked.user_id or key.user_id,
                [Recommended(place + 1, *item) for place, item in enumerate(offered)],
            )
        )

    @router.post(
        "/api/ml/recommendations/workflows",
        operation_id="recommend_workflows",
        openapi_extra=_RECOMMEND,
    )
    async def recommend(request: Request) -> Response:
        """Workflows that a user has not run and may want to, the first one first."""
        return await recommended(request, MOST_OFFERS)

    @router.post(
        "/api/v1/workflows/recommend", operation_id="recommend_three", openapi_extra=_RECOMMEND
    )
    async def recommend_three(request: Request) -> Response:
        """The three workflows that a user is recommended first."""
        return await recommended(request, 3)

    @router.post(
        "/api/ml/suggestions/score", operation_id="score_suggestions", openapi_extra=_SCORE
    )
    async def score(request: Request) -> Response:
        """How likely a user takes up each of some suggestions that are shown at once, the best first."""
        key = require_key(worker.access, request, Scope.PREDICT)
        asked = await body_of(request, ScoreRequest)
        if not 1 <= len(asked.workflows) <= MOST_OFFERS:
            raise Refused(Kind.REFUSED, f"Send 1 to {MOST_OFFERS} workflows.")
        about: dict[str, Any] = {
            "workflows": [msgspec.structs.asdict(offer) for offer in asked.workflows],
            "shown_at": asked.shown_at,
        }
        request_of = PredictRequest(
            SCORER, about=about, user_id=asked.user_id, explain=asked.explain, scores=True
        )
        answers = await _answers(worker, asking, key, request_of)
        found = [
            Scored(offer.workflow_id, next(iter((answer.scores or {}).values())), answer)
            for offer, answer in zip(asked.workflows, answers, strict=True)
        ]
        found.sort(key=lambda each: (-each.score, each.workflow_id))
        return json_response(Scores(found))

    @router.post("/api/ml/anomaly/detect", operation_id="detect_anomaly", openapi_extra=_DETECT)
    async def detect(request: Request) -> Response:
        """Whether a session is unlike its user."""
        key = require_key(worker.access, request, Scope.PREDICT)
        asked = await body_of(request, DetectRequest)
        if asked.session_id is not None:
            require_name("session_id", asked.session_id)
        about = None if asked.session_id is None else {"session_id": asked.session_id}
        request_of = PredictRequest(
            DETECTOR,
            features=asked.features,
            about=about,
            user_id=asked.user_id,
            row_id=asked.session_id or "",
        )
        (answer,) = await _answers(worker, asking, key, request_of)
        return json_response(answer)

    return router


async def _answers(
    worker: "Worker", asking: AskingAbout, key: ApiKey, request: PredictRequest
) -> list[PredictAnswer]:
    """The answers for each row of what is asked about."""
    since = time.perf_counter()
    who, requests = await asking.requests(request, key)
    return [await worker.answering.answer(each, who, Origin.SERVED, since) for each in requests]
