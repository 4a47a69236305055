"""The features of a shown suggestion: what is known when it is shown.

A round is what a user has been offered of one workflow in the fortnight up to the suggestion. Frequency, recency,
success and similarity are as of the round's first offer: later runs may follow from the offers, and are counted
separately. An acceptance counts from the moment at which it was known, never from the moment of its offer.
"""

from ml_platform.features.define import NEVER_MISSING, category, clock, count, number
from ml_platform.spec.feature import Comparison, Family, FeatureSpec
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn
from ml_platform.spec.training_set import CLUSTER

SHARE = (0.0, 1.0)
BEFORE_ROUND = "14 days before the round"
ROUND = "the round, before the row"
EVER = "all time before the row"
MONTH = "30 days before the row"
WORKFLOW = "workflow"


def _count(name: str, window: str, reason: str, cluster: str = CLUSTER) -> FeatureSpec:
    # Training rows have enough offers of their round left for a label, rows of a window need not.
    grows = window in (EVER, ROUND)
    compare = Comparison.NEVER if grows else Comparison.DISTRIBUTION
    return count(name, window, reason, compare=compare, cluster=cluster)


def _rate(name: str, window: str, reason: str, cluster: str = CLUSTER) -> FeatureSpec:
    missing = "never missing: smoothed by one yes and one no, so .5 where there is nothing"
    return number(name, Family.INTERACTION, SHARE, window, missing, reason, cluster=cluster)


def _hours(name: str, high: float, window: str, missing: str, reason: str) -> FeatureSpec:
    return number(name, Family.TIME, (0, high), window, missing, reason, unit="hours")


USE_FEATURES: tuple[FeatureSpec, ...] = (
    category(
        "category",
        Family.CATEGORICAL,
        "the row",
        "null: the suggestion names none; kept as a value of its own",
        "Kind of work that the workflow is for.",
    ),
    _count("runs_14d", BEFORE_ROUND, "How often the user ran the workflow unasked."),
    _hours(
        "hours_since_run",
        336,
        BEFORE_ROUND,
        "never missing: 336 where there was no run in the window",
        "How long ago the user last ran it, as of the round.",
    ),
    _count("finished_14d", BEFORE_ROUND, "Runs of it by the user that have ended."),
    _rate("success_14d", BEFORE_ROUND, "How often these succeeded."),
    number(
        "similarity",
        Family.DOMAIN,
        SHARE,
        "14 days to 1 day before the round",
        "null: the suggestion names no kind of work, or no event of the user has one; kept as unknown",
        "Share of the user's events that are of the workflow's kind of work.",
    ),
    _count("runs_since", ROUND, "Runs since the first offer: it is being taken up."),
    _count("user_runs_14d", "14 days before the row", "How much the user runs at all."),
    _count("events_known", "14 days to 1 day before the row", "How much is known of the user."),
)

ACCEPTANCE_FEATURES: tuple[FeatureSpec, ...] = (
    _count("round_shown", ROUND, "How often it was offered already."),
    _count("round_answered", ROUND, "Of these with a known outcome."),
    _count("round_accepted", ROUND, "Of these accepted."),
    _rate("round_rate", ROUND, "How often this user takes this workflow these days."),
    number(
        "round_pending",
        Family.INTERACTION,
        (None, None),
        ROUND,
        NEVER_MISSING,
        "Offers whose outcome is open: mostly ignored. Negative where older offers are answered late.",
    ),
    number(
        "round_hours",
        Family.TIME,
        (0, 336),
        ROUND,
        NEVER_MISSING,
        "How long it has been offered; late offers have too few after them for a label, so training rows differ.",
        Comparison.NEVER,
        unit="hours",
    ),
    _count("pair_shown", EVER, "How often it was ever offered to the user."),
    _count("pair_answered", EVER, "Of these with a known outcome."),
    _count("pair_accepted", EVER, "Of these accepted."),
    _rate("pair_rate", EVER, "How often this user ever took this workflow."),
    _count("user_answered_30d", MONTH, "Outcomes of all offers to the user."),
    _count("user_accepted_30d", MONTH, "Of these accepted."),
    _rate("user_rate_30d", MONTH, "How willing the user is in general."),
    _count(
        "workflow_answered_30d", MONTH, "Outcomes of the workflow's offers to anybody.", WORKFLOW
    ),
    _count("workflow_accepted_30d", MONTH, "Of these accepted.", WORKFLOW),
    _rate("workflow_rate_30d", MONTH, "How welcome the workflow is in general.", WORKFLOW),
    number(
        "offers_at_once",
        Family.RAW,
        (1, None),
        "the row",
        NEVER_MISSING,
        "Suggestions shown to the user at that moment, this one among them.",
        unit="count",
    ),
)

CLOCK_FEATURES: tuple[FeatureSpec, ...] = clock("the row, UTC", NEVER_MISSING)

_EVERY = ("stg_suggestions", "suggestion_features", "offers", "windows", "as_of")
TABLE = FeatureTable(
    name="suggestion_features",
    title="One row a shown suggestion, its keys, what became of it, and what was known when it was shown.",
    labels=(
        LabelColumn(
            "adopted_share",
            "double",
            "Accepted of the offers of this workflow to this user in the 14 days from this one on, itself "
            "included; null until they are known and where they are fewer than 8. In a source that offers a "
            "workflow once, 1 or 0: accepted or not.",
        ),
        LabelColumn("adopted", "varchar", "Whether this offer was accepted, 'yes' or 'no'."),
        LabelColumn("occasions", "double", "Offers that the share is of."),
        LabelColumn(WORKFLOW, "varchar", "The workflow that is offered."),
    ),
    parts=(
        FeaturePart(
            USE_FEATURES,
            (*_EVERY, "int_offers", "int_offer_context", "stg_workflow_executions", "stg_events"),
        ),
        FeaturePart(ACCEPTANCE_FEATURES, (*_EVERY, "int_offers", "int_offer_context")),
        FeaturePart(CLOCK_FEATURES, (*_EVERY, "clock")),
    ),
)
SUGGESTION_FEATURES = TABLE.features
"""The features in the order of the columns of ``suggestion_features``, after keys and labels."""
