"""The features of a session: how much was done in it and how, and how unlike its user that is.

A session is what the source calls one, else a stretch of work without a pause of more than 30 minutes; it has a row
when it has five moments or more (the rows of a commit are one moment). Its past is the month strictly before its
first moment. A surprise is minus the logarithm of how often the user did such a thing in that month, drawn to how often
everybody did by twenty events.
"""

from ml_platform.features.define import NEVER_MISSING, number
from ml_platform.features.row_features import CLOCK, SLOTS
from ml_platform.features.spec import Comparison, Family, FeatureSpec
from ml_platform.features.table import FeaturePart, FeatureTable, LabelColumn

LEAST_MOMENTS = 5
"""Shorter sessions have no row."""

_SESSION = "the session"
_MONTH = "the session, against 30 days of the user before it"
_ALL = "the session, against 30 days before it of the user and of everybody"
_NO_PATH = "null: no event of the session has an object path; kept as unknown"
_LITTLE = "null: fewer than 20 moments of the user in the window; kept as unknown"
_SHARE = (0.0, 1.0)


def _surprise(what: str, reason: str, missing: str = NEVER_MISSING) -> FeatureSpec:
    return number(
        f"{what}_surprise", Family.AGGREGATION, (0, None), _ALL, missing, reason, unit="nats"
    )


SESSION_FEATURES: tuple[FeatureSpec, ...] = (
    number(
        "session_events",
        Family.RAW,
        (LEAST_MOMENTS, None),
        _SESSION,
        NEVER_MISSING,
        "Nobody does a hundred things in one sitting.",
        unit="moments",
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
        "gap_deviation",
        Family.TIME,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Programs keep time. Standard deviation of log(1 + seconds).",
    ),
    number(
        "distinct_files",
        Family.RAW,
        (0, None),
        _SESSION,
        NEVER_MISSING,
        "Who looks through everything opens many files.",
        unit="files",
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
        "tool_switch_share",
        Family.INTERACTION,
        _SHARE,
        _SESSION,
        NEVER_MISSING,
        "People stay with a tool for a while.",
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
    _surprise("tool", "Tools that this user does not use."),
    _surprise("step", "Things that this user does not do."),
    _surprise("transition", "Things that nobody does one after the other."),
    _surprise("folder", "Places where this user does not work.", _NO_PATH),
    number(
        "new_file_share",
        Family.AGGREGATION,
        _SHARE,
        _MONTH,
        f"{_LITTLE}; so is a session without paths",
        "Files that this user has not touched.",
    ),
    number(
        "size_deviation",
        Family.AGGREGATION,
        (None, None),
        _MONTH,
        "null: fewer than 3 sessions of the user in the window; kept as unknown",
        "Longer than the user's sessions are. Logarithm of the moments over their mean.",
    ),
    number(
        "gap_deviation_from_usual",
        Family.AGGREGATION,
        (None, None),
        _MONTH,
        _LITTLE,
        "Faster than the user is. Difference of the means of log(1 + seconds).",
    ),
    number(
        "usual_hour_share",
        Family.AGGREGATION,
        _SHARE,
        _MONTH,
        _LITTLE,
        "Share of the user's moments in the quarter of the day in which the session starts.",
        Comparison.SAME_SLOTS,
    ),
)

TABLE = FeatureTable(
    name="session_features",
    title="One row a session of five moments or more, what was done in it, and how unlike its user that is.",
    labels=(
        LabelColumn(
            "anomalous",
            "varchar",
            "yes where the session has been reported as anomalous, else no; null until a day after its end, and where "
            "the source has no reports at all.",
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
                "session_features",
                "sessions",
                "windows",
                "paths",
                "most_frequent",
                "as_of",
            ),
        ),
    ),
)
