"""Every metric of every task, declared once; whoever needs a label, a direction or an interval asks here.

A new metric is one declaration and the function that computes it. A plug-in declares its own by
`declare_metric`. Ranges are those of the values; ``ratio`` metrics are 0 where the denominator is 0.
"""

import re
from collections.abc import Iterable

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.spec.metric import Direction, IntervalKind, Metric
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
)

_CLASSES = (Classification.name, SequencePrediction.name)
_YES_OR_NO = (Detection.name, OffPolicyChoice.name)
_ALARMS, _TIMES = (Detection.name,), (OffPolicyChoice.name,)
_NUMBERS, _LISTS = (ProportionRegression.name,), (Ranking.name,)
_RANKED = (*_YES_OR_NO, ProportionRegression.name)

_OF_CLASSES = (
    Metric(
        "accuracy", "accuracy", "The share of rows whose class is right.", _CLASSES, steady=True
    ),
    Metric("macro_precision", "macro precision", "The mean precision of the classes.", _CLASSES),
    Metric("macro_recall", "macro recall", "The mean recall of the classes.", _CLASSES),
    Metric("macro_f1", "macro F1", "The mean F1 of the classes.", _CLASSES),
    Metric("micro_precision", "micro precision", "Accuracy, by its other name.", _CLASSES),
    Metric("micro_recall", "micro recall", "Accuracy, by its other name.", _CLASSES),
    Metric("micro_f1", "micro F1", "Accuracy, by its other name.", _CLASSES),
    Metric("weighted_precision", "weighted precision", "Precision, by support.", _CLASSES),
    Metric("weighted_recall", "weighted recall", "Recall of the classes, by support.", _CLASSES),
    Metric("weighted_f1", "weighted F1", "F1 of the classes, by support.", _CLASSES),
    Metric(
        "cohen_kappa",
        "Cohen's kappa",
        "Agreement beyond chance: 1 is all right, 0 no better than chance.",
        _CLASSES,
        low=-1.0,
    ),
    Metric(
        "top_3_accuracy",
        "top 3 accuracy",
        "The share of rows whose class is among the three most probable.",
        _CLASSES,
    ),
    Metric(
        "roc_auc_ovr",
        "ROC AUC one-vs-rest",
        "The mean over the classes of how well each is ranked above the rest; .5 is chance.",
        (Classification.name,),
    ),
    Metric(
        "roc_auc_ovr_weighted",
        "ROC AUC one-vs-rest weighted",
        "How well each class is ranked above the rest, by support; .5 is chance.",
        (Classification.name,),
    ),
    Metric(
        "average_precision_macro",
        "average precision macro",
        "The mean over the classes of the precision at the place of each of its rows.",
        (Classification.name,),
    ),
    Metric(
        "average_precision_weighted",
        "average precision weighted",
        "The precision at the place of each row of a class, by support.",
        (Classification.name,),
    ),
)

