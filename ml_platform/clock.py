"""The six-hour grid of monitoring windows and clocks, times as people type them, and durations as they say them."""

from datetime import UTC, datetime, timedelta

from ml_platform.errors import UsageError

WINDOW = timedelta(hours=6)
CRON = "0 */6 * * *"


def last_boundary(moment: datetime) -> datetime:
    """The latest six-hour boundary (00, 06, 12, 18 o'clock UTC) at or before ``moment``."""
    utc = moment.astimezone(UTC)
    return utc.replace(hour=utc.hour - utc.hour % 6, minute=0, second=0, microsecond=0)


def next_boundary(moment: datetime) -> datetime:
    """The earliest six-hour boundary strictly after ``moment``."""
    return last_boundary(moment) + WINDOW


def parse_moment(option: str, text: str) -> datetime:
    """The time that was typed for ``option``; without a zone it is UTC, and ``now`` is the present.

    Raises:
        UsageError: the text is not a time in ISO 8601.
    """
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r} is not a time.", remedy="write it as 2026-05-01T12:00Z, or now"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_boundary(option: str, text: str) -> datetime:
    """The six-hour boundary at or before the time that was typed for ``option``.

    Raises:
        UsageError: the text is not a time in ISO 8601.
    """
    return last_boundary(parse_moment(option, text))


def duration(length: timedelta) -> str:
    """'15 days', '2 hours', or both; 'none' of no time at all."""
    days, rest = divmod(length.total_seconds() / 3600, 24)
    parts = [
        f"{count:g} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((days, "day"), (rest, "hour"))
        if count
    ]
    return " ".join(parts) or "none"
