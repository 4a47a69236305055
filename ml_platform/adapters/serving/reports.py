"""Outcomes and feedback, stored with what they are about, in one statement and one commit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.adapters.serving.inbox import SECONDS
from ml_platform.serving.feedback import FEEDBACK, Report, days_of

REPORT = """
WITH answer AS (
    SELECT model, row_id, user_id FROM answers
    WHERE day = ANY(%(days)s::date[]) AND prediction_id = %(prediction_id)s::uuid AND origin <> 'shadow'
    AND (%(anybody)s OR user_id = %(user_id)s) LIMIT 1
), new AS (
    INSERT INTO feedback
        (prediction_id, kind, once, label, value, at, received_at, model, row_id, user_id, key_id)
    SELECT %(prediction_id)s::uuid, %(kind)s, %(once)s, %(label)s, %(value)s, %(at)s, %(now)s, model, row_id,
        user_id, %(key_id)s
    FROM answer ON CONFLICT DO NOTHING RETURNING model, row_id, user_id
), posted AS (
    INSERT INTO inbox (table_name, row_id, user_id, body, completes, received_at, key_id)
    SELECT %(table)s, row_id, user_id,
        json_build_object(
            'model', model, 'kind', %(kind)s::text, 'label', %(label)s::text, 'at', %(at_text)s::text
        ),
        true, %(now)s, %(key_id)s
    FROM new
)
SELECT model, row_id, EXISTS (SELECT FROM new) FROM answer
"""


@dataclass(frozen=True)
class Reported:
    """What a report is about."""

    model: str
    row_id: str
    is_new: bool
    """Whether the same report had not come before."""


class Reports:
    """Where one worker puts what people report of answers."""

    def __init__(self, database: Callable[[], str]) -> None:
        """Nothing is opened before the first report.

        Args:
            database: Where PostgreSQL is now, as libpq reads it.
        """
        self._database = database
        self._postgres = AsyncPostgres("", seconds=SECONDS)

    async def post(
        self, report: Report, user_id: str | None, key_id: str, now: datetime
    ) -> Reported | None:
        """Store a report; ``None``: there is no such answer, or it is another user's.

        Args:
            report: What is reported.
            user_id: Whose answers are looked at; ``None``: everybody's.
            key_id: The key that reports.
            now: When.

        Raises:
            ServiceError: PostgreSQL cannot be reached, or takes too long; to send it again does no harm.
        """
        if self._postgres.dsn != self._database():
            self._postgres.move_to(self._database())
        values = {name: getattr(report, name) for name in report.__struct_fields__}
        values |= {
            "prediction_id": str(report.prediction_id),
            "days": [str(day) for day in days_of(report.prediction_id)],
            "anybody": user_id is None,
            "user_id": user_id,
            "key_id": key_id,
            "now": now,
            "at_text": msgspec.json.decode(msgspec.json.encode(report.at)),
            "table": FEEDBACK,
        }
        rows = await self._postgres.execute(REPORT, values)
        return Reported(*rows[0]) if rows else None
