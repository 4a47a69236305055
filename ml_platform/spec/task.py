"""What a model answers, as frozen data: from it follows how its answers are judged, logged and watched.

A scorer answers one number a class for each row, shape (rows, classes). What the classes are:

| task             | classes                     | a number is                              | label               |
|------------------|-----------------------------|------------------------------------------|---------------------|
| `Classification` | those of the label          | the probability of the class             | a class             |
| `ProportionRegression`          | one, named by the label     | the expected share, in [0, 1]            | a
number in [0, 1]  |
| `Detection`      | 'no', 'yes'                 | the probability, or a score in [0, 1]    | 'no', 'yes'         |
| `Ranking`        | the items                   | the higher, the more recommended         | a list of items     |
| `OffPolicyChoice`         | 'no', 'yes'                 | the probability of success at that time  | 'no',
'yes'         |
| `SequencePrediction`       | the next steps, then 'soon' | their probabilities, then that of 'soon' | a step;
'no', 'yes' |
"""

from dataclasses import dataclass

NO, YES = "no", "yes"
SOON = "soon"
"""The last class of a `SequencePrediction`: a workflow is needed soon."""


@dataclass(frozen=True)
class Classification:
    """One class a row."""

    headline: tuple[str, ...] = (
        "accuracy",
        "macro_f1",
        "change_set_accuracy",
        "change_set_macro_f1",
    )
    """Metrics that a summary shows, the first one first of all."""


@dataclass(frozen=True)
class ProportionRegression:
    """An expected share; ``outcome`` is the column of the single yes or no behind it."""

    outcome: str = "adopted"
    headline: tuple[str, ...] = ("r2", "mae", "spearman", "roc_auc", "brier_skill")


@dataclass(frozen=True)
class Detection:
    """Yes or no at the scorer's own threshold, which was chosen without the test rows."""

    headline: tuple[str, ...] = ("precision", "recall", "false_alarm_rate", "roc_auc")


@dataclass(frozen=True)
class Ranking:
    """The ``k`` items with the highest numbers, in their order."""

    k: int = 5
    headline: tuple[str, ...] = ("ndcg_at_5", "precision_at_5", "recall_at_5", "mrr", "coverage")


@dataclass(frozen=True)
class OffPolicyChoice:
    """The best of a change set's candidate times, judged on logged propensities."""

    propensity: str = "propensity"
    chosen: str = "chosen"
    headline: tuple[str, ...] = ("relative_success", "policy_success", "roc_auc", "brier")


@dataclass(frozen=True)
class SequencePrediction:
    """The next step, and whether a workflow is needed soon (label column ``soon``)."""

    soon: str = "workflow_soon"
    headline: tuple[str, ...] = ("soon_f1", "accuracy", "macro_f1", "soon_roc_auc")


Task = (
    Classification
    | ProportionRegression
    | Detection
    | Ranking
    | OffPolicyChoice
    | SequencePrediction
)
