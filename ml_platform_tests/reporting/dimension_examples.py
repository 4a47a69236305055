"""Dimensions with everything that a page has to draw, invented but like those of the examinations."""

from ml_platform.evaluation.dimensions.dimension import (
    Chart,
    ChartKind,
    Dimension,
    ScorePart,
    Series,
)
from ml_platform.evaluation.report_parts import Estimate, ReportTable

FAIRNESS = Dimension(
    name="fairness",
    title="Fairness",
    question="Does it serve every team, region and tenure alike?",
    summary="the error of the worst team is 0.031 [0.012, 0.048] above that of the best",
    measures={
        "score": Estimate(7.2, 6.1, 8.0),
        "error_gap": Estimate(0.031, 0.012, 0.048),
        "selection_ratio": Estimate(0.91, 0.86, 0.95),
        "calibration_gap": Estimate(0.018, 0.006, 0.027),
    },
    undefined={"tenure_gap": "the two groups of long tenure have 41 and 52 rows, needed are 100"},
    not_applicable={"equal_opportunity": "there is no favourable class"},
    parts=(
        ScorePart(
            "error gap", 6.9, "0.031 between the best and the worst group; 0.10 would be a 1"
        ),
        ScorePart("selection", 9.1, "every group is selected within a tenth of the others"),
        ScorePart("calibration", 2.4, "confidence is 0.018 too high in one region"),
    ),
    findings=(
        "team platform-infrastructure has an error of 0.118 [0.101, 0.134], the lowest is 0.087 (team data)",
        "region names in file paths tell the region with an accuracy of 0.61: a proxy",
    ),
    advice=(
        "a threshold a region would close the gap to 0.012 and cost 0.004 of accuracy (measured)",
    ),
    watch=("the error of each team, weekly, with its interval",),
    tables=(
        ReportTable(
            "Error by team",
            ("team", "rows", "error", "low", "high", "verdict"),
            (
                ("data", 12_031, 0.087, 0.079, 0.095, "PASS"),
                ("platform-infrastructure", 8_420, 0.118, 0.101, 0.134, "PASS"),
                ("<b>ops</b>", 41, None, None, None, "INSUFFICIENT"),
            ),
        ),
    ),
    charts=(
        Chart(
            "Error by team",
            ChartKind.POINTS,
            "team",
            "error",
            (
                Series(
                    "error",
                    ("data", "web", "platform-infrastructure", "security", "ops & <more>"),
                    (0.087, 0.092, 0.118, 0.097, 0.101),
                    (0.079, 0.085, 0.101, 0.08, 0.07),
                    (0.095, 0.1, 0.134, 0.115, 0.13),
                ),
            ),
            limit=0.15,
        ),
        Chart(
            "Selection ratio by region",
            ChartKind.BARS,
            "region",
            "ratio to the highest",
            (
                Series(
                    "all",
                    ("emea", "amer", "apac"),
                    (1.0, 0.97, 0.91),
                    (0.98, 0.94, 0.86),
                    (1, 1, 0.95),
                ),
                Series(
                    "long tenure",
                    ("emea", "amer", "apac"),
                    (1.0, 0.92, 0.95),
                    (0.9, 0.85, 0.8),
                    (1, 1, 1),
                ),
            ),
            limit=0.8,
        ),
    ),
)

ROBUSTNESS = Dimension(
    name="robustness",
    title="Robustness",
    question="Does it hold when its inputs are noisy, missing, extreme or shifted?",
    summary="with a tenth of its inputs missing it loses 0.024 [0.021, 0.027] of accuracy",
    measures={
        "score": Estimate(8.4, 8.0, 8.7),
        "loss_at_tenth_missing": Estimate(0.024, 0.021, 0.027),
    },
    parts=(
        ScorePart("noise", 8.8, "a tenth of noise costs 0.011"),
        ScorePart("missing", 8.0, "see above"),
    ),
    findings=(
        "out of distribution its confidence stays at 0.71 where it is right in 0.44 of the rows",
    ),
    watch=("the share of rows with a missing session", "the share of rows out of distribution"),
    charts=(
        Chart(
            "Accuracy by noise",
            ChartKind.LINES,
            "share of noisy values",
            "accuracy",
            (
                Series(
                    "candidate",
                    (0.0, 0.05, 0.1, 0.2, 0.4),
                    (0.91, 0.905, 0.899, 0.871, 0.8),
                    (0.907, 0.9, 0.893, 0.862, 0.788),
                    (0.913, 0.91, 0.905, 0.88, 0.812),
                ),
                Series("rules", (0.0, 0.05, 0.1, 0.2, 0.4), (0.602, 0.59, 0.575, 0.54, 0.48)),
            ),
            limit=0.85,
        ),
        Chart(
            "Confidence out of distribution",
            ChartKind.BARS,
            "confidence",
            "rows",
            (Series("rows", (0.1, 0.3, 0.5, 0.7, 0.9), (12, 80, 240, 410, 133)),),
        ),
        Chart(
            "Accuracy over the weeks",
            ChartKind.LINES,
            "week",
            "accuracy",
            (
                Series(
                    "candidate",
                    tuple(f"2026-W{w}" for w in range(36, 47)),
                    (0.91,) * 5 + (0.9,) * 6,
                ),
            ),
        ),
    ),
)

COST = Dimension(
    name="cost",
    title="Cost",
    question="How fast is it, and what does it cost?",
    summary="one row takes 0.081 ms at the median and 0.12 ms at p99",
    measures={
        "latency_p99_ms": Estimate(0.12, 0.12, 0.12),
        "million_usd": Estimate(0.0123, 0.0123, 0.0123),
    },
    advice=("quantised ONNX is 1.6 times as fast and loses 0.0004 of accuracy",),
    charts=(
        Chart(
            "Latency of one row",
            ChartKind.POINTS,
            "rows at once",
            "ms",
            (
                Series("p50", (1, 10, 100, 1000), (0.08, 0.2, 1.4, 13.0)),
                Series("p99", (1, 10, 100, 1000), (0.12, 0.3, 2.1, 15.5)),
            ),
        ),
    ),
)

EXPLANATIONS = Dimension(
    name="explanations",
    title="Explanations",
    question="What does it rest on, and would it say the same after another fit?",
    summary="the ten features that matter most are the same in nine of ten reseeded fits",
    not_applicable={"shap_stability": "a table of counts has no features to weigh"},
    charts=(
        Chart(
            "Loss of accuracy without a feature",
            ChartKind.BARS,
            "feature",
            "loss",
            (
                Series(
                    "loss",
                    tuple(f"feature_number_{i}_of_the_session" for i in range(40)),
                    tuple(0.08 / (i + 1) for i in range(40)),
                ),
            ),
        ),
    ),
)

DIMENSIONS = (FAIRNESS, ROBUSTNESS, COST, EXPLANATIONS)
