"""The features of a time at which a run could start: what is known when the time is chosen."""

from datetime import timedelta

from ml_platform.features.define import NEVER_MISSING, category, clock, count, number, share
from ml_platform.spec.feature import Family, FeatureSpec
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn
from ml_platform.spec.training_set import CLUSTER

MONTH = "28 days before the decision"
WORKFLOW = "workflow"
NO_RUN = "null: the pair had no run in the window; kept as unknown"
NOTHING_SETTLED = "null: no run with a known outcome in the window; kept as unknown"


def _count(name: str, reason: str, cluster: str = CLUSTER) -> FeatureSpec:
    return count(name, MONTH, reason, cluster=cluster)


def _share(
    name: str, reason: str, missing: str = NOTHING_SETTLED, cluster: str = CLUSTER
) -> FeatureSpec:
    return share(name, MONTH, missing, reason, cluster)


CANDIDATE_FEATURES: tuple[FeatureSpec, ...] = (
    category(WORKFLOW, Family.CATEGORICAL, "the row", NEVER_MISSING, "Workflows differ."),
    category(
        "launch_trigger",
        Family.CATEGORICAL,
        "the row",
        "null: the source names none",
        "Runs started by hand, by event and by schedule have different circumstances.",
    ),
    *clock("the candidate time, local", NEVER_MISSING),
)
HISTORY_FEATURES: tuple[FeatureSpec, ...] = (
    number(
        "hours_since_last",
        Family.TIME,
        (0, 720),
        MONTH,
        NO_RUN,
        "From the user's last known run of the workflow to the candidate time.",
        unit="hours",
    ),
    number(
        "mean_gap_hours",
        Family.TIME,
        (0, 672),
        MONTH,
        "null: fewer than two runs of the pair in the window; kept as unknown",
        "How far apart the user's runs of the workflow usually are.",
        unit="hours",
    ),
    _count("runs_28d", "How often the user runs the workflow: the frequency of the pattern."),
    _count("user_runs_28d", "How often the user runs anything."),
    _share("run_share_28d", "The workflow's share of the user's runs.", "null: no run of the user"),
    _count("user_events_28d", "How active the user is."),
    _count(
        "expected_activity",
        "Events of the user in the hour before the candidate time, on an average day of its kind.",
    ),
)
OUTCOME_FEATURES: tuple[FeatureSpec, ...] = (
    _share("last_succeeded", "1 if the pair's last settled run succeeded: persistence."),
    _count("settled_runs_28d", "How much the pair's success rate rests on."),
    _share("success_rate_28d", "How often the user's runs of the workflow succeed."),
    _count("user_settled_runs_28d", "How much the user's success rate rests on."),
    _share("user_success_rate_28d", "How often the user's runs succeed."),
    _count("workflow_runs_28d", "How much the workflow's success rate rests on.", WORKFLOW),
    _share(
        "workflow_success_rate_28d",
        "How often anybody's runs of the workflow succeed.",
        cluster=WORKFLOW,
    ),
    _count(
        "workflow_part_runs_28d", "How much its rate at this part of the day rests on.", WORKFLOW
    ),
    _share(
        "workflow_part_success_rate_28d",
        "How often anybody's runs of the workflow succeed in these three hours of the day.",
        cluster=WORKFLOW,
    ),
)

_EVERY = (
    "stg_workflow_executions",
    "int_runs",
    "int_candidate_start_times",
    "start_time_features",
    "as_of",
)

TABLE = FeatureTable(
    name="start_time_features",
    title=(
        "One row a time at which a run could have started (each hour of its logged candidate set, or its "
        "own start), and what was known of it when the time was chosen."
    ),
    labels=(
        LabelColumn(
            "succeeded",
            "varchar",
            "The label, yes or no, where the run started at this time and has ended; else null.",
        ),
        LabelColumn(
            "outcome",
            "varchar",
            "yes or no of the run itself, in each of its rows; null until known.",
        ),
        LabelColumn("chosen", "double", "1 where the run started at this time, else 0."),
        LabelColumn(
            "propensity",
            "double",
            "Logged probability with which the run's hour was drawn, in each of its rows; null if not drawn.",
        ),
        LabelColumn("logged_hour", "double", "Local hour at which the run started."),
        LabelColumn("slot", "double", "Local hour of the candidate time."),
    ),
    parts=(
        FeaturePart(CANDIDATE_FEATURES, (*_EVERY, "clock")),
        FeaturePart(
            HISTORY_FEATURES,
            (*_EVERY, "known_before", "windows", "stg_events"),
        ),
        FeaturePart(OUTCOME_FEATURES, (*_EVERY, "known_before", "windows")),
    ),
    # Rows of a candidate set lie at its midnight and are left out until its last hour is over.
    complete_after=timedelta(days=1),
)
START_TIME_FEATURES = TABLE.features
"""The features in the order of the columns of ``start_time_features``, after keys and labels."""
