"""What the log of answers tells of a rollout: sums by stretch of time and arm, and answers whose outcome is known.

A user of the treatment who was answered by another version since the one rolled out failed counts for the
treatment, as an error: `failed_version` says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.evaluation.tasks.adapter import MaturedPredictions
from ml_platform.serving.rollout_evidence import LEAST_SLOW, Comparison, Entries, UsersBefore
from ml_platform.serving.rollout_quality import MaturedAnswers
from ml_platform.serving.router import Fallback

_OF_DAYS = """
{a}.model = :model AND {a}.day BETWEEN :first_day AND :last_day
AND {a}.predicted_at >= :since AND {a}.predicted_at < :until
"""
_BEFORE = f"""
a.origin = 'served' AND a.arm <> 'canary' AND a.fallback <> :canary_failed AND {_OF_DAYS.format(a="a")}
"""
_USERS_BEFORE = f"""
WITH seen AS MATERIALIZED (
    SELECT user_id, milliseconds, failed_version <> '' AS failed, predicted_at FROM answers a WHERE {_BEFORE}
), slow AS (
    SELECT greatest(percentile_disc(0.9) WITHIN GROUP (ORDER BY milliseconds), :least_slow) AS slow_limit,
        min(predicted_at) AS first FROM seen
)
SELECT user_id, count(*), count(*) FILTER (WHERE failed), count(*) FILTER (WHERE milliseconds > slow_limit),
    slow_limit, first
FROM seen CROSS JOIN slow GROUP BY user_id, slow_limit, first ORDER BY user_id
"""
_IN_ARMS = f"""
SELECT a.predicted_at, a.arm = 'canary' OR a.failed_version = :version AS treated, a.failed_version <> '' AS failed,
    a.milliseconds, coalesce(k.errors, :all_errors) AS errors, coalesce(k.slow, :all_slow) AS slow,
    a.row_id, a.user_id, a.prediction, a.confidence
FROM answers a LEFT JOIN unnest(
    CAST(:users AS text[]), CAST(:errors AS float8[]), CAST(:slow AS float8[])
) AS k(user_id, errors, slow) ON k.user_id = a.user_id
WHERE a.origin = 'served' AND {_OF_DAYS.format(a="a")}
AND ((a.arm = 'canary' AND a.version = :version) OR a.failed_version = :version OR a.arm = 'control')
"""
_IN_SHADOW = f"""
SELECT s.predicted_at, arm.treated, arm.failed, arm.milliseconds, 1.0 AS errors, 1.0 AS slow,
    CASE WHEN s.failed_version = '' THEN c.row_id ELSE '' END AS row_id, c.user_id, arm.prediction, arm.confidence
FROM answers s JOIN answers c ON c.day = s.day AND c.prediction_id = s.prediction_id AND c.origin = 'served'
CROSS JOIN LATERAL (VALUES
    (true, s.failed_version <> '', s.milliseconds, s.prediction, s.confidence),
    (false, c.failed_version <> '', c.milliseconds, c.prediction, c.confidence)
) AS arm(treated, failed, milliseconds, prediction, confidence)
WHERE s.origin = 'shadow' AND s.version = :version AND {_OF_DAYS.format(a="s")}
AND c.day BETWEEN :first_day AND :last_day
"""
_STRETCHES = """
WITH answered AS ({rows}), stepped AS (
    SELECT *, width_bucket(predicted_at, CAST(:starts AS timestamptz[])) AS step FROM answered
)
SELECT step - 1,
    floor(extract(epoch FROM predicted_at - (CAST(:starts AS timestamptz[]))[step]) / :seconds)::bigint,
    treated, count(*), count(*) FILTER (WHERE failed), count(*) FILTER (WHERE milliseconds > :slow_limit),
    sum(errors), sum(slow)
FROM stepped GROUP BY 1, 2, 3
"""
_MATURED = """
WITH answered AS ({rows})
SELECT DISTINCT ON (row_id, treated)
    floor(extract(epoch FROM predicted_at - :start) / 3600)::bigint, treated, user_id, prediction, confidence, label
