"""The features of a step: what was done last, as parallel lists of words, and what came next.

A step is a moment of a user (the rows of a commit are one step, by their most frequent values), and a session
is a stretch of work without a pause of more than 30 minutes, whatever the source calls a session. The lists
run on over the border of a session; a gap that begins with ``pause`` (or is ``first``) marks it. In a process log a
session is a case: the steps are those of the case, whoever did them and however long it rested in between, and it
is over once it has rested for longer than 95 % of the pauses inside cases. Its rows are one unit of a split.
"""

from ml_platform.features.define import NEVER_MISSING, category, clock, count, number, tokens
from ml_platform.features.row_features import CLOCK, ROW
from ml_platform.spec.feature import Family, FeatureSpec
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn

WINDOW = 10
"""Steps in a list, the row's own included, newest first."""
END = "end"
"""The label of a step after which the session ends."""
NEW_SESSION = ("first", "pause:")
"""How the gap of a session's first step begins."""

_WHOSE = "of the user (in a process log: of the case)"
_LISTS = f"the last 10 steps {_WHOSE}, the row's own included"
_STRETCH = "the session, up to the row"
_BEGINS = (
    "never missing; 0 at the first step of a session, which in a process log is that of a case"
)

STEP_FEATURES: tuple[FeatureSpec, ...] = (
    tokens("steps", _LISTS, "tool:operation of each step, newest first."),
    tokens("objects", _LISTS, "folder|extension of each step, 'none' without a path."),
    tokens(
        "gaps", _LISTS, "The pause before each step, as the first bound that it does not exceed."
    ),
    tokens(
        "runs",
        _LISTS,
        "'run' where the user started an unscheduled workflow between a step and the next, else '-'.",
    ),
    category("step", Family.RAW, ROW, NEVER_MISSING, "The first of the steps, for comparison."),
    category("object", Family.RAW, ROW, NEVER_MISSING, "The first of the objects, for comparison."),
    category(
        "gap",
        Family.TIME,
        f"the last step {_WHOSE} before the row",
        NEVER_MISSING,
        "The first of the gaps, for comparison.",
    ),
    *clock(ROW, CLOCK),
    number(
        "session_position",
        Family.TIME,
        (0, None),
        _STRETCH,
        _BEGINS,
        "Long sessions are about to end.",
    ),
    number(
        "session_minutes",
        Family.TIME,
        (0, None),
        _STRETCH,
        _BEGINS,
        "How long the session has lasted.",
        unit="minutes",
    ),
    number(
        "seconds_since_last",
        Family.TIME,
        (0, None),
        f"the last step {_WHOSE} before the row",
        f"null: the first step {_WHOSE}; kept as unknown",
        "The pause before the row, exact.",
        unit="seconds",
    ),
    number(
        "hours_since_run",
        Family.TIME,
        (0, None),
        "the user's unscheduled runs strictly before the row",
        "null: none so far, as always in a process log; kept as unknown",
        "What has just been started is not needed again.",
        unit="hours",
    ),
    number(
        "steps_since_run",
        Family.TIME,
        (1, 100),
        f"the steps {_WHOSE} since the one after which the last unscheduled run was started",
        f"never missing; where there was no run, the steps {_WHOSE} so far; 100 at most",
        "Users who have run nothing for long run nothing next.",
        unit="steps",
    ),
    count("events_24h", f"24 hours {_WHOSE} before the row", "Busy days have longer sessions."),
)

TABLE = FeatureTable(
    name="step_features",
    title=f"One row a step {_WHOSE}, what was done up to it, and what came next.",
    labels=(
        LabelColumn(
            "next_step",
            "varchar",
            "tool:operation of the session's next step, or end; null until it is known to go on or be over.",
        ),
        LabelColumn(
            "workflow_soon",
            "varchar",
            "yes where the user starts an unscheduled workflow after this step and no later than the third step "
            "from here (half an hour after the session's last, where it has fewer), else no; null until that is "
            "known, and where the source has no unscheduled runs.",
        ),
    ),
    parts=(
        FeaturePart(
            STEP_FEATURES,
            (
                "stg_events",
                "stg_workflow_executions",
                "int_objects",
                "int_events",
                "int_moments",
                "int_memories",
                "int_words",
                "step_features",
                "steps",
                "clock",
                "windows",
                "paths",
                "most_frequent",
                "as_of",
            ),
        ),
    ),
)
