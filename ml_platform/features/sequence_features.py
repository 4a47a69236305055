"""Features of the sequence: what the same user did just before, never at the same moment.

The memory is the user's previous moments, at most twelve and at most eight hours old, whatever session
the source names. A moment of several events counts as one, by its most frequent values. In a process log
the case stands for the user: the moments are those of the case, whoever did them.
"""

from ml_platform.features.define import NO_PAST, category, number, tokens
from ml_platform.spec.feature import Family, FeatureSpec

MEMORY = "12 moments of the user within 8 hours before the row"
EIGHT_HOURS = "8 hours of the user before the row"
STRETCH = "the stretch of work, before the row"
FLAG = (0.0, 1.0)


def _lag(steps: int, what: str) -> FeatureSpec:
    return category(
        f"lag{steps}_{what}",
        Family.TIME,
        MEMORY,
        NO_PAST,
        f"Habits come in sequences: the {what} {steps} step{'s' if steps > 1 else ''} earlier.",
    )


def _same(what: str) -> FeatureSpec:
    reason = f"Staying with the {what} is staying with the task."
    return number(f"same_{what}_as_last", Family.TIME, FLAG, MEMORY, NO_PAST, reason)


SEQUENCE_FEATURES: tuple[FeatureSpec, ...] = (
    number(
        "session_position",
        Family.TIME,
        (0, None),
        STRETCH,
        "never missing; 0 begins a stretch (a pause of more than 30 minutes, or the first event)",
        "Work has beginnings and ends.",
    ),
    number(
        "session_minutes",
        Family.TIME,
        (0, None),
        STRETCH,
        "never missing; 0 at the beginning of a stretch",
        "How long the user has been at it.",
        unit="minutes",
    ),
    number(
        "seconds_since_last",
        Family.TIME,
        (0, None),
        "the user's last moment before the row",
        "null: the first moment of the user; kept as unknown",
        "A pause breaks the habit.",
        unit="seconds",
    ),
    number(
        "mean_gap_24h",
        Family.TIME,
        (0, 86400),
        "24 hours before the row",
        "null: fewer than two moments of the user in the window; kept as unknown",
        "The user's present pace.",
        unit="seconds",
    ),
    tokens("session_tokens", MEMORY, "Tool and operation of each moment, newest first."),
    tokens("session_places", MEMORY, "Two directories and extension of each, newest first."),
    *(_lag(1, what) for what in ("tool", "operation", "extension", "folder")),
    *(_lag(2, what) for what in ("tool", "operation", "extension", "folder")),
    _lag(3, "operation"),
    _same("tool"),
    _same("folder"),
    number(
        "run_length",
        Family.TIME,
        (0, None),
        "the user's moments before the row, without a pause of more than 8 hours",
        f"{NO_PAST}, or the event has no object path",
        "How many of the last moments in a row were in this row's folder.",
    ),
    number(
        "session_distinct_tools",
        Family.TIME,
        (1, None),
        EIGHT_HOURS,
        NO_PAST,
        "One tool: focus. Many: coordination.",
    ),
    number(
        "session_same_operation_share",
        Family.TIME,
        FLAG,
        EIGHT_HOURS,
        NO_PAST,
        "Whether this operation is what is being done now.",
    ),
)
