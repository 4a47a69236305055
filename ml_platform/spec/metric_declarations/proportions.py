"""The metrics of numbers: a predicted proportion against the true one."""

from ml_platform.spec.metric import Direction, Metric
from ml_platform.spec.task import ProportionRegression

_NUMBERS = (ProportionRegression.name,)

METRICS = (
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
