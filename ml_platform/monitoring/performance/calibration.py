"""Calibration: the probability that a score is of what came true, learned from scores whose outcome is known."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ml_platform.arrays import Array

ISOTONIC_ROWS = 1_000
"""With fewer rows isotonic regression follows chance, and two parameters (Platt) are fitted instead."""
_EDGE = 1e-6
"""Scores nearer to 0 or 1 are taken as so near: their logarithmic odds are finite."""
_UNREGULARISED = 1e6


class CalibrationMethod(StrEnum):
    """The form of the curve from score to probability."""

    ISOTONIC = "isotonic"
    PLATT = "platt"


@dataclass(frozen=True)
class Calibration:
    """A curve from score to probability that never falls (Platt's falls where the scores are upside down)."""

    method: CalibrationMethod
    scores: tuple[float, ...] = ()
    """Of ISOTONIC: scores, ascending, between which the curve is a straight line."""
    probabilities: tuple[float, ...] = ()
    slope: float = 0.0
    """Of PLATT: the logistic function of slope times the logarithmic odds of the score + intercept."""
    intercept: float = 0.0

    def apply(self, scores: Array) -> Array:
        """The probabilities of ``scores`` in [0, 1], shape (rows,)."""
        if self.method is CalibrationMethod.ISOTONIC:
            return np.interp(scores, self.scores, self.probabilities)
        odds = self.slope * _log_odds(scores) + self.intercept
        return 1.0 / (1.0 + np.exp(-odds))


def fit_calibration(scores: Array, outcomes: Array) -> Calibration:
    """Fit the curve: isotonic regression, or Platt's sigmoid below `ISOTONIC_ROWS` rows.

    Args:
        scores: In [0, 1], shape (rows,).
        outcomes: 1 where what the score is about came true, else 0, shape (rows,); both occur.

    Sources: Zadrozny and Elkan (2002), "Transforming classifier scores into accurate multiclass probability
    estimates"; Platt (1999), "Probabilistic outputs for support vector machines".
    """
    if len(scores) >= ISOTONIC_ROWS:
        from sklearn.isotonic import IsotonicRegression

        curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, outcomes)
        return Calibration(
            CalibrationMethod.ISOTONIC,
            scores=tuple(map(float, curve.X_thresholds_)),
            probabilities=tuple(map(float, curve.y_thresholds_)),
        )
    from sklearn.linear_model import LogisticRegression

    sigmoid = LogisticRegression(C=_UNREGULARISED).fit(_log_odds(scores)[:, None], outcomes)
    return Calibration(
        CalibrationMethod.PLATT,
        slope=float(sigmoid.coef_[0, 0]),
        intercept=float(sigmoid.intercept_[0]),
    )


def _log_odds(scores: Array) -> Array:
    inside = np.clip(scores, _EDGE, 1.0 - _EDGE)
    odds: Array = np.log(inside / (1.0 - inside))
    return odds
