"""Every metric of everyone who was judged, classes, folds, and the tables of the task."""

from collections.abc import Iterable
from html import escape

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.reporting.evaluation.charts import chart_figure
from ml_platform.reporting.evaluation.confusion import confusion_figure
from ml_platform.reporting.evaluation.headline import judged
from ml_platform.reporting.evaluation.markup import bullets, code, report_table, section, table
from ml_platform.reporting.evaluation.words import MINUS, heading, number, sentence, signed

_SPREAD_OF = ("fitted_on", "rows", "epoch", "member")
"""What a fold says of itself, which is no metric."""


def metrics_section(report: EvaluationReport) -> str:
    """The table of metrics, then what could not be told and why."""
    lead = (
        f"{report.rows:,} rows of {report.change_sets:,} change sets in {report.clusters:,} clusters; "
        f"95 % intervals from {report.resamples:,} resamples of whole clusters; "
        "differences are paired on the same rows."
    )
    lines = [
        *(f"{name} cannot be told: {why}" for name, why in report.undefined.items()),
        *(f"{name} does not apply: {why}" for name, why in report.not_applicable.items()),
    ]
    return section("metrics", "Metrics", _metrics(report), bullets(map(sentence, lines)), lead=lead)


def results_section(report: EvaluationReport) -> str:
    """Classes, calibration, confusion, folds, and the task's own tables with their pictures."""
    charts = "".join(chart_figure(chart) for chart in _charts(report))
    return section(
        "results",
        "Where it is right, and where not",
        f'<div class="charts">{charts}</div>' if charts else "",
        confusion_figure(report),
        _classes(report),
        "".join(report_table(each) for each in report.tables),
        _folds(report),
    )


def _estimate(of: Estimate | None, *, difference: bool = False) -> str:
    if of is None:
        return ""
    told = signed(of.value) if difference else number(of.value)
    return f"{told}<br><small>{number(of.low)} to {number(of.high)}</small>"


def _metrics(report: EvaluationReport) -> str:
    order = ("candidate", "rules", "ceiling", "champion", "challenged", "dummy")
    shown = sorted(judged(report), key=lambda who: order.index(who.name))
    differences = [
        (name, found)
        for name, found in (
            (f"candidate {MINUS} rules", report.difference_to_baseline),
            (f"candidate {MINUS} champion", report.difference_to_champion),
            (f"candidate {MINUS} challenged", report.difference_to_challenged),
        )
        if found
    ]
    places = {name: place for place, name in enumerate(report.headline)}
    names = sorted(report.candidate.metrics, key=lambda name: (places.get(name, len(places)), name))
    rows = (
        (
            code(metric),
            _estimate(report.candidate.metrics[metric]),
            *(_estimate(found.get(metric), difference=True) for _, found in differences),
            *(_estimate(who.metrics.get(metric)) for who in shown[1:]),
        )
        for metric in names
    )
    head = ("metric", "candidate", *(name for name, _ in differences), *(w.name for w in shown[1:]))
    return table(head, rows)


def _charts(report: EvaluationReport) -> Iterable[Chart]:
    bins = [each for each in report.reliability if each.rows]
    if bins:
        yield Chart(
            "Calibration: claimed confidence against what came true",
            ChartKind.LINES,
            "confidence claimed",
            "share correct",
            (
                Series(
                    "candidate", tuple(b.confidence for b in bins), tuple(b.accuracy for b in bins)
                ),
                Series("perfectly calibrated", (0.0, 1.0), (0.0, 1.0)),
            ),
        )
    classes = sorted(report.per_class, key=lambda row: (-row.support, row.name))
    if classes:
        yield Chart(
            "F1 of each class, the most frequent first",
            ChartKind.BARS,
            "class",
            "F1",
            (Series("F1", tuple(row.name for row in classes), tuple(row.f1 for row in classes)),),
        )
    for shown in report.tables:
        yield from _expected_and_true(shown)


def _expected_and_true(shown: ReportTable) -> Iterable[Chart]:
    """A table that says what was expected and what was true is a calibration curve."""
    if not {"expected", "true"} <= set(shown.columns):
        return
    claimed, truth = shown.columns.index("expected"), shown.columns.index("true")
    pairs = [
        (float(row[claimed] or 0), float(row[truth] or 0))
        for row in shown.rows
        if isinstance(row[claimed], (int, float)) and isinstance(row[truth], (int, float))
    ]
    if len(pairs) < 2:
        return
    x, y = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    ends = (min(x), max(x))
    line = Series("expected is true", ends, ends)
    kind, candidate = ChartKind.LINES, Series("candidate", x, y)
    yield Chart(shown.title, kind, "expected", "true", (candidate, line))
    zero = Series("no residual", ends, (0.0, 0.0))
    residual = Series("true less expected", x, tuple(b - a for a, b in pairs))
    yield Chart(
        "Residuals: what was true less what was expected",
        kind,
        "expected",
        "residual",
        (residual, zero),
    )


def _classes(report: EvaluationReport) -> str:
    if not report.per_class:
        return ""
    head = ("class", "rows", "precision", "recall", "F1", "average precision", "ROC AUC")
    rows = (
        (
            escape(row.name),
            f"{row.support:,}",
            number(row.precision),
            number(row.recall),
            number(row.f1),
            number(row.average_precision),
            number(row.roc_auc),
        )
        for row in report.per_class
    )
    absent = escape(", ".join(report.absent_classes))
    note = f'<p class="note">Without a test row, and in no average: {absent}.</p>' if absent else ""
    return "<h3>Classes</h3>" + table(head, rows) + note


def _folds(report: EvaluationReport) -> str:
    """The metrics of each block of time, or epoch, inside the training part."""
    names = [
        name
        for name in dict.fromkeys(n for fold in report.folds for n in fold)
        if name not in _SPREAD_OF
    ]
    if not names:
        return ""
    head = ("block", *(escape(heading(name)) for name in names))
    rows = (
        (str(place), *(number(fold.get(name)) for name in names))
        for place, fold in enumerate(report.folds, start=1)
    )
    title = "<h3>Stability: held-out blocks (or epochs) inside the training part, in order</h3>"
    return title + table(head, rows)
