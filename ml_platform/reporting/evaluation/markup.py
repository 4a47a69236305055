"""Small pieces of HTML; whatever comes in as text is escaped, what is HTML already says so."""

from collections.abc import Iterable, Sequence
from html import escape

from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.reporting.evaluation.words import number, outcome_words


def section(name: str, title: str, *parts: str, lead: str = "") -> str:
    """A section with an anchor; ``parts`` are HTML; empty without any."""
    if not any(parts):
        return ""
    told = f'<p class="note">{escape(lead)}</p>' if lead else ""
    return (
        f'<section id="{escape(anchor(name))}"><h2>{escape(title)}</h2>{told}'
        f"{''.join(parts)}</section>"
    )


def anchor(name: str) -> str:
    """A name as an anchor: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())


def outcome_chip(outcome: str) -> str:
    """The outcome as a coloured word."""
    return f'<span class="chip {escape(outcome)}">{escape(outcome_words(outcome))}</span>'


def code(name: str) -> str:
    """A name as it is typed; on a narrow screen it breaks after an underscore or a point."""
    return f"<code>{escape(name).replace('_', '_<wbr>').replace('.', '.<wbr>')}</code>"


def bullets(lines: Iterable[str], kind: str = "") -> str:
    """A list of sentences (text); empty without any."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    told = f' class="{escape(kind)}"' if kind else ""
    return f"<ul{told}>{items}</ul>" if items else ""


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] | None = None
) -> str:
    """Cells are HTML already; ``numbers`` are the columns of figures, by default all but the first.

    It scrolls on its own if it is wide.
    """
    figures = set(range(1, len(head)) if numbers is None else numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>'
            if place in figures
            else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{cells("th", head)}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def report_table(shown: ReportTable) -> str:
    """A table of a report under its title; columns of figures only are aligned as such."""
    figures = [
        place
        for place in range(len(shown.columns))
        if all(row[place] is None or isinstance(row[place], (int, float)) for row in shown.rows)
    ]
    rows = ([_cell(value) for value in row] for row in shown.rows)
    head = [escape(column.replace("_", " ")) for column in shown.columns]
    return f"<h3>{escape(shown.title)}</h3>" + table(head, rows, numbers=figures)


def _cell(value: str | float | int | None) -> str:
    return escape(value) if isinstance(value, str) else number(value)
