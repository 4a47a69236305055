"""Rows of the log of answers, planted in a real PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pandas as pd

from ml_platform.adapters.ledger.answer_partitions import prepare_days
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.serving.answer_log import INSERT
from ml_platform.serving.answer_row import AnswerRow, Origin, days_of
from ml_platform.serving.router import Fallback, ServedArm

MODEL, VERSION = "example", "2"


def answer(at: datetime, user: str = "ann", **fields: Any) -> AnswerRow:
    """A good answer of the champion, version 1, in ten milliseconds; ``fields`` are others."""
    good = {
        "day": f"{at:%Y-%m-%d}",
        "prediction_id": str(uuid4()),
        "model": MODEL,
        "version": "1",
        "arm": ServedArm.CHAMPION,
        "origin": Origin.SERVED,
        "user_id": user,
        "key_id": "k",
        "row_id": "",
        "predicted_at": at,
        "milliseconds": 10.0,
        "prediction": "a",
        "confidence": 0.8,
        "fallback": "",
        "failed_version": "",
        "data_version": "",
        "feature_version": "",
        "features": "{}",
        "scores": "[]",
    }
    return AnswerRow(**{**good, **fields})


def canary(at: datetime, user: str = "ann", **fields: Any) -> AnswerRow:
    """An answer of the version that is rolled out."""
    return answer(at, user, **{"version": VERSION, "arm": ServedArm.CANARY, **fields})


def failed_canary(at: datetime, user: str = "ann", **fields: Any) -> AnswerRow:
    """The champion's answer to a user for whom the version that is rolled out has failed."""
    failed = {"failed_version": VERSION, "fallback": Fallback.CANARY_FAILED}
    return answer(at, user, **{**failed, **fields})


def control(at: datetime, user: str = "bob", **fields: Any) -> AnswerRow:
    """The champion's answer to a user of the control."""
    return answer(at, user, **{"arm": ServedArm.CONTROL, **fields})


def shadow(served: AnswerRow, *, fails: bool = False, **fields: Any) -> AnswerRow:
    """What the version says beside an answer that was given, a moment later."""
    said = {
        "version": VERSION,
        "arm": ServedArm.SHADOW,
        "origin": Origin.SHADOW,
        "prediction_id": served.prediction_id,
        "day": served.day,
        "row_id": served.row_id,
        "prediction": "" if fails else served.prediction,
        "failed_version": VERSION if fails else "",
    }
    at = served.predicted_at + timedelta(milliseconds=20)
    return answer(at, served.user_id, **{**said, **fields})


def plant(url: str, rows: Iterable[AnswerRow]) -> None:
    """Write the rows, as a worker logs them."""
    rows = list(rows)
    engine = ledger_engine(url)
    prepare_days(engine, days_of(rows))
    for start in range(0, len(rows), 5_000):
        text = msgspec.json.encode(rows[start : start + 5_000]).decode()
        with engine.begin() as connection:
            connection.exec_driver_sql(INSERT, (text,))
    engine.dispose()


def learn(url: str, labels: dict[str, str], at: datetime) -> None:
    """Let the outcomes of rows be known from a moment on."""
    frame = pd.DataFrame({"row_id": list(labels), "label": list(labels.values())})
    moment = pd.Series([pd.Timestamp(at)] * len(frame)).dt.as_unit("us")
    ledger_of(url).log_outcomes(frame.assign(model=MODEL, known_at=moment))


def ledger_of(url: str) -> PostgresLedger:
    """The ledger in a database."""
    return PostgresLedger(url)


def analyse(url: str) -> None:
    """Let PostgreSQL count the rows."""
    engine = ledger_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE answers")
