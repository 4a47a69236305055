"""The tasks: what a model predicts, as frozen data, from which it follows how it is evaluated and logged.

A scorer returns one number per class for each row, shape (rows, classes). What the classes and the numbers
are depends on the task:

| task                   | classes                     | a number is                              | label         |
|------------------------|-----------------------------|------------------------------------------|---------------|
| `Classification`       | those of the label          | the probability of the class             | a class       |
| `ProportionRegression` | one, named by the label     | the expected proportion, in [0, 1]       | in [0, 1]     |
| `Detection`            | 'no', 'yes'                 | the probability, or a score in [0, 1]    | 'no', 'yes'   |
| `Ranking`              | the items                   | the higher, the more recommended         | items (list)  |
| `OffPolicyChoice`      | 'no', 'yes'                 | the probability of success at that time  | 'no', 'yes'   |
| `SequencePrediction`   | the next steps, then 'soon' | their probabilities, then that of 'soon' | a step        |

A declaration holds data alone. What the platform does with a task (how it is evaluated, what is logged of
it) is its adapter's, see `ml_platform.evaluation.tasks.adapter`.
"""

from dataclasses import dataclass
from typing import ClassVar

NO, YES = "no", "yes"
SOON = "soon"
"""The last class of a `SequencePrediction`: a workflow is needed soon."""

LIST_SEPARATOR = "|"
"""Stands between the items of a `Ranking`'s list where it is one text: in the prediction log and in ceilings."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The base of every task; a subclass has a ``name``, under which its adapter is registered."""

    name: ClassVar[str]
    """Unique among tasks: 'classification', 'ranking'."""
    extra_classes: ClassVar[tuple[str, ...]] = ()
    """Classes of the scorer that follow those of the label."""
    positive: ClassVar[str] = ""
    """The class without which in the test part nothing can be said of a scorer; empty if there is none."""
    optimal: ClassVar[tuple[str, ...]] = ()
    """Metrics in which no scorer beats the Bayes rule in expectation: whoever is shown above it knows more than
    the rows tell."""
    headline: tuple[str, ...] = ()
    """Metrics that a summary shows, the most important one first."""

    @property
    def list_length(self) -> int:
        """How many items the prediction of one row lists, best first; 0 where it is not a list."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """One class per row."""

    name: ClassVar[str] = "classification"
    optimal: ClassVar[tuple[str, ...]] = ("accuracy",)
    headline: tuple[str, ...] = (
        "change_set_accuracy",
        "change_set_macro_f1",
        "accuracy",
        "macro_f1",
    )
    """Where change sets have several rows they come first: gates count each of them once."""


@dataclass(frozen=True, kw_only=True)
class ProportionRegression(Task):
    """An expected proportion, in [0, 1], such as how often a suggestion is adopted."""

    name: ClassVar[str] = "proportion_regression"
    optimal: ClassVar[tuple[str, ...]] = ("r2",)
    outcome: str = "adopted"
    """The column of the single yes or no behind the proportion."""
    headline: tuple[str, ...] = ("r2", "mae", "spearman", "roc_auc", "brier_skill")


@dataclass(frozen=True, kw_only=True)
class Detection(Task):
    """Yes or no at the scorer's own threshold, which was chosen without the test rows."""

    name: ClassVar[str] = "detection"
    positive: ClassVar[str] = YES
    optimal: ClassVar[tuple[str, ...]] = ("roc_auc",)
    headline: tuple[str, ...] = ("precision", "recall", "false_alarm_rate", "roc_auc")


@dataclass(frozen=True, kw_only=True)
class Ranking(Task):
    """The ``k`` items with the highest numbers, in their order."""

    name: ClassVar[str] = "ranking"
    optimal: ClassVar[tuple[str, ...]] = ("ndcg_at_5",)
    k: int = 5
    headline: tuple[str, ...] = ("ndcg_at_5", "precision_at_5", "recall_at_5", "mrr", "coverage")

    @property
    def list_length(self) -> int:
        """The ``k`` items."""
        return self.k


@dataclass(frozen=True, kw_only=True)
class OffPolicyChoice(Task):
    """The best of a change set's candidate times, evaluated off-policy on logged propensities."""

    name: ClassVar[str] = "off_policy_choice"
    optimal: ClassVar[tuple[str, ...]] = ("roc_auc",)
    propensity: str = "propensity"
    """The column of the probability with which the logged policy chose the time."""
    chosen: str = "chosen"
    """The column that is 1 at the time that was chosen, else 0."""
    headline: tuple[str, ...] = ("relative_success", "policy_success", "roc_auc", "brier")


@dataclass(frozen=True, kw_only=True)
class SequencePrediction(Task):
    """The next step, and whether a workflow is needed soon."""

    name: ClassVar[str] = "sequence_prediction"
    optimal: ClassVar[tuple[str, ...]] = ("accuracy", "soon_roc_auc")
    extra_classes: ClassVar[tuple[str, ...]] = (SOON,)
    soon: str = "workflow_soon"
    """The column of the second label, 'yes' or 'no': whether a workflow is needed soon."""
    headline: tuple[str, ...] = ("soon_f1", "accuracy", "macro_f1", "soon_roc_auc")
