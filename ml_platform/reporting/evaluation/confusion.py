"""The confusion of few classes as a table of shares, and in words which are taken for each other most."""

from html import escape

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.markup import bullets

MOST_CLASSES = 15
"""Beyond so many the table is no picture any more: the sentences stay."""
_MOST_SENTENCES = 5


def confusion_figure(report: EvaluationReport) -> str:
    """'' without a confusion."""
    if not report.confusion:
        return ""
    drawn = _grid(report) if len(report.classes) <= MOST_CLASSES else ""
    return f"<h3>What is taken for what</h3>{bullets(_most(report))}{drawn}"


def _most(report: EvaluationReport) -> list[str]:
    cells = [
        (count, of, taken)
        for of, row in zip(report.classes, report.confusion, strict=False)
        for count, taken in zip(row, report.classes, strict=False)
        if count and taken != of
    ]
    support = {of: sum(row) for of, row in zip(report.classes, report.confusion, strict=False)}
    worst = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:_MOST_SENTENCES]
    return [
        f"{of} is taken for {taken} in {count:,} of its {support[of]:,} rows ({100 * count / support[of]:.1f} %)."
        for count, of, taken in worst
    ]


def _grid(report: EvaluationReport) -> str:
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in report.classes)
    rows = []
    for name, counts in zip(report.classes, report.confusion, strict=False):
        support = sum(counts) or 1
        cells = "".join(_cell(count, count / support) for count in counts)
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return (
        '<p class="note">Rows are the truth, columns the answer; the darker, the larger the share of '
        'the row.</p><div class="wide" tabindex="0"><table class="confusion">'
        f"<thead><tr><th>true</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(count: int, share: float) -> str:
    told = f"{count:,}" if count else ""
    ink = ' class="dark"' if share > 0.55 else ""
    return (
        f'<td{ink} style="background:rgba(29,78,216,{0.9 * share**0.7:.2f})" '
        f'title="{100 * share:.1f} %">{told}</td>'
    )
