"""The snapshots of a user's workflows: what is known on a Monday, and which workflows were begun after it."""

from ml_platform.features.define import NEVER_MISSING, category, count, number, tokens
from ml_platform.spec.feature import Comparison, Family
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn

HORIZON_DAYS = 14
"""Days after a snapshot in which a workflow that is run for the first time counts as adopted."""

_FORTNIGHT = "14 days before the row"
_EVER = "everything before the row"
_REPEATED = "Once, and once more for each doubling of its count; the most frequent first."
_COUNT = (0.0, None)

_WORKFLOWS = (
    tokens("used", _EVER, f"Workflows that the user has run: they show a taste. {_REPEATED}"),
    tokens("recent", _FORTNIGHT, f"Workflows of now, which weigh more. {_REPEATED}"),
    count(
        "workflows_used",
        _EVER,
        "Users with many runs are known by their runs, users without any by their events.",
        compare=Comparison.NEVER,
    ),
    count("runs", _EVER, "How much the history weighs.", compare=Comparison.NEVER),
    count("runs_14d", _FORTNIGHT, "The user's pace now."),
    number(
        "workflows_begun_14d",
        Family.TIME,
        _COUNT,
        _FORTNIGHT,
        NEVER_MISSING,
        "Workflows run for the first time: curiosity.",
        Comparison.NEVER,
        unit="count",
    ),
    number(
        "days_since_last_run",
        Family.TIME,
        (0.0, None),
        _EVER,
        "null: the user has run none; kept as unknown",
        "Users who stopped differ from users who go on.",
        unit="days",
    ),
)
_ACTIVITY = (
    tokens(
        "recent_doings",
        "the 28 days that end a day before the row, since categories are known a day late",
        f"Categories (c:) and tools (t:) of the user's events: all that is known of a new user. {_REPEATED}",
    ),
    category(
        "team",
        Family.CATEGORICAL,
        "the user",
        "null: the source knows no team; kept as a value of its own",
        "People of a team do alike.",
    ),
    number(
        "days_since_first_seen",
        Family.TIME,
        (0.0, None),
        _EVER,
        NEVER_MISSING,
        "How long the user could have begun something.",
        Comparison.NEVER,
        unit="days",
    ),
    count(
        "events_28d",
        "the 28 days that end a day before the row",
        "How much is known of what the user does.",
    ),
)
_EVERY = ("adoption_snapshots", "stg_workflow_executions", "stg_events", "repeated", "as_of")

TABLE = FeatureTable(
    name="adoption_snapshots",
    title=(
        "One row a user and Monday, 00:00 UTC, if the user was seen in the 28 days before: the workflows run "
        "so far, what the user does, and which workflows were run for the first time in the 14 days after."
    ),
    labels=(
        LabelColumn(
            "next_used",
            "varchar[]",
            "Workflows run for the first time in the 14 days from the row on, the first one first; empty if "
            "there was none, null until the 14 days are over.",
        ),
    ),
    parts=(
        FeaturePart(_WORKFLOWS, _EVERY),
        FeaturePart(_ACTIVITY, (*_EVERY, "stg_users")),
    ),
)
ADOPTION_SNAPSHOTS = TABLE.features
"""The features in the order of the columns of ``adoption_snapshots``, after keys and label."""
