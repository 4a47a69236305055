"""The monitoring page: one window of one model against the baseline of its version."""

from dataclasses import dataclass

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.evaluation.dimensions.explanations.drift import LEVEL, SIZE
from ml_platform.monitoring.findings import JointShift
from ml_platform.monitoring.report import (
    ExplanationCheck,
    FeatureDrift,
    MonitoringReport,
    PerformanceCheck,
)
from ml_platform.monitoring.shapes import Shape
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
    light_chip,
)
from ml_platform.reporting.distributions import DistributionView, distribution_view
from ml_platform.reporting.level_tones import DRIFT_TONES, LEVEL_TONES
from ml_platform.reporting.page import render
from ml_platform.reporting.performance_section import PerformanceSection, performance_section
from ml_platform.reporting.window_notes import (
    confidence_words,
    explained,
    next_steps,
    severity_note,
)
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
    confidence: str
    """What the confidence of the decision rests on."""
    causes: tuple[str, ...]
    next_steps: tuple[str, ...]
    likely_causes: tuple[str, ...]
    suggestion: str
    performance: PerformanceView
    matured: PerformanceSection | None
    explanations: ExplanationsView
    drawings: tuple[Drawing, ...]
    distributions: tuple[DistributionView, ...]
    explained: tuple[str, ...]
    """Notes on negative indices and on what is INSUFFICIENT."""
    predictions: Table
    features: Table
    joint: str
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
        window=_window(report),
        light=light_chip(report.light),
        rows=(
            f"{report.rows:,} rows in {report.clusters:,} sessions, compared with "
            f"{report.rows_baseline:,} rows of the baseline{_loaded(report)}"
        ),
        drift=Chip(capitals(report.drift), DRIFT_TONES[report.drift]),
        action=heading(report.action),
        decision=_decision(report),
        confidence=sentence(confidence_words(report.confidence)),
        causes=tuple(map(sentence, report.causes)),
        next_steps=next_steps(report),
        likely_causes=tuple(sentence(cause.words) for cause in report.likely_causes),
        suggestion=sentence(report.suggestion.words) if report.suggestion else "",
        performance=_performance(report.performance),
        matured=performance_section(report),
        explanations=_explanations(report.explanations),
        drawings=drawings(_size_charts(report)),
        distributions=tuple(_distribution(shape, report) for shape in report.shapes),
        explained=explained(report),
        predictions=_table(report.predictions, "Predictions"),
        features=_table(report.features, "Features"),
        joint=_joint(report.joint_shift),
        policy=report.policy_version[:12],
    )


def _decision(report: MonitoringReport) -> str:
    if not report.action:
        return "No decision was taken yet."
    return sentence(f"{report.decision_row}; confidence {capitals(report.confidence)}")


def _distribution(shape: Shape, report: MonitoringReport) -> DistributionView:
    entries = {entry.name: entry for entry in (*report.features, *report.predictions)}
    entry = entries[shape.name]
    words = f"{entry.severity.value}: size {number(entry.size)}, PSI {number(entry.psi)}"
    if entry.missing_baseline or entry.missing_current:
        words += f", missing {percent(entry.missing_baseline)} → {percent(entry.missing_current)}"
    return distribution_view(shape, words)


def _performance(check: PerformanceCheck) -> PerformanceView:
    chip = Chip(capitals(check.level), LEVEL_TONES[check.level])
    title = f"{heading(check.metric)} in the window and at the evaluation"
    if check.window_start is not None and check.window_end is not None:
        title = (
            f"{heading(check.metric)} of {moment(check.window_start)} to {moment(check.window_end)}, "
            "whose labels are mature"
        )
    if check.current is None or check.low is None or check.high is None:
        why = check.reason or "no outcomes are known yet"
        return PerformanceView(
            title, chip, (), sentence(f"{words(check.metric)} has no figure: {why}")
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
    why = f"; no level follows: {check.reason}" if check.reason else ""
    return PerformanceView(title, chip, lanes, sentence(change + known + why))


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
    titles = ("size", "PSI", "JS distance", "adjusted p-value", "missing before", "missing now")
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
        Cell(entry.severity, severity_note(entry), DRIFT_TONES[entry.severity]),
        Cell(number(entry.size)),
        Cell(number(entry.psi)),
        Cell("" if entry.jensen_shannon is None else number(entry.jensen_shannon)),
        Cell(f"{entry.adjusted_p_value:.2g}"),
        Cell(percent(entry.missing_baseline)),
        Cell(percent(entry.missing_current)),
        Cell(_TESTS.get(entry.test, entry.test)),
    )


def _joint(shift: JointShift | None) -> str:
    """How well a classifier tells the window from the baseline by how features go together; empty if none did."""
    if shift is None:
        return ""
    if shift.auc is None or shift.low is None or shift.high is None or shift.quiet_auc is None:
        return sentence(f"how features go together was not compared: {shift.reason}")
    return sentence(
        "by how features go together a classifier tells the window from the baseline with an AUC of "
        f"{interval_words(shift.auc, shift.low, shift.high)}, quiet weeks with {number(shift.quiet_auc)} "
        "(.5 is nothing)"
    )


def _loaded(report: MonitoringReport) -> str:
    """Beside a window too large to be loaded: how many of its rows all but the drift of the features is about."""
    if report.rows_loaded is None:
        return ""
    return f"; all but the drift of features looks at {report.rows_loaded:,} rows of whole sessions"


def _window(report: MonitoringReport) -> str:
    """The window, and where the compared rows end before it does."""
    words = f"{moment(report.window_start)} to {moment(report.window_end)}"
    if report.rows_until is None or report.rows_until == report.window_end:
        return words
    return f"{words}, drift of the week up to {moment(report.rows_until)}: younger rows may still be missing"
