"""The six-hour grid on which the platform looks at the world."""

from datetime import UTC, datetime, timedelta

WINDOW = timedelta(hours=6)
CRON = "0 */6 * * *"


def last_boundary(moment: datetime) -> datetime:
    """The latest six-hour boundary (00, 06, 12, 18 o'clock UTC) at or before ``moment``."""
    utc = moment.astimezone(UTC)
    return utc.replace(hour=utc.hour - utc.hour % 6, minute=0, second=0, microsecond=0)


def next_boundary(moment: datetime) -> datetime:
    """The earliest six-hour boundary strictly after ``moment``."""
    return last_boundary(moment) + WINDOW
