"""The features of a session: how much was done in it and how, and how unlike its user that is.

A session is what the source calls one, else (where it has none, or calls each change set one, as a history of
commits does) a stretch of work without a pause of more than 30 minutes; it has a row
when it has five moments or more (the rows of a commit are one moment). Its past is the month strictly before its
first moment.

The surprise of a moment is minus the logarithm of its relative frequency in that month; a frequency that rests on
few events is shrunk towards one that rests on more, with the weight of twenty events. The usual surprise is the
mean over the user's month, shrunk likewise towards everybody's. A deviation is the sum of what exceeds the usual
over the root of the number of moments, so that long and short sessions compare.
"""

from datetime import timedelta

from ml_platform.features.define import NEVER_MISSING, number
from ml_platform.features.row_features import CLOCK, SLOTS
from ml_platform.spec.feature import Family, FeatureSpec
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn

LEAST_MOMENTS = 5
"""Shorter sessions have no row."""

_SESSION = "the session"
_NO_PATH = (
    "null: no event of the session has an object path, or nothing came before; kept as unknown"
)
_NO_PAST = "null: no day of anybody before the session's; kept as unknown"
_SHARE = (0.0, 1.0)


def _unusual(what: str, reason: str, missing: str = _NO_PAST) -> FeatureSpec:
    return number(
        f"unusual_{what}",
        Family.AGGREGATION,
        (None, None),
        "the session, against 30 days before it of the user and of everybody",
        missing,
        f"{reason} Sum of what exceeds the usual over the root of the count.",
        unit="nats",
    )


SESSION_FEATURES: tuple[FeatureSpec, ...] = (
    number(
        "session_events",
        Family.RAW,
        (LEAST_MOMENTS, None),
        _SESSION,
        NEVER_MISSING,
        "Sessions of a hundred moments are rare.",
        unit="moments",
    ),
    number(
        "size_deviation",
        Family.AGGREGATION,
        (None, None),
        "the session, against 30 days of the user before it",
        "null: fewer than 3 sessions of the user in the window; kept as unknown",
        "Longer than the user's sessions are. Logarithm of the moments over their mean.",
    ),
    number(
        "gap_mean",
        Family.TIME,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Programs are faster than people. Mean of log(1 + seconds).",
    ),
    number(
        "gap_spread",
        Family.TIME,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Programs keep time. Standard deviation of log(1 + seconds).",
    ),
    number(
        "distinct_file_share",
        Family.RAW,
        _SHARE,
        _SESSION,
        _NO_PATH,
        "Work comes back to its files.",
    ),
    number(
        "tool_entropy",
        Family.RAW,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Work keeps to few tools.",
        unit="nats",
    ),
    number(
        "step_entropy",
        Family.RAW,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Work repeats its steps (tool and operation).",
        unit="nats",
    ),
    number(
        "distinct_transition_share",
        Family.INTERACTION,
        _SHARE,
        _SESSION,
        NEVER_MISSING,
        "Work repeats the order of its steps.",
    ),
    number(
        "night_share",
        Family.TIME,
        _SHARE,
        _SESSION,
        CLOCK,
        "Few people work between midnight and six.",
        SLOTS,
    ),
    _unusual("work", "Steps that nobody does one after the other, or not in such a folder."),
    _unusual("step", "Steps that this user does not do."),
    _unusual("transition", "Tools and operations that nobody uses one after the other."),
    _unusual("place", "Steps that nobody does in such a folder.", _NO_PATH),
    _unusual("file", "Files that nobody opens, of the places where they lie.", _NO_PATH),
    _unusual("gap", "Faster, or slower, than the user is."),
)

TABLE = FeatureTable(
    name="session_features",
    title="One row a session of five moments or more, what was done in it, and how unlike its user that is.",
    labels=(
        LabelColumn(
            "anomalous",
            "varchar",
            "yes where the session has been reported as anomalous, else no; null until a day after its end, "
            "and where the source has no reports at all.",
        ),
    ),
    parts=(
        FeaturePart(
            SESSION_FEATURES,
            (
                "stg_events",
                "stg_known_anomalies",
                "int_objects",
                "int_events",
                "int_moments",
                "int_session_moments",
                "int_session_steps",
                "int_session_transitions",
                "int_session_places",
                "int_session_surprises",
                "session_features",
                "sessions",
                "windows",
                "paths",
                "most_frequent",
                "as_of",
            ),
        ),
    ),
    # A session that goes on has moved its row: until nothing has followed for a day it may not be over.
    complete_after=timedelta(days=1),
)
