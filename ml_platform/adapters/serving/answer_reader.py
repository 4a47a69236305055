"""The log of answers as people read it: their own answers page by page, and figures of the last hours."""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.errors import UsageError
from ml_platform.serving.answer_views import (
    RATIO,
    AnswerFilter,
    AnswerInDetail,
    AnswerPage,
    AnswerStatistics,
    LatencyCounts,
    LoggedAnswer,
)

_LAST_SECOND = 4e9
"""Year 2096: the time in an id that somebody made up may lie beyond what a date can be."""
_SHOWN = (
    "a.prediction_id, a.model, a.version, a.arm, a.origin, a.user_id, a.row_id, a.predicted_at, a.milliseconds, "
    "a.prediction, a.confidence, a.fallback, coalesce(o.label, r.label) AS outcome, "
    "CASE WHEN o.label IS NULL THEN r.at ELSE o.known_at END AS outcome_known_at"
)
# Who asks names the row himself: what came of it is shown where the batch log says that the row is the person's,
# and before that what was reported of this very answer.
_OUTCOME = """
LEFT JOIN outcomes o ON o.model = a.model AND o.row_id = a.row_id AND EXISTS (
    SELECT 1 FROM predictions p WHERE p.model = a.model AND p.row_id = a.row_id AND p.user_id = a.user_id
)
LEFT JOIN LATERAL (
    SELECT f.label, f.at FROM feedback f
    WHERE f.prediction_id = a.prediction_id AND f.kind = 'outcome' ORDER BY f.received_at DESC LIMIT 1
) r ON true
"""
_PLACE = """
SELECT predicted_at FROM answers
WHERE day BETWEEN :first AND :last AND prediction_id = :id AND user_id = :user_id AND origin <> 'shadow'
"""
_PAGE = """
SELECT {shown} FROM (
    SELECT * FROM answers
    WHERE user_id = :user_id AND origin <> 'shadow' {filters}
    ORDER BY predicted_at DESC, prediction_id DESC LIMIT :limit
) a {outcome}
ORDER BY a.predicted_at DESC, a.prediction_id DESC
"""
_ONE = f"""
SELECT {_SHOWN}, a.data_version, a.feature_version, w.features, w.scores
FROM answers a LEFT JOIN answer_payloads w USING (day, prediction_id, origin) {_OUTCOME}
WHERE a.day BETWEEN :first AND :last AND a.prediction_id = :id AND a.origin <> 'shadow'
"""
_COUNTS = """
SELECT predicted_at >= :last_hour AS is_new, fallback,
    floor(ln(greatest(milliseconds, 0.001)) / :ratio)::int AS bucket, count(*) AS answers
FROM answers WHERE day >= :first AND predicted_at >= :last_day AND origin <> 'shadow'
GROUP BY 1, 2, 3
"""


class AnswerReader:
    """Reads the tables of answers; each query has the limit of time that its address sets."""

    def __init__(self, url: str) -> None:
        """Connect when first asked; ``url`` is that of the ledger, in SQLAlchemy's form."""
        self._engine = ledger_engine(url)

    def page(self, asked: AnswerFilter) -> AnswerPage:
        """The answers that a person got, the newest first.

        Raises:
            UsageError: the page is to go on after an answer that this person never got.
            ServiceError: the database does not answer, or takes too long.
        """
        clauses, values = _clauses(asked)
        with self._engine.connect() as connection:
            if asked.after:
                found = connection.execute(
                    sa.text(_PLACE), {**_days(asked.after), "user_id": asked.user_id}
                ).scalar()
                if found is None:
                    raise UsageError(
                        f"after is {asked.after}, which is no prediction of this user.",
                        remedy="send `next` of the page before, or leave it out",
                    )
                clauses.append(
                    "day <= :last AND (predicted_at, prediction_id) < (:place, CAST(:id AS uuid))"
                )
                values |= {**_days(asked.after), "place": found}
            filters = " ".join(f"AND {each}" for each in clauses)
            query = _PAGE.format(shown=_SHOWN, filters=filters, outcome=_OUTCOME)
            values |= {"user_id": asked.user_id, "limit": asked.limit + 1}
            rows = [_answer(row) for row in connection.execute(sa.text(query), values)]
        shown = tuple(rows[: asked.limit])
        more = len(rows) > asked.limit
        return AnswerPage(shown, shown[-1].prediction_id if more else None)

    def one(self, prediction_id: str) -> AnswerInDetail | None:
        """One answer that somebody got; ``None`` if there is none of this id.

        Raises:
            ServiceError: the database does not answer, or takes too long.
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.text(_ONE), _days(prediction_id)).one_or_none()
        if row is None:
            return None
        return AnswerInDetail(
            _answer(row), row.data_version, row.feature_version, row.features, row.scores
        )

    def statistics(self, now: datetime) -> tuple[AnswerStatistics, AnswerStatistics]:
        """The figures of the last hour and of the last 24 before ``now``; answers in shadow, which nobody got,
        do not count.

        Raises:
            ServiceError: the database does not answer, or takes too long.
        """
        day_ago = now - timedelta(hours=24)
        values = {
            "ratio": math.log(RATIO),
            "last_hour": now - timedelta(hours=1),
            "last_day": day_ago,
            "first": day_ago.astimezone(UTC).date(),
        }
        with self._engine.connect() as connection:
            rows = list(connection.execute(sa.text(_COUNTS), values))
        return _counted(1, (row for row in rows if row.is_new)), _counted(24, rows)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _clauses(asked: AnswerFilter) -> tuple[list[str], dict[str, Any]]:
    """The conditions of a filter, with their values; those on the day let whole partitions be passed over."""
    clauses, values = [], dict[str, Any]()
    if asked.model:
        clauses.append("model = :model")
        values["model"] = asked.model
    if asked.since is not None:
        clauses.append("day >= :since_day AND predicted_at >= :since")
        values |= {"since": asked.since, "since_day": asked.since.astimezone(UTC).date()}
    if asked.until is not None:
        clauses.append("day <= :until_day AND predicted_at < :until")
        values |= {"until": asked.until, "until_day": asked.until.astimezone(UTC).date()}
    return clauses, values


def _days(prediction_id: str) -> dict[str, Any]:
    """The id, and the days that it can be of: a UUIDv7 begins with the milliseconds at which it was made."""
    identity = UUID(prediction_id)
    made = datetime.fromtimestamp(min((identity.int >> 80) / 1000, _LAST_SECOND), UTC).date()
    day = timedelta(days=1)
    return {"id": str(identity), "first": made - day, "last": made + day}


def _answer(row: Any) -> LoggedAnswer:
    fields = row._mapping
    values = {name: fields[name] for name in LoggedAnswer.__dataclass_fields__}
    return LoggedAnswer(**{**values, "prediction_id": str(values["prediction_id"])})


def _counted(hours: int, rows: Iterable[Any]) -> AnswerStatistics:
    latencies, fallbacks = Counter[int](), Counter[str]()
    for row in rows:
        latencies[row.bucket] += row.answers
        if row.fallback:
            fallbacks[row.fallback] += row.answers
    return LatencyCounts(hours, latencies, fallbacks).statistics()
