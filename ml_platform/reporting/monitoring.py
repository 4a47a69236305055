"""The monitoring page: one window of one model against the baseline of its version."""

from dataclasses import dataclass

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.evaluation.dimensions.explanations.drift import LEVEL, SIZE
from ml_platform.monitoring.report import (
    ExplanationCheck,
    FeatureDrift,
    Light,
    MonitoringReport,
    Performance,
    PerformanceCheck,
    Severity,
)
from ml_platform.reporting.charts import Drawing, drawings
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Lane,
    Table,
    Tone,
    TrackScale,
    events_chip,
)
from ml_platform.reporting.page import render
from ml_platform.reporting.words import (
    capitals,
    heading,
    interval_words,
    moment,
    number,
    percent,
    sentence,
    words,
)

_MOST_BARS = 15
_TESTS = {"ks": "KS", "chi2": "chi-squared"}
_LIGHT_TONES = {
    Light.GREEN: Tone.GOOD,
    Light.YELLOW: Tone.UNSURE,
    Light.RED: Tone.BAD,
    Light.INSUFFICIENT: Tone.NEUTRAL,
}
_SEVERITY_TONES = {
    Severity.NONE: Tone.GOOD,
    Severity.MODERATE: Tone.UNSURE,
    Severity.SIGNIFICANT: Tone.BAD,
    Severity.INSUFFICIENT: Tone.NEUTRAL,
}
_PERFORMANCE_TONES = {
    Performance.OK: Tone.GOOD,
    Performance.WARN: Tone.UNSURE,
    Performance.ALERT: Tone.BAD,
    Performance.UNKNOWN: Tone.NEUTRAL,
}


@dataclass(frozen=True)
class PerformanceView:
    """The metric in the window beside the baseline; no lanes while no outcome is known."""

    title: str
    chip: Chip
    lanes: tuple[Lane, ...]
    summary: str


@dataclass(frozen=True)
class ExplanationsView:
    """Whether predictions rest on other features than at the evaluation; no table where that is not known."""

    chip: Chip
    summary: str
    table: Table | None


@dataclass(frozen=True)
class MonitoringPage:
    """Everything that ``monitoring.html.j2`` lays out."""

    title: str
    model: str
    version: str
    events: Chip
    source: str
    window: str
    light: Chip
    rows: str
    drift: Chip
    action: str
    decision: str
    causes: tuple[str, ...]
    performance: PerformanceView
    explanations: ExplanationsView
    drawings: tuple[Drawing, ...]
    predictions: Table
    features: Table
    policy: str


def monitoring_html(report: MonitoringReport) -> str:
    """The page of a report: the same report gives the same text."""
    return render("monitoring.html.j2", monitoring_page(report))


def monitoring_page(report: MonitoringReport) -> MonitoringPage:
    """The view of the page, with every figure written as a reader sees it."""
    return MonitoringPage(
        title=f"Monitoring: {report.model} {report.version}",
        model=heading(report.model),
        version=f"version {report.version}",
        events=events_chip(report.simulated),
        source=report.source,
        window=f"{moment(report.window_start)} to {moment(report.window_end)}",
        light=Chip(capitals(report.light), _LIGHT_TONES[report.light]),
        rows=(
            f"{report.rows:,} rows in {report.clusters:,} sessions, compared with "
            f"{report.rows_baseline:,} rows of the baseline"
        ),
        drift=Chip(capitals(report.drift), _SEVERITY_TONES[report.drift]),
        action=heading(report.action),
        decision=_decision(report),
        causes=tuple(map(sentence, report.causes)),
        performance=_performance(report.performance),
        explanations=_explanations(report.explanations),
        drawings=drawings(_size_charts(report)),
        predictions=_table(report.predictions, "Predictions"),
        features=_table(report.features, "Features"),
        policy=report.policy_version[:12],
    )


def _decision(report: MonitoringReport) -> str:
    if not report.action:
        return "No decision was taken yet."
    return sentence(f"{report.decision_row}; confidence {capitals(report.confidence)}")


