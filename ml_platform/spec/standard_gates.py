"""Gates that several models share: on dimensions of the evaluation report, and on metrics of one task."""

from ml_platform.spec.gates import Bound, QualityGate

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
    ),
)


def fair(metric: str, limit: float, why: str) -> QualityGate:
    """``fairness.<metric>`` at most ``limit``."""
    name = "fairness" if metric == "error_gap" else f"fair_{metric}"
    return QualityGate(name, f"fairness.{metric}", Bound.AT_MOST, limit, why)


FAIR_ERRORS = fair(
    "error_gap", 0.1, "no team, region or tenure may be served worse by a tenth than the others"
)
OVERCONFIDENCE = QualityGate(
    "overconfidence",
    "robustness.overconfidence_perturbed",
    Bound.AT_MOST,
    0.15,
    "on damaged rows confidence must fall with what is known",
)
"""For models that predict a class with its probability."""
ACCURACY_OVER_CHAMPION = QualityGate(
    "over_champion",
    "accuracy",
    Bound.CHAMPION,
    -0.01,
    "a candidate may be no more than one point worse than what is in production",
)
ROC_AUC_OVER_CHAMPION = QualityGate(
    "over_champion",
    "roc_auc",
    Bound.CHAMPION,
    -0.01,
    "a candidate may rank no more than one point worse than what is in production",
)
CALIBRATION = QualityGate(
    "calibration",
    "expected_calibration_error",
    Bound.AT_MOST,
    0.05,
    "thresholds on confidence are wrong by as much as confidence is",
)
EVEN_FOLDS = QualityGate(
    "even_folds",
    "stability.fold_spread",
    Bound.AT_MOST,
    0.2,
    "what is good on one block of time and bad on the next was lucky on the test part, or will not last",
)
"""For models that are fitted on block after block of time."""
LATENCY = QualityGate(
    "latency",
    "cost.one_row_p95_processor_ms",
    Bound.AT_MOST,
    100.0,
    "people wait for the answer, and it is not the only thing that they wait for",
)
STABLE_REASONS = QualityGate(
    "stable_reasons",
    "explanations.stability",
    Bound.LIMIT,
    0.1,
    "reasons that change with the draw of rows explain nothing",
)
ADDITIVE_REASONS = QualityGate(
    "additive_reasons",
    "explanations.additivity_gap",
    Bound.AT_MOST,
    1e-5,
    "reasons must sum to the answer that they explain",
)
FAIR_NEEDS = fair(
    "equal_opportunity_difference",
    0.2,
    "needs of one team, region or tenure may go unnoticed no more often by a fifth than those of others",
)
FAIR_ALARMS = fair(
    "false_alarm_difference",
    0.08,
    "nobody may be suspected for nothing much more often than others",
)
FAIR_LISTS = fair(
    "error_gap",
    0.3,
    "lists of one team, region or tenure may be worse by at most .3 of nDCG; groups are small here",
)
QUALITY = (
    QualityGate(
        "data_quality",
        "quality.score",
        Bound.LIMIT,
        7.0,
        "below it, the average feature is too damaged to learn from",
    ),
    QualityGate(
        "usable_features",
        "quality.weakest",
        Bound.LIMIT,
        1.0,
        "a feature that is broken in training or in the test part must be mended or left out",
    ),
)
EVERYWHERE = (*QUALITY, *ROBUSTNESS, LATENCY, ADDITIVE_REASONS)
"""Whatever fairness means for the model."""
STANDARD = (FAIR_ERRORS, *EVERYWHERE, STABLE_REASONS)
