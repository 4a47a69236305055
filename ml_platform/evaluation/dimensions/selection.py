"""Advice on features: which of them are useless, and which need a look; no model is changed by it."""

from typing import TYPE_CHECKING

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.dimensions.data import leakage_report, quality_report
from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Dimension, Series
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.features.leakage_report import LeakageLevel
from ml_platform.features.selection.report import Choice, Selected, SelectionReport, Why
from ml_platform.features.selection.select import select

if TYPE_CHECKING:
    from ml_platform.evaluation.dimensions.registry import EvaluationContext

_SHOWN = 15
_COLUMNS = (
    "rank", "feature", "advice", "why", "forest", "permutation", "at least", "SHAP", "mutual information",
    "F", "chi2", "q", "forward", "backward", "elimination",
)  # fmt: skip


def selection(subject: "EvaluationContext") -> Dimension:
    """Report the share of features to keep, the surrogate's skill, and its loss without the rest."""
    spec, training_set = subject.spec, subject.training_set
    leaks = subject.leakage or leakage_report(spec, training_set)
    leaky = {f.subject: f.explanation for f in leaks.findings if f.level is LeakageLevel.DANGEROUS}
    try:
        report = select(
            training_set.train,
            training_set.record.label,
            training_set.record.features,
            subject.quality or quality_report(spec, training_set),
            seed=subject.seed,
            leaky=leaky,
        )
    except InsufficientData as problem:
        return _dimension(
            f"not measured: {problem.message}",
            undefined=dict.fromkeys(("kept_share", "skill", "change"), problem.message),
        )
    return _of(report, adapter_of(spec.task).second_label)


def _of(report: SelectionReport, other_label: str) -> Dimension:
    kept = len(report.features) - len(report.dropped)
    share = kept / len(report.features)
    change, low, high = report.change
    return _dimension(
        f"{kept} of {len(report.features)} features earn their place; a small forest explains "
        f"{report.skill[0]:.3f} with all and {report.skill_kept:.3f} with those to keep",
        measures={
            "kept_share": Estimate(share, share, share),
            "skill": Estimate(*report.skill),
            "change": Estimate(change, low, high),
        },
        findings=_findings(report, other_label),
        advice=_advice(report),
        tables=(_table(report),),
        charts=(_chart(report),),
    )


def _dimension(
    summary: str,
    *,
    measures: dict[str, Estimate] | None = None,
    undefined: dict[str, str] | None = None,
    findings: tuple[str, ...] = (),
    advice: tuple[str, ...] = (),
    tables: tuple[ReportTable, ...] = (),
    charts: tuple[Chart, ...] = (),
) -> Dimension:
    return Dimension(
        name="selection",
        title="Selection of features",
        question="Which features earn their place?",
        summary=summary,
        measures=measures or {},
        undefined=undefined or {},
        findings=findings,
        advice=advice,
        tables=tables,
        charts=charts,
    )


def _findings(report: SelectionReport, other_label: str) -> tuple[str, ...]:
    """Write one sentence for each reason, with the names of the features; those to look at come last."""
    by_reason: dict[Why, list[str]] = {}
    for feature in report.features:
        if feature.why is not Why.USEFUL:
            by_reason.setdefault(feature.why, []).append(feature.feature)
    findings = [f"{why.value}: {', '.join(by_reason[why])}" for why in Why if why in by_reason]
    findings.append(
        f"looked at: {report.rows} training rows, the newest {report.rows_held_out} held out; "
        f"chi-squared and F on {report.rows_tested} of them, one a cluster"
    )
    if other_label:
        findings.append(
            f"evaluated for the next step alone: {other_label} may need what this would drop"
        )
    return tuple(findings)


def _advice(report: SelectionReport) -> tuple[str, ...]:
    change, low, high = report.change
    if not report.dropped:
        return ()
    names = ", ".join(feature.feature for feature in report.dropped)
    effect = f"the surrogate's skill moves by {change:+.4f} [{low:+.4f}, {high:+.4f}]"
    if high < 0:
        return (f"look before dropping {names}: without them {effect}",)
    return (f"try the model without {names}: {effect}",)


def _table(report: SelectionReport) -> ReportTable:
    return ReportTable(
        "Features by rank",
        (*_COLUMNS[:3], "rationale", *_COLUMNS[3:]),
        tuple(_row(feature) for feature in report.features),
    )


def _row(feature: Selected) -> tuple[str | float | int | None, ...]:
    head = (
        feature.rank,
        feature.feature,
        feature.choice.value,
        feature.rationale,
        feature.why.value,
    )
    figures = feature.figures
    if figures is None:
        return (*head, *(None for _ in _COLUMNS[4:]))
    return (
        *head,
        figures.forest,
        figures.permutation,
        figures.permutation_low,
        figures.shap,
        figures.mutual_information,
        figures.anova_f,
        figures.chi2,
        figures.q,
        _searched(figures.forward),
        _searched(figures.backward),
        figures.elimination,
    )


def _searched(chosen: bool | None) -> str:
    if chosen is None:
        return "no candidate"
    return Choice.KEEP.value if chosen else Choice.DROP.value


def _chart(report: SelectionReport) -> Chart:
    shown = [(feature.feature, feature.figures) for feature in report.features if feature.figures][
        :_SHOWN
    ]
    losses = Series(
        "loss of skill when shuffled",
        tuple(name for name, _ in shown),
        tuple(figures.permutation for _, figures in shown),
        tuple(figures.permutation_low for _, figures in shown),
        tuple(2 * figures.permutation - figures.permutation_low for _, figures in shown),
    )
    return Chart(
        "What shuffling a feature costs", ChartKind.BARS, "feature", "skill lost", (losses,)
    )
