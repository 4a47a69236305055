"""The one scale on which parts of a report are scored: from 1, the worst, to 10, the best."""

WORST, BEST = 1.0, 10.0


def score_of_badness(badness: float) -> float:
    """10 at a ``badness`` of 0 or less, 1 at 1 or more, and a straight line between."""
    return BEST - (BEST - WORST) * min(max(badness, 0.0), 1.0)


def score_of_goodness(goodness: float) -> float:
    """1 at a ``goodness`` of 0 or less, 10 at 1 or more, and a straight line between."""
    return WORST + (BEST - WORST) * min(max(goodness, 0.0), 1.0)