FROM answered JOIN outcomes o USING (row_id)
WHERE o.model = :model AND row_id <> '' AND o.known_at <= :known_by
ORDER BY row_id, treated, predicted_at
"""
_MATURED_BEFORE = f"""
SELECT DISTINCT ON (a.row_id) 0, false, a.user_id, a.prediction, a.confidence, o.label
FROM answers a JOIN outcomes o ON o.model = a.model AND o.row_id = a.row_id
WHERE a.row_id <> '' AND o.known_at <= :until AND {_BEFORE}
ORDER BY a.row_id, a.predicted_at
"""


@dataclass(frozen=True)
class Window:
    """The answers of a part of a rollout: in shadow, or from the first share on."""

    model: str
    version: str
    starts: tuple[datetime, ...]
    """When each step of the part began, by the clock on the wall."""
    until: datetime
    shadow: bool


class RolloutTraffic:
    """Reads the log of answers for the guard of rollouts; every method may raise `ServiceError`."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def users_before(self, model: str, since: datetime, until: datetime) -> UsersBefore:
        """What each user was answered in ``[since, until)`` by what was in production."""
        rows = self._rows(_USERS_BEFORE, _before(model, since, until, least_slow=LEAST_SLOW))
        counts = np.array([row[1:4] for row in rows], dtype=np.float64).reshape(-1, 3)
        limit, first = (rows[0][4], rows[0][5]) if rows else (LEAST_SLOW, until)
        minutes = (until - first).total_seconds() / 60
        answers, errors, slow = counts.T
        users = tuple(row[0] for row in rows)
        return UsersBefore(users, answers, errors, slow, float(limit), minutes)

    def stretches(
        self, window: Window, before: UsersBefore, compared: Comparison, since: datetime
    ) -> Entries:
        """The sums over the answers of a window from ``since`` on, the beginning of a stretch."""
        parameters = _of(window, before, compared, since)
        rows = self._rows(_STRETCHES.format(rows=_rows_of(window)), parameters)
        columns = np.array(rows, dtype=np.float64).reshape(-1, 8)
        return Entries(
            columns[:, 0].astype(np.int64),
            columns[:, 1].astype(np.int64),
            columns[:, 2].astype(bool),
            columns[:, 3:],
        )

    def matured(
        self, window: Window, before: UsersBefore, compared: Comparison, known_by: datetime
    ) -> MaturedAnswers:
        """The answers of a window whose outcome was known at a moment, the first of each row and arm."""
        parameters = _of(window, before, compared, window.starts[0]) | {
            "start": window.starts[0],
            "known_by": known_by,
        }
        return _matured(self._rows(_MATURED.format(rows=_rows_of(window)), parameters))

    def matured_before(self, model: str, since: datetime, until: datetime) -> MaturedAnswers:
        """The answers of ``[since, until)`` whose outcome was known at its end, the first of each row."""
        return _matured(self._rows(_MATURED_BEFORE, _before(model, since, until)))

    def _rows(self, query: str, parameters: dict[str, Any]) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(sa.text(query), parameters).fetchall()


def _rows_of(window: Window) -> str:
    return _IN_SHADOW if window.shadow else _IN_ARMS


def _before(model: str, since: datetime, until: datetime, **more: float) -> dict[str, Any]:
    failed = {"canary_failed": Fallback.CANARY_FAILED.value}
    return {"model": model, **_days(since, until), **failed, **more}


def _of(
    window: Window, before: UsersBefore, compared: Comparison, since: datetime
) -> dict[str, Any]:
    arms = {
        "users": list(before.users),
        "errors": compared.errors.values.tolist(),
        "slow": compared.slow.values.tolist(),
        "all_errors": compared.errors.overall,
        "all_slow": compared.slow.overall,
    }
    return {
        "model": window.model,
        "version": window.version,
        "starts": list(window.starts),
        "seconds": 60 * compared.minutes,
        "slow_limit": before.slow_limit,
        **_days(since, window.until),
        **({} if window.shadow else arms),
    }


def _days(since: datetime, until: datetime) -> dict[str, datetime | date]:
    return {
        "since": since,
        "until": until,
        "first_day": since.astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date(),
    }


def _matured(rows: Sequence[Any]) -> MaturedAnswers:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    hours, treated, users, predicted, confidence, labels = columns
    return MaturedAnswers(
        np.array(hours, dtype=np.int64),
        np.array(treated, dtype=bool),
        np.array(users, dtype=object),
        MaturedPredictions(
            np.array(predicted, dtype=object),
            np.array(confidence, dtype=np.float64),
            np.array(labels, dtype=object),
        ),
    )
