"""Times and numbers as people export them, as DuckDB expressions that give what the schema's types are parsed from.

A time that is written without a zone is read in the zone of the map. Where clocks are set forward some local times
never were: they are refused, not moved (`SKIPPED`). Where clocks are set back an hour comes twice: the first of the
two is taken, so that the same file always gives the same events.
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ml_platform.errors import SourceError
from ml_platform.events.coerce import SKIPPED

EXCEL = "excel"
"""The `time_format` of spreadsheets: days since 30 December 1899 (Excel's day 1 is 1 January 1900)."""

_ZONED = r":\d\d.*([zZ]|[+-]\d\d(:?\d\d)?| ?UTC)$"
_SET_BACK = ("INTERVAL 2 HOUR", "INTERVAL 1 HOUR", "INTERVAL 30 MINUTE")
"""By how much clocks have been set back, longest first."""


def in_zone(term: str, timezone: str | None, time_format: str | None = None) -> str:
    """An SQL term as text that names its zone, where format and zone make that possible.

    Args:
        term: an SQL expression, of any type.
        timezone: the zone of times that are written without one; ``None`` leaves them without.
        time_format: how `strptime` reads the times, or `EXCEL`; ``None``: ISO 8601. What does not fit stays.
    """
    text = f"CAST({term} AS VARCHAR)"
    local = _parsed(text, time_format)
    if time_format and "%z" in time_format:
        return f"coalesce(CAST({local} AS VARCHAR), {text})"
    if timezone is None:
        return f"coalesce(CAST({local} AS VARCHAR), {text})" if time_format else text
    zone = "'" + timezone.replace("'", "''") + "'"
    moment = f"({local} AT TIME ZONE {zone})"
    repeated = " ".join(
        f"WHEN (({moment} - {back}) AT TIME ZONE {zone}) = {local} "
        f"THEN CAST({moment} - {back} AS VARCHAR)"
        for back in _SET_BACK
    )
    return (
        f"(CASE WHEN regexp_matches({text}, '{_ZONED}') OR {local} IS NULL THEN {text} "
        f"WHEN ({moment} AT TIME ZONE {zone}) <> {local} THEN {text} || '{SKIPPED}' "
        f"{repeated} ELSE CAST({moment} AS VARCHAR) END)"
    )


def with_point(term: str, decimal: str) -> str:
    """An SQL term as a number with a decimal point; what is no number in this notation stays none."""
    text = f"trim(CAST({term} AS VARCHAR))"
    if decimal == ".":
        return text
    number = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?"
    plain = f"replace(replace({text}, '.', ''), ',', '.')"
    return (
        f"(CASE WHEN regexp_full_match({text}, '{number}') THEN {plain} "
        f"WHEN contains({text}, '.') THEN {text} || ' (not with a decimal comma)' ELSE {text} END)"
    )


def check_zone(timezone: str | None, where: str) -> None:
    """Raises `SourceError` if ``timezone`` is not a name of the IANA database."""
    try:
        ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SourceError(
            f"{where}: there is no time zone {timezone!r}.",
            remedy="Give an IANA name, such as UTC or Europe/Amsterdam.",
        ) from error


def _parsed(text: str, time_format: str | None) -> str:
    if time_format is None:
        return f"TRY_CAST({text} AS TIMESTAMP)"
    if time_format == EXCEL:
        days = f"TRY_CAST(replace({text}, ',', '.') AS DOUBLE)"
        seconds = (
            f"CAST(CASE WHEN {days} BETWEEN 1 AND 2958465 THEN round({days} * 86400) END AS BIGINT)"
        )
        return f"(TIMESTAMP '1899-12-30' + to_seconds({seconds}))"
    return f"try_strptime(trim({text}), '{time_format.replace(chr(39), chr(39) * 2)}')"
