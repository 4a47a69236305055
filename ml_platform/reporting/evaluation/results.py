"""The results in detail: calibration, classes, confusion, folds and the tables of the task."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.reporting.charts import Drawing, drawings
from ml_platform.reporting.components import Cell, Column, Table, report_table
from ml_platform.reporting.words import heading, number

MOST_CONFUSED_CLASSES = 15
"""A grid of more classes cannot be read: the sentences about the largest confusions stay."""
_MOST_SENTENCES = 5
_NO_METRIC_OF_A_FOLD = ("fitted_on", "rows", "epoch", "member")


@dataclass(frozen=True)
class ConfusionCell:
    """A count, and its per cent of the true class; ``shade`` is how much colour it gets, in per cent."""

    count: str
    percent: str
    shade: int


@dataclass(frozen=True)
class Confusion:
    """Sentences about the largest confusions and, of few classes, rows by true class with their cells."""

    sentences: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ConfusionCell, ...]], ...]


@dataclass(frozen=True)
class Results:
    """Everything in the section; each part is empty where the report has no figures for it."""

    drawings: tuple[Drawing, ...]
    confusion: Confusion | None
    tables: tuple[Table, ...]


def results(report: EvaluationReport) -> Results:
    """The section on results; all of it is empty for a task without them."""
    tables = (_classes(report), *map(report_table, report.tables), _folds(report))
    return Results(
        drawings(tuple(_charts(report))),
        _confusion(report),
        tuple(table for table in tables if table is not None),
    )


def _charts(report: EvaluationReport) -> Iterator[Chart]:
    for chart in (reliability_chart(report), class_chart(report)):
        if chart is not None:
            yield chart
    for table in report.tables:
        yield from _expected_and_true(table)


def reliability_chart(report: EvaluationReport) -> Chart | None:
    """Mean confidence against the share that was correct, a point a bin; ``None`` without bins."""
    bins = [reliability_bin for reliability_bin in report.reliability if reliability_bin.rows]
    if not bins:
        return None
    confidences, shares = tuple(b.confidence for b in bins), tuple(b.accuracy for b in bins)
    return Chart(
        "Calibration: confidence against share correct",
        ChartKind.LINES,
        "confidence",
        "share correct",
        (
            Series("candidate", confidences, shares),
            Series("perfectly calibrated", (0.0, 1.0), (0.0, 1.0)),
        ),
    )


def class_chart(report: EvaluationReport) -> Chart | None:
    """F1 of each class, the most frequent first; ``None`` without classes."""
    rows = sorted(report.per_class, key=lambda row: (-row.support, row.name))
    if not rows:
        return None
    series = Series("F1", tuple(row.name for row in rows), tuple(row.f1 for row in rows))
    title = "F1 of each class, the most frequent first"
    return Chart(title, ChartKind.BARS, "class", "F1", (series,))


def _expected_and_true(table: ReportTable) -> Iterator[Chart]:
    """Calibration and residuals of a table with the columns 'expected' and 'true'."""
    if not {"expected", "true"} <= set(table.columns):
        return
    expected, true = table.columns.index("expected"), table.columns.index("true")
    pairs = [
        (float(row[expected] or 0), float(row[true] or 0))
        for row in table.rows
        if isinstance(row[expected], (int, float)) and isinstance(row[true], (int, float))
    ]
    if len(pairs) < 2:
        return
    x, y = (tuple(side) for side in zip(*pairs, strict=True))
    ends = (min(x), max(x))
    yield Chart(
        table.title,
        ChartKind.LINES,
        "expected",
        "true",
        (Series("candidate", x, y), Series("expected = true", ends, ends)),
    )
    yield Chart(
        "Residuals: true less expected",
        ChartKind.LINES,
        "expected",
        "residual",
        (
            Series("true less expected", x, tuple(b - a for a, b in pairs)),
            Series("no residual", ends, (0.0, 0.0)),
        ),
    )


def _confusion(report: EvaluationReport) -> Confusion | None:
    if not report.confusion:
        return None
    support = {
        name: sum(counts) for name, counts in zip(report.classes, report.confusion, strict=False)
    }
    rows = tuple(
        (name, tuple(_confusion_cell(count, support[name]) for count in counts))
        for name, counts in zip(report.classes, report.confusion, strict=False)
    )
    grid = rows if len(report.classes) <= MOST_CONFUSED_CLASSES else ()
    return Confusion(tuple(_largest_confusions(report, support)), report.classes, grid)


def _confusion_cell(count: int, support: int) -> ConfusionCell:
    share = count / (support or 1)
    shade = round(90 * share**0.7)
    return ConfusionCell(f"{count:,}" if count else "", f"{100 * share:.1f} %", shade)


def _largest_confusions(report: EvaluationReport, support: dict[str, int]) -> Iterator[str]:
    confusions = [
        (count, true, predicted)
        for true, counts in zip(report.classes, report.confusion, strict=False)
        for count, predicted in zip(counts, report.classes, strict=False)
        if count and predicted != true
    ]
    confusions.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    for count, true, predicted in confusions[:_MOST_SENTENCES]:
        percent = f"{100 * count / support[true]:.1f} %"
        yield f"{true} is predicted as {predicted} in {count:,} of its {support[true]:,} rows ({percent})."


def _classes(report: EvaluationReport) -> Table | None:
    if not report.per_class:
        return None
    titles = ("rows", "precision", "recall", "F1", "average precision", "ROC AUC")
    columns = (Column("class", numeric=False), *map(Column, titles))
    rows = tuple(
        tuple(
            map(
                Cell,
                (
                    row.name,
                    number(row.support),
                    number(row.precision),
                    number(row.recall),
                    number(row.f1),
                    number(row.average_precision),
                    number(row.roc_auc),
                ),
            )
        )
        for row in report.per_class
    )
    absent = ", ".join(report.absent_classes)
    note = f"Without a test row, and in no average: {absent}." if absent else ""
    return Table(columns, rows, "Classes", note)


def _folds(report: EvaluationReport) -> Table | None:
    """The metrics of each validation block, or epoch, inside the training set."""
    names = [
        name
        for name in dict.fromkeys(name for fold in report.folds for name in fold)
        if name not in _NO_METRIC_OF_A_FOLD
    ]
    if not names:
        return None
    columns = (Column("block", numeric=False), *(Column(heading(name)) for name in names))
    rows = tuple(
        (Cell(str(place)), *(Cell(number(fold.get(name))) for name in names))
        for place, fold in enumerate(report.folds, start=1)
    )
    return Table(columns, rows, "Validation blocks (or epochs) inside the training set, in order")
