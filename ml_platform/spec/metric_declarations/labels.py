"""The metrics of labels: of classes, of alarms (yes or no), and of the probabilities claimed for them."""

from ml_platform.spec.metric import Direction, IntervalKind, Metric
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    SequencePrediction,
)

_CLASSES = (Classification.name, SequencePrediction.name)
_YES_OR_NO = (Detection.name, OffPolicyChoice.name)
_ALARMS = (Detection.name,)
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
CHANGE_SET_PREFIX = "change_set_"
"""The beginning of the name of a metric over change sets, each of which counts once however many rows it has."""
_CHANGE_SETS = tuple(
    metric.prefixed(CHANGE_SET_PREFIX, "over change sets instead of rows", Classification.name)
    for metric in (*_OF_CLASSES, *_OF_PROBABILITIES)
    if metric.name in ("accuracy", "macro_f1", "expected_calibration_error")
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
METRICS = (
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
)
