"""Features of longer history: fixed windows before the row, of the user and of the shared object."""

from ml_platform.features.define import NEVER_MISSING, NO_PATH, count, number, share
from ml_platform.spec.feature import Family, FeatureSpec

QUIET_WEEK = "null: no event of the user in the 7 days; kept as unknown"
QUIET_WEEK_OR_NO_PATH = f"{QUIET_WEEK}, or the event has no object path"


def _count(name: str, window: str, reason: str, missing: str = NEVER_MISSING) -> FeatureSpec:
    return count(name, f"{window} before the row", reason, missing=missing)


def _share(of_events: str, missing: str, reason: str) -> FeatureSpec:
    return share(f"share_{of_events}_7d", "7 days before the row", missing, reason)


HISTORY_FEATURES: tuple[FeatureSpec, ...] = (
    _count("events_1h", "1 hour", "The user's pace now."),
    _count("events_24h", "24 hours", "The user's pace today."),
    _count("events_7d", "7 days", "The user's pace this week."),
    _count("change_sets_24h", "24 hours", "Change sets, not rows: a large batch is one."),
    number(
        "rate_1h_to_7d",
        Family.INTERACTION,
        (0, 168),
        "1 hour against 7 days before the row",
        QUIET_WEEK,
        "Events of the last hour over those of an average hour of the week: a trend.",
    ),
    _count("distinct_extensions_24h", "24 hours", "Breadth of the user's work today."),
    _share("extension", QUIET_WEEK_OR_NO_PATH, "How usual this file type is for the user."),
    _share("tool", QUIET_WEEK, "How usual this tool is for the user."),
    _share("folder", QUIET_WEEK_OR_NO_PATH, "How usual this component (two directories) is."),
    _share("hour", QUIET_WEEK, "How usual this hour of the day is for the user."),
    _count("object_touches_30d", "30 days", "Anybody's events on this very path.", NO_PATH),
    number(
        "hours_since_object_touched",
        Family.TIME,
        (0, 720),
        "30 days before the row",
        "null: nobody touched the path in the window, or there is no path; kept as unknown",
        "A file that was just written is being fixed.",
        unit="hours",
    ),
    _count("folder_touches_7d", "7 days", "Anybody's events in this component.", NO_PATH),
    _count("folder_users_30d", "30 days", "Distinct users in this component.", NO_PATH),
    _count("folder_user_touches_30d", "30 days", "This user's events in it.", NO_PATH),
    _count("all_events_24h", "24 hours", "Everybody's events: releases and quiet days."),
)