_OF_ALARMS = (
    Metric(
        "precision",
        "precision",
        "The share of the alarms that are right.",
        _ALARMS,
        interval=IntervalKind.PROPORTION,
    ),
    Metric(
        "recall",
        "recall",
        "The share of the anomalies that raise an alarm.",
        _ALARMS,
        interval=IntervalKind.PROPORTION,
    ),
    Metric("f1", "F1", "The harmonic mean of precision and recall.", _ALARMS, steady=True),
    Metric(
        "specificity",
        "specificity",
        "The share of the ordinary rows that raise no alarm.",
        _ALARMS,
        interval=IntervalKind.PROPORTION,
    ),
    Metric(
        "false_alarm_rate",
        "false alarm rate",
        "The share of the ordinary rows that raise an alarm.",
        _ALARMS,
        Direction.LOWER,
        interval=IntervalKind.PROPORTION,
    ),
    Metric(
        "alarm_rate", "alarm rate", "The share of the rows that raise an alarm.", _ALARMS,
        Direction.NEITHER,
    ),
)  # fmt: skip
_BALANCED = Metric(
    "balanced_accuracy",
    "balanced accuracy",
    "The mean recall of the classes that occur.",
    (*_CLASSES, *_ALARMS),
)
_MATTHEWS = Metric(
    "matthews",
    "Matthews correlation",
    "The correlation of truth and prediction: 1 is all right, 0 no better than chance.",
    (*_CLASSES, *_ALARMS),
    low=-1.0,
)
_BUDGET = Metric(
    "precision_at_{share}_percent",
    "precision at {share} percent",
    "The share of anomalies among the {share} % of the rows with the highest scores.",
    _ALARMS,
    interval=IntervalKind.PROPORTION,
)
_ROC_AUC = Metric(
    "roc_auc",
    "ROC AUC",
    "The probability that a row of yes is scored above a row of no; .5 is chance.",
    _RANKED,
    steady=True,
)
_AVERAGE_PRECISION = Metric(
    "average_precision",
    "average precision",
    "The mean precision at the place of each row of yes; chance is the share of yes.",
    _RANKED,
)
_BRIER = Metric(
    "brier",
    "Brier score",
    "The mean squared error of the probabilities, summed over the classes of a classification.",
    (*_CLASSES, *_YES_OR_NO),
    Direction.LOWER,
    high=2.0,
)
_LOG_LOSS = Metric(
    "log_loss",
    "log loss",
    "The mean of minus the logarithm of the probability of the truth.",
    (*_CLASSES, *_RANKED),
    Direction.LOWER,
    high=None,
    unit="nats",
)
_OF_PROBABILITIES = (
    Metric(
        "one_minus_brier", "one minus Brier", "1 less the Brier score of yes or no.", _YES_OR_NO
    ),
    Metric(
        "brier_skill",
        "Brier skill",
        "1 less the squared error over that of the mean of the training rows; 0 is no better.",
        (OffPolicyChoice.name, ProportionRegression.name),
        low=None,
    ),
    Metric(
        "expected_calibration_error",
        "expected calibration error",
        "The mean difference between a claimed probability and what comes true.",
        (*_CLASSES, OffPolicyChoice.name),
        Direction.LOWER,
        interval=IntervalKind.CALIBRATION,
    ),
)

_OF_NUMBERS = (
    Metric(
        "r2",
        "R²",
        "1 less the squared error over the variance of the truth; 0 is no better than the mean.",
        _NUMBERS,
        low=None,
        steady=True,
    ),
    Metric("mse", "MSE", "The mean squared error.", _NUMBERS, Direction.LOWER, high=None),
    Metric("rmse", "RMSE", "The root of the mean squared error.", _NUMBERS, Direction.LOWER, high=None),
    Metric("mae", "MAE", "The mean absolute error.", _NUMBERS, Direction.LOWER, high=None),
    Metric(
        "mape",
        "MAPE",
        "The mean absolute error relative to the truth.",
        _NUMBERS,
        Direction.LOWER,
        high=None,
    ),
    Metric("one_minus_mae", "one minus MAE", "1 less the mean absolute error.", _NUMBERS),
    Metric(
        "bias",
        "bias",
        "The mean of prediction less truth; 0 is best.",
        _NUMBERS,
        Direction.NEITHER,
        low=None,
        high=None,
    ),
    Metric(
        "spearman",
        "Spearman correlation",
        "The correlation of the ranks of truth and prediction; 0 is chance.",
        _NUMBERS,
        low=-1.0,
    ),
)  # fmt: skip

_OF_LISTS = (
    Metric(
        "ndcg_at_{k}",
        "NDCG at {k}",
        "The discounted gain of a list of {k} over that of the best list.",
        _LISTS,
        steady=True,
    ),
    Metric("precision_at_{k}", "precision at {k}", "Wanted items among the {k}, over {k}.", _LISTS),
    Metric(
        "recall_at_{k}", "recall at {k}", "Wanted items among the {k}, over all wanted.", _LISTS
    ),
    Metric("hit_at_{k}", "hit at {k}", "The share of lists of {k} with a wanted item.", _LISTS),
    Metric(
        "map_at_{k}",
        "MAP at {k}",
        "The mean precision at the places of the wanted items, {k} at most.",
        _LISTS,
    ),
    Metric("mrr", "MRR", "One over the place of the first wanted item, 0 without one.", _LISTS),
    Metric(
        "novelty",
        "novelty",
        "The mean information of an offered item: how rarely people of the training part began it.",
        _LISTS,
        high=None,
        unit="bits",
    ),
    Metric(
        "coverage",
        "coverage",
        "The share of the items that anybody is offered.",
        _LISTS,
        interval=IntervalKind.COVERAGE,
    ),
    Metric(
        "effective_coverage",
        "effective coverage",
        "The exponential of the entropy of what is offered, over the number of items.",
        _LISTS,
        interval=IntervalKind.COVERAGE,
    ),
)

