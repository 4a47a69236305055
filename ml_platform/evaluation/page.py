"""The evaluation report and its decision as one self-contained page, readable at phone width."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Protocol

from ml_platform.evaluation.plots import plots_of
from ml_platform.evaluation.report import EvaluationReport, Subject
from ml_platform.evaluation.report_parts import Estimate, ReportTable


class GateLine(Protocol):
    """What the page shows of a gate (a ``GateResult`` is one)."""

    @property
    def name(self) -> str:
        """Which gate."""
        ...

    @property
    def kind(self) -> str:
        """'integrity' or 'quality'."""
        ...

    @property
    def outcome(self) -> str:
        """'pass', 'fail' or 'insufficient'."""
        ...

    @property
    def explanation(self) -> str:
        """On what value it decided."""
        ...

    @property
    def remedy(self) -> str:
        """What would change it; empty if it passed."""
        ...


class Verdicted(Protocol):
    """What the page shows of a decision (a ``Decision`` of the gates, the next stage, is one)."""

    @property
    def verdict(self) -> str:
        """'promote', 'canary', 'hold' or 'reject'."""
        ...

    @property
    def row(self) -> str:
        """The row of the decision table that fired."""
        ...

    @property
    def policy_version(self) -> str:
        """Of the policy it was made under."""
        ...

    @property
    def gates(self) -> Sequence[GateLine]:
        """Every gate behind it, in order."""
        ...


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; margin: 0 auto; padding: 1rem; max-width: 60rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.verdict { padding: .75rem 1rem; border-radius: .5rem; background: #f3f4f6; border-left: .4rem solid #6b7280; }
.promote { border-color: #15803d; } .hold, .canary { border-color: #b45309; } .reject { border-color: #b91c1c; }
.note { color: #4b5563; } .wide { overflow-x: auto; } img { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.gates { list-style: none; padding: 0; margin: 0; }
.gates li { padding: .5rem 0; border-bottom: 1px solid #e5e7eb; }
.pass { color: #15803d; } .fail { color: #b91c1c; } .insufficient { color: #b45309; }
"""


def report_html(report: EvaluationReport, decision: Verdicted) -> str:
    """One page without outside resources: verdict, gates, metrics, classes, plots, how to reproduce it.

    Whatever comes from data (class names, sources) is escaped.
    """
    made = "SIMULATED events" if report.simulated else "real events"
    title = f"{report.model}: {decision.verdict.upper()}"
    parts = (
        f"<h1>{escape(report.model)}</h1>",
        f'<p class="note">{made} from {escape(report.source)}, as of '
        f"{escape(report.as_of.isoformat())}</p>",
        f'<p class="verdict {escape(decision.verdict)}"><strong>{decision.verdict.upper()}'
        f"</strong>: {escape(decision.row)}</p>",
        "<h2>Gates</h2>",
        _gates(decision),
        "<h2>Metrics on the test rows, with 95 % intervals</h2>",
        f'<p class="note">{report.rows:,} rows of {report.acts:,} acts in {report.clusters:,} clusters; '
        f"{report.resamples:,} resamples of whole clusters.</p>",
        _metrics(report),
        *_not_told(report),
        *(("<h2>Classes</h2>", _classes(report)) if report.per_class else ()),
        *(_report_table(table) for table in report.tables),
        _plots(report),
        "<h2>How to reproduce it</h2>",
        _facts(report, decision),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Cells are HTML already; the last ``numbers`` columns are figures."""
    first = len(head) - numbers

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if place >= first else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells("th", head)}</tr>{body}</table></div>'


def _gates(decision: Verdicted) -> str:
    """A line a gate, what did not pass with its remedy: no table, which a phone would cut off."""
    lines = []
    for gate in decision.gates:
        remedy = f"<br>What would change it: {escape(gate.remedy)}" if gate.remedy else ""
        lines.append(
            f'<li><strong>{escape(gate.name)}</strong> <span class="note">{escape(gate.kind)}</span> '
            f'<strong class="{escape(gate.outcome)}">{escape(gate.outcome.upper().replace("_", " "))}</strong><br>'
            f"{escape(gate.explanation)}{remedy}</li>"
        )
    return f'<ul class="gates">{"".join(lines)}</ul>'


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:.3f}<br><small>{estimate.low:.3f} to {estimate.high:.3f}</small>"


def _metrics(report: EvaluationReport) -> str:
    subjects: list[tuple[str, Subject | None]] = [
        ("candidate", report.candidate),
        ("rules", report.baseline),
        ("naive", report.naive),
        ("champion", report.champion),
        ("rival", report.rival),
        ("ceiling", report.ceiling),
    ]
    shown = [(name, subject) for name, subject in subjects if subject is not None]
    rows = (
        (
            escape(metric),
            *(_interval(subject.metrics.get(metric)) for _, subject in shown),
            _interval(report.difference_to_baseline.get(metric)),
        )
        for metric in report.candidate.metrics
    )
    head = ("metric", *(name for name, _ in shown), "candidate minus rules")
    return _table(head, rows, numbers=len(head) - 1)


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _classes(report: EvaluationReport) -> str:
    table = _table(
        ("class", "rows", "precision", "recall", "F1", "average precision", "ROC AUC"),
        (
            (
                escape(row.name),
                f"{row.support:,}",
                f"{row.precision:.3f}",
                f"{row.recall:.3f}",
                f"{row.f1:.3f}",
                _optional(row.average_precision),
                _optional(row.roc_auc),
            )
            for row in report.per_class
        ),
        numbers=6,
    )
    if not report.absent_classes:
        return table
    absent = escape(", ".join(report.absent_classes))
    return table + f'<p class="note">Without a test row, and in no average: {absent}.</p>'


def _not_told(report: EvaluationReport) -> Iterable[str]:
    """Metrics that these rows cannot tell, or for which they make no sense, with the reason."""
    for metric, reason in (*report.undefined.items(), *report.not_applicable.items()):
        yield f'<p class="note">{escape(metric)}: {escape(reason)}.</p>'


def _report_table(table: ReportTable) -> str:
    def cell(value: str | float | int | None) -> str:
        if value is None:
            return ""
        return f"{value:.3f}" if isinstance(value, float) else escape(str(value))

    rows = ([cell(value) for value in row] for row in table.rows)
    head = [escape(column) for column in table.columns]
    return f"<h2>{escape(table.title)}</h2>" + _table(head, rows, numbers=len(head) - 1)


def _plots(report: EvaluationReport) -> str:
    images = plots_of(report).items()
    return "".join(
        f'<h2>{label}</h2><img alt="{label}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        for label, png in images
    )


def _facts(report: EvaluationReport, decision: Verdicted) -> str:
    split = report.split
    facts = (
        ("artifact SHA-256", report.artifact_sha256),
        ("training set", report.training_set_fingerprint),
        ("policy version", decision.policy_version),
        ("seed", str(report.seed)),
        ("trained on rows before", f"{split.train_until.isoformat()} ({split.rows_train:,} rows)"),
        ("tested on rows from", f"{split.test_from.isoformat()} ({split.rows_test:,} rows)"),
        ("largest gap to the estimator", f"{report.parity_gap:.2g}"),
        ("newest row", report.newest_row_at.isoformat()),
        ("as of", report.as_of.isoformat()),
    )
    rows = "".join(
        f'<tr><th>{escape(name)}</th><td class="code">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return f'<div class="wide"><table>{rows}</table></div>'
