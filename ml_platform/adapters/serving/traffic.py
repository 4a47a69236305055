"""The log of answers as the pages read it: sums by version and hour, classes, and the newest row of features."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import log
from typing import Any

import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.serving.answer_row import Origin
from ml_platform.serving.router import Fallback, ServedArm
from ml_platform.serving.traffic import RATIO, Tally, Traffic, TrafficPart

SECONDS = 5
"""How long a query may take; a page does without what takes longer."""
_PARTS = sa.text("""
SELECT model, version, arm, date_trunc('hour', predicted_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS hour,
    floor(ln(greatest(milliseconds, 0.001)) / :ratio)::int AS bucket, count(*) AS answers,
    count(*) FILTER (WHERE fallback = :no_champion) AS by_rules,
    count(*) FILTER (WHERE fallback NOT IN ('', :no_champion)) AS fallbacks,
    count(*) FILTER (WHERE failed_version <> '') AS errors
FROM answers
WHERE day >= :first_day AND predicted_at >= :since AND (:model = '' OR model = :model)
GROUP BY 1, 2, 3, 4, 5
""")
_CLASSES = sa.text("""
SELECT prediction, count(*) AS answers FROM answers
WHERE day >= :first_day AND predicted_at >= :since AND model = :model AND arm <> :shadow
GROUP BY 1 ORDER BY 2 DESC, 1
""")
_EXAMPLE = sa.text("""
SELECT features FROM answers JOIN answer_payloads USING (day, prediction_id, origin)
WHERE day >= :first_day AND predicted_at >= :since AND model = :model AND origin = :origin
ORDER BY predicted_at DESC LIMIT 1
""")


class TrafficLog:
    """Reads the tables of answers; each query may take `SECONDS`."""

    def __init__(self, url: str) -> None:
        """Connect when first asked; ``url`` is that of the ledger, in SQLAlchemy's form."""
        self._engine = ledger_engine(url)

    def traffic(self, since: datetime, until: datetime, model: str = "") -> Traffic:
        """The answers of the hours from ``since`` to ``until``, of one model or of all.

        Raises:
            ServiceError: the database does not answer, or takes too long.
        """
        no_champion = Fallback.NO_CHAMPION.value
        rows = self._read(_PARTS, since, ratio=log(RATIO), model=model, no_champion=no_champion)
        return Traffic(since, until, tuple(_parts(rows)))

    def classes(self, model: str, since: datetime) -> tuple[tuple[str, int], ...]:
        """What a model has predicted since then and how often, the most frequent first.

        Raises:
            ServiceError: the database does not answer, or takes too long.
        """
        rows = self._read(_CLASSES, since, model=model, shadow=ServedArm.SHADOW.value)
        return tuple((row.prediction, row.answers) for row in rows)

    def example(self, model: str, since: datetime) -> str:
        """The features that a model was last asked with since then, as JSON; empty if it was not.

        Raises:
            ServiceError: the database does not answer, or takes too long.
        """
        rows = self._read(_EXAMPLE, since, model=model, origin=Origin.SERVED.value)
        return str(rows[0].features) if rows else ""

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _read(self, query: sa.TextClause, since: datetime, **values: object) -> list[sa.Row[Any]]:
        bound = {"since": since, "first_day": (since - timedelta(days=1)).date(), **values}
        with self._engine.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{SECONDS}s'"))
            return list(connection.execute(query, bound))


def _parts(rows: Iterable[sa.Row[Any]]) -> Iterable[TrafficPart]:
    """The rows of one version, arm and hour, which differ in their bucket, as one part each."""
    sums: dict[tuple[str, str, str, datetime], list[int]] = {}
    latencies: dict[tuple[str, str, str, datetime], Counter[int]] = {}
    for row in rows:
        key = (row.model, row.version, row.arm, row.hour)
        found = sums.setdefault(key, [0, 0, 0, 0])
        for place, count in enumerate((row.answers, row.by_rules, row.fallbacks, row.errors)):
            found[place] += count
        latencies.setdefault(key, Counter())[row.bucket] += row.answers
    for key, (answers, by_rules, fallbacks, errors) in sorted(sums.items()):
        tally = Tally(answers, by_rules, fallbacks, errors, dict(latencies[key]))
        yield TrafficPart(*key, tally)
