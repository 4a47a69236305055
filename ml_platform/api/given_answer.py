"""An answer that a version gave: as the row of the log, as the row for a shadow, and as what its asker gets."""

import time
from dataclasses import dataclass
from datetime import datetime

import msgspec
import uuid6

from ml_platform.adapters.serving.model_store import ModelStore
from ml_platform.adapters.serving.shadow_queue import ShadowRow
from ml_platform.api.messages import PredictAnswer, PredictRequest
from ml_platform.prediction_log.one_row import Answer
from ml_platform.serving.answer_row import AnswerRow, Origin
from ml_platform.serving.router import Fallback, ServedArm
from ml_platform.serving.table import ServedVersion

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class Asker:
    """Who asks, and for whom."""

    key_id: str
    user_id: str


@dataclass(frozen=True)
class Given:
    """An answer with the version that gave it."""

    answer: Answer
    version: ServedVersion
    arm: ServedArm
    fallback: Fallback
    failed_version: str
    cached: bool


def row_of(
    request: PredictRequest,
    asker: Asker,
    origin: Origin,
    given: Given,
    now: datetime,
    since: float,
) -> AnswerRow:
    """The row of the log, under a new id."""
    return AnswerRow(
        day=now.date().isoformat(),
        prediction_id=str(uuid6.uuid7()),
        model=request.model,
        version=given.version.version,
        arm=given.arm,
        origin=origin,
        user_id=asker.user_id,
        key_id=asker.key_id,
        row_id=request.row_id,
        predicted_at=now,
        milliseconds=(time.perf_counter() - since) * 1e3,
        prediction=given.answer.prediction,
        confidence=given.answer.confidence,
        fallback=given.fallback,
        failed_version=given.failed_version,
        data_version=given.version.data_version,
        feature_version=given.version.feature_version,
        features=bytes(request.features).decode(),
        scores=_ENCODER.encode(given.answer.scores).decode(),
    )


def shadow_row_of(row: AnswerRow, version: ServedVersion) -> ShadowRow:
    """The same row for the version that answers in shadow."""
    return ShadowRow(
        row,
        version.version,
        version.artifact_sha256,
        version.artifact_path,
        version.data_version,
        version.feature_version,
    )


def message_of(
    request: PredictRequest, row: AnswerRow, given: Given, store: ModelStore
) -> PredictAnswer:
    """What the asker gets: scores and reasons only if they were asked for."""
    scores = None
    if request.scores:
        scorer = store.at_hand(given.version)
        assert scorer is not None
        scores = dict(zip(scorer.one_row.scorer.classes, given.answer.scores, strict=True))
    return PredictAnswer(
        prediction_id=row.prediction_id,
        model=row.model,
        version=row.version,
        arm=row.arm,
        prediction=row.prediction,
        confidence=row.confidence,
        fallback=bool(row.fallback),
        cause=row.fallback,
        cached=given.cached,
        scores=scores,
        reasons=given.answer.reasons,
    )
