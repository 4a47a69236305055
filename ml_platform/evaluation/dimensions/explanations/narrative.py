"""The tables, charts and findings of the explanations dimension."""

from collections.abc import Sequence

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, series_of
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.dimensions.explanations.importance import Importance
from ml_platform.evaluation.dimensions.explanations.local import LocalExplanation
from ml_platform.evaluation.dimensions.explanations.refits import Refits
from ml_platform.evaluation.report_parts import ReportTable

_DOMINANT = 0.5
_SHOWN = 15


def tables_of(
    globally: Sequence[Importance],
    metric: str,
    locally: Sequence[LocalExplanation],
    groups: Sequence[FeatureGroup],
    exact: bool,
) -> tuple[ReportTable, ...]:
    """Tabulate the global explanation, and each row that is explained."""
    rows = tuple(
        (
            importance.group.name,
            len(importance.group.features),
            round(importance.loss.value, 5),
            round(importance.loss.low, 5),
            round(importance.loss.high, 5),
            round(importance.share.value, 4),
            round(importance.share.low, 4),
            round(importance.share.high, 4),
        )
        for importance in _by_loss(globally)
    )
    columns = (
        "features",
        "how many",
        f"loss of {metric}",
        "low",
        "high",
        "share of movement",
        "from",
        "to",
    )
    how = "exact" if exact else "sampled, with standard errors"
    return (
        ReportTable("What is lost when features are shuffled", columns, rows),
        *(_local_table(explanation, groups, how) for explanation in locally),
    )


def _local_table(
    explanation: LocalExplanation, groups: Sequence[FeatureGroup], how: str
) -> ReportTable:
    contributions = explanation.contributions
    ranked = sorted(
        zip(
            (group.name for group in groups),
            contributions.values.tolist(),
            contributions.errors.tolist(),
            strict=True,
        ),
        key=lambda contribution: (-abs(contribution[1]), contribution[0]),
    )
    shown, rest = ranked[:_SHOWN], ranked[_SHOWN:]
    rows: list[tuple[str | float | None, ...]] = [
        ("nothing known (base)", contributions.base, None)
    ]
    rows.extend((name, value, error) for name, value, error in shown)
    if rest:
        rows.append((f"{len(rest)} others", sum(value for _, value, _ in rest), None))
    rows.append((f"prediction of {explanation.answer_of}", explanation.served, None))
    return ReportTable(
        f"One row, {explanation.why} ({explanation.row_id}; {how})",
        ("features", "adds", "standard error"),
        tuple(rows),
    )


def charts_of(globally: Sequence[Importance], metric: str) -> tuple[Chart, ...]:
    """Draw the most important groups as bars."""
    shown = _by_loss(globally)[:_SHOWN]
    return (
        Chart(
            title=f"Loss of {metric} when features are shuffled",
            kind=ChartKind.BARS,
            x_label="features",
            y_label=f"loss of {metric}",
            series=(
                series_of(
                    "candidate",
                    tuple(importance.group.name for importance in shown),
                    tuple(importance.loss for importance in shown),
                ),
            ),
        ),
    )


def findings_of(
    globally: Sequence[Importance], metric: str, refits: Refits, rows: int, clusters: int
) -> tuple[str, ...]:
    """Write the findings that a reviewer must know."""
    findings = [
        f"Explained on {rows:,} test rows of {clusters:,} clusters, three shuffles per group; {refits.done}."
    ]
    largest = max(globally, key=lambda importance: importance.share.value)
    if largest.share.low > _DOMINANT:
        findings.append(
            f"One group, {largest.group.name}, makes up {largest.share.value:.0%} of all movement of the "
            "predictions: the model is as good as that group is."
        )
    idle = [importance.group.name for importance in globally if importance.loss.low <= 0]
    if idle:
        findings.append(
            f"{len(idle)} of {len(globally)} groups are not shown to matter for {metric}: {', '.join(idle)}."
        )
    return tuple(findings)


def _by_loss(globally: Sequence[Importance]) -> list[Importance]:
    return sorted(globally, key=lambda importance: (-importance.loss.value, importance.group.name))