def _performance(check: PerformanceCheck) -> PerformanceView:
    chip = Chip(capitals(check.level), _PERFORMANCE_TONES[check.level])
    title = f"{heading(check.metric)} in the window and at the evaluation"
    if check.current is None or check.low is None or check.high is None:
        return PerformanceView(
            title, chip, (), f"No outcomes are known yet: {words(check.metric)} has no figure."
        )
    scale = TrackScale.around((check.low, check.high, check.current, check.baseline))
    baseline, current = check.baseline, check.current
    lanes = (
        Lane(
            "at the evaluation",
            number(baseline),
            Tone.NEUTRAL,
            scale.track(baseline, baseline, baseline, Tone.NEUTRAL),
        ),
        Lane(
            "in the window",
            interval_words(current, check.low, check.high),
            Tone.ACCENT,
            scale.track(current, check.low, check.high, chip.tone, limit=baseline),
        ),
    )
    loss = check.relative_loss
    change = "" if loss is None else f"A relative loss of {percent(loss)}; "
    known = f"{check.rows:,} outcomes are known, {percent(check.matured)} of the predictions"
    return PerformanceView(title, chip, lanes, sentence(change + known))


def _explanations(check: ExplanationCheck | None) -> ExplanationsView:
    unknown = Chip("UNKNOWN", Tone.NEUTRAL)
    if check is None:
        reason = "the evaluation of this version stored no explanations to compare with"
        return ExplanationsView(unknown, sentence(reason), None)
    if check.distance is None or check.p_value is None:
        return ExplanationsView(unknown, sentence(f"not compared: {check.reason}"), None)
    chip = Chip("CHANGED", Tone.UNSURE) if check.reported else Chip("UNCHANGED", Tone.GOOD)
    summary = (
        f"{percent(check.distance)} of all movement of the predictions went over to other groups of features "
        f"(p-value {check.p_value:.2g}, {check.rows:,} rows in {check.clusters:,} sessions); a change is "
        f"reported from {percent(SIZE)} on at a p-value of at most {LEVEL:g}"
    )
    columns = (
        Column("features", numeric=False),
        Column("at the evaluation"),
        Column("in the window"),
    )
    rows = tuple(
        (Cell(share.group), Cell(percent(share.baseline)), Cell(percent(share.current)))
        for share in check.shares
    )
    title = "Share of the movement of predictions that each group of features makes"
    return ExplanationsView(chip, sentence(summary), Table(columns, rows, title))


def _size_charts(report: MonitoringReport) -> tuple[Chart, ...]:
    """The largest drift sizes as bars; none where nothing is compared."""
    largest = sorted(
        (*report.predictions, *report.features), key=lambda entry: (-entry.size, entry.name)
    )[:_MOST_BARS]
    series = Series(
        "size", tuple(entry.name for entry in largest), tuple(entry.size for entry in largest)
    )
    return (Chart("The largest shifts", ChartKind.BARS, "feature", "size, 0 to 1", (series,)),)


def _table(entries: tuple[FeatureDrift, ...], title: str) -> Table:
    titles = ("size", "PSI", "adjusted p-value", "missing before", "missing now")
    columns = (
        Column("name", numeric=False),
        Column("severity", numeric=False),
        *map(Column, titles),
        Column("test", numeric=False),
    )
    return Table(columns, tuple(_row(entry) for entry in entries), title)


def _row(entry: FeatureDrift) -> tuple[Cell, ...]:
    return (
        Cell(entry.name),
        Cell(entry.severity, tone=_SEVERITY_TONES[entry.severity]),
        Cell(number(entry.size)),
        Cell(number(entry.psi)),
        Cell(f"{entry.adjusted_p_value:.2g}"),
        Cell(percent(entry.missing_baseline)),
        Cell(percent(entry.missing_current)),
        Cell(_TESTS.get(entry.test, entry.test)),
    )
