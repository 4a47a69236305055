"""The log of answers as the report on a version in shadow reads it: sums over pairs, in one pass."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.serving.shadow_differences import (
    MOST_CONFUSED,
    Agreement,
    ConfidenceDifference,
    Confusion,
    Latency,
    LoggedPairs,
    OfArm,
    OfUser,
)

SECONDS = 4
"""How long a query may take for a page or a route."""
_NEWEST = """
SELECT version FROM answers
WHERE model = :model AND origin = 'shadow' AND day >= :first_day AND predicted_at >= :since
ORDER BY predicted_at DESC LIMIT 1
"""
# An answer in shadow has the id and the day of the one that was given.
_PAIRS = """
WITH pairs AS MATERIALIZED (
    SELECT c.predicted_at, c.user_id, c.version, c.arm, c.prediction AS served, s.prediction AS shadow,
        c.failed_version <> '' AS served_failed, s.failed_version <> '' AS shadow_failed,
        s.confidence - c.confidence AS surer, c.milliseconds AS served_ms, s.milliseconds AS shadow_ms
    FROM answers s JOIN answers c
    ON c.day = s.day AND c.prediction_id = s.prediction_id AND c.origin <> 'shadow'
    WHERE s.origin = 'shadow' AND s.model = :model AND s.version = :version
    AND s.day >= :first_day AND s.predicted_at >= :since AND c.day >= :first_day
), compared AS NOT MATERIALIZED (
    SELECT * FROM pairs WHERE NOT served_failed AND NOT shadow_failed
), whole AS (
    SELECT count(*) AS pairs, count(*) FILTER (WHERE served_failed) AS failed_served,
        count(*) FILTER (WHERE shadow_failed) AS failed_shadow,
        min(predicted_at) AS first_at, max(predicted_at) AS last_at
    FROM pairs
), figures AS (
    SELECT avg(surer) AS surer, percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY abs(surer)) AS sizes,
        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY served_ms) AS served_ms,
        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY shadow_ms) AS shadow_ms
    FROM compared
), users AS (
    SELECT user_id, count(*) AS pairs, count(*) FILTER (WHERE served = shadow) AS agreed
    FROM compared GROUP BY user_id
), arms AS (
    SELECT version, arm, count(*) AS pairs, count(*) FILTER (WHERE served = shadow) AS agreed
    FROM compared GROUP BY version, arm
), confused AS (
    SELECT served, shadow, count(*) AS pairs FROM compared WHERE served <> shadow
    GROUP BY served, shadow ORDER BY pairs DESC, served, shadow LIMIT :most
)
SELECT whole.*, figures.*,
    (SELECT count(*) FROM answers a WHERE a.model = :model AND a.origin <> 'shadow' AND a.day >= :first_day
        AND a.predicted_at BETWEEN whole.first_at AND whole.last_at) AS served,
    (SELECT json_agg(json_build_array(user_id, pairs, agreed) ORDER BY user_id) FROM users) AS users,
    (SELECT json_agg(json_build_array(version, arm, pairs, agreed)) FROM arms) AS arms,
    (SELECT json_agg(json_build_array(served, shadow, pairs) ORDER BY pairs DESC, served, shadow)
        FROM confused) AS confusions
FROM whole, figures
"""


class ShadowLog:
    """Reads the answers in shadow and those beside which they stand; every method may raise `ServiceError`."""

    def __init__(self, url: str, *, seconds: int = SECONDS) -> None:
        """Connect when first asked.

        Args:
            url: Of the ledger, in SQLAlchemy's form.
            seconds: How long a query may take.
        """
        self._engine = ledger_engine(url)
        self._seconds = seconds

    def newest_version(self, model: str, since: datetime) -> str | None:
        """The version of the newest answer in shadow since then; ``None`` if there is none."""
        rows = self._rows(_NEWEST, since, model=model)
        return str(rows[0].version) if rows else None

    def pairs(self, model: str, version: str, since: datetime) -> LoggedPairs | None:
        """What a version has said in shadow since then, beside what was given; ``None`` without a pair."""
        (row,) = self._rows(_PAIRS, since, model=model, version=version, most=MOST_CONFUSED)
        if not row.pairs:
            return None
        return LoggedPairs(
            model=model,
            version=version,
            since=row.first_at,
            until=row.last_at,
            served=row.served,
            pairs=row.pairs,
            failed_served=row.failed_served,
            failed_shadow=row.failed_shadow,
            users=tuple(OfUser(user, Agreement(*counts)) for user, *counts in row.users or ()),
            arms=tuple(OfArm(v, arm, Agreement(*counts)) for v, arm, *counts in row.arms or ()),
            confusions=tuple(Confusion(*each) for each in row.confusions or ()),
            confidence=ConfidenceDifference(row.surer, *row.sizes) if row.sizes else None,
            served_latency=Latency(*row.served_ms) if row.served_ms else None,
            shadow_latency=Latency(*row.shadow_ms) if row.shadow_ms else None,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _rows(self, query: str, since: datetime, **values: object) -> list[sa.Row[Any]]:
        first_day = (since.astimezone(UTC) - timedelta(days=1)).date()
        with self._engine.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{self._seconds}s'"))
            bound = {"since": since, "first_day": first_day, **values}
            return list(connection.execute(sa.text(query), bound))
