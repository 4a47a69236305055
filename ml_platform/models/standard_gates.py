"""Gates that every model has, whatever it answers: on the dimensions of its evaluation report."""

from ml_platform.models.spec import Bound, QualityGate

ROBUSTNESS = (
    QualityGate(
        "robustness",
        "robustness.score",
        Bound.LIMIT,
        6.0,
        "below it, noise, gaps and extremes take away half of what the model knows",
    ),
    QualityGate(
        "answers_everything",
        "robustness.unanswered",
        Bound.AT_MOST,
        0.0,
        "an odd row must get an answer, not an error",
    ),
    QualityGate(
        "newest_half",
        "robustness.newest_half_retained",
        Bound.LIMIT,
        0.8,
        "what has worn off within the test period will be worse still in production",
        must_be_shown=True,
    ),
    QualityGate(
        "overconfidence",
        "robustness.overconfidence_perturbed",
        Bound.AT_MOST,
        0.15,
        "on damaged rows confidence must fall with what is known",
    ),
)


def fair(metric: str, limit: float, why: str, *, shown: bool = True) -> QualityGate:
    """``fairness.<metric>`` at most ``limit``; what is not shown either way is INSUFFICIENT where ``shown``."""
    name = "fairness" if metric == "error_gap" else f"fair_{metric}"
    return QualityGate(name, f"fairness.{metric}", Bound.AT_MOST, limit, why, must_be_shown=shown)


FAIR_ERRORS = fair(
    "error_gap", 0.1, "no team, region or tenure may be served worse by a tenth than the others"
)
STANDARD = (FAIR_ERRORS, *ROBUSTNESS)
