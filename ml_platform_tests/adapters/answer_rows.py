"""Answers as the service logs them, for tests of what becomes of them."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

from ml_platform.serving.answer_row import AnswerRow

DAY = date(2026, 11, 20)


def answer(of: date = DAY, /, **fields: Any) -> AnswerRow:
    """An answer of noon; ``fields`` are what is to be otherwise."""
    values: dict[str, Any] = {
        "day": f"{of}",
        "prediction_id": f"{uuid.uuid4()}",
        "model": "pattern_classifier",
        "version": "1",
        "arm": "production",
        "origin": "served",
        "user_id": "ann.lee",
        "key_id": "k1",
        "row_id": "",
        "predicted_at": datetime(of.year, of.month, of.day, 12, tzinfo=UTC),
        "milliseconds": 1.25,
        "prediction": "fix",
        "confidence": 0.1 + 0.2,
        "fallback": "",
        "failed_version": "",
        "data_version": "d",
        "feature_version": "f",
        "features": '{"x": 1}',
        "scores": "[1.0]",
    }
    return AnswerRow(**values | fields)