_OF_POLICIES = (
    Metric(
        "relative_success",
        "relative success",
        "Success of the policy over that of the fixed schedule, less 1; doubly robust.",
        _TIMES,
        low=None,
        high=None,
    ),
    Metric(
        "relative_success_ips",
        "relative success IPS",
        "Success of the policy over that of the fixed schedule, less 1; self-normalised.",
        _TIMES,
        low=-1.0,
        high=None,
    ),
    Metric(
        "policy_success",
        "policy success",
        "Successes per launch of the policy; doubly robust, so that it may leave [0, 1].",
        _TIMES,
        low=None,
        high=None,
    ),
    Metric(
        "policy_success_ips", "policy success IPS", "Successes per launch; self-normalised.", _TIMES
    ),
    Metric(
        "fixed_success",
        "fixed success",
        "Successes per launch of the fixed schedule, which no scorer changes.",
        _TIMES,
        Direction.NEITHER,
        low=None,
        high=None,
    ),
    Metric(
        "logged_success",
        "logged success",
        "Successes per launch as they were logged, which no scorer changes.",
        _TIMES,
        Direction.NEITHER,
    ),
    Metric(
        "mean_weight",
        "mean weight",
        "The mean importance weight of the policy; 1 where the logged propensities are right.",
        _TIMES,
        Direction.NEITHER,
        high=None,
    ),
    Metric(
        "effective_launches",
        "effective launches",
        "How many launches the weights leave to estimate the policy from.",
        _TIMES,
        Direction.NEITHER,
        high=None,
        unit="launches",
    ),
)

_CHANGE_SETS = tuple(
    metric.prefixed("change_set_", "over change sets instead of rows", Classification.name)
    for metric in _OF_CLASSES
    if metric.name in ("accuracy", "macro_f1")
)
_SOON = tuple(
    metric.prefixed("soon_", "of a workflow that is needed soon", SequencePrediction.name)
    for metric in (
        *_OF_ALARMS,
        _BALANCED,
        _MATTHEWS,
        _ROC_AUC,
        _AVERAGE_PRECISION,
        _BRIER,
        _LOG_LOSS,
    )
)

_DECLARED: dict[str, Metric] = {}


def declare_metric(metric: Metric) -> None:
    """Make ``metric`` known by its name; a plug-in calls this once, when it is loaded.

    Raises:
        UsageError: another metric has the name.
    """
    if _DECLARED.setdefault(metric.name, metric) != metric:
        raise UsageError(
            f"Metric {metric.name!r} is declared already, as {_DECLARED[metric.name].label!r}.",
            remedy="give the metric another name",
        )


def declared_metrics() -> tuple[Metric, ...]:
    """All declarations in their order, those of plug-ins last; of a family the one with its parameter."""
    return tuple(_DECLARED.values())


def metrics_of(task: str) -> tuple[Metric, ...]:
    """The declarations that apply to the task of this name."""
    return tuple(metric for metric in _DECLARED.values() if task in metric.tasks)


def find_metric(name: str) -> Metric | None:
    """The metric called ``name``, of a family the member; ``None`` where nothing of that name is declared."""
    if name in _DECLARED and not _DECLARED[name].parameter:
        return _DECLARED[name]
    for family in _DECLARED.values():
        if family.parameter and (value := _parameter_in(name, family)) is not None:
            return family.at(value)
    return None


def metric_named(name: str) -> Metric:
    """The metric called ``name``, of a family the member.

    Raises:
        IntegrityError: nothing of that name is declared.
    """
    metric = find_metric(name)
    if metric is None:
        raise IntegrityError(
            f"Metric {name!r} is not declared.",
            remedy="declare it in ml_platform/spec/metrics.py, or by declare_metric in a plug-in",
        )
    return metric


def _parameter_in(name: str, family: Metric) -> float | None:
    before, _, rest = family.name.partition("{")
    after = rest.partition("}")[2]
    match = re.fullmatch(rf"{re.escape(before)}([0-9]+(?:\.[0-9]+)?){re.escape(after)}", name)
    return None if match is None else float(match[1])


def _declare(metrics: Iterable[Metric]) -> None:
    for metric in metrics:
        declare_metric(metric)


_declare(
    (
        *_OF_CLASSES,
        *_CHANGE_SETS,
        *_OF_ALARMS,
        _BALANCED,
        _MATTHEWS,
        _BUDGET,
        _ROC_AUC,
        _AVERAGE_PRECISION,
        _BRIER,
        _LOG_LOSS,
        *_OF_PROBABILITIES,
        *_SOON,
        *_OF_NUMBERS,
        *_OF_LISTS,
        *_OF_POLICIES,
    )
)
