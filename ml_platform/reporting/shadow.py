"""What a version in shadow would have said, as a page shows it and as a shell prints it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.reporting.components import Cell, Column, Table, Tone
from ml_platform.reporting.overview import Figure, milliseconds
from ml_platform.reporting.words import moment, number, percent, shortened, signed
from ml_platform.serving.shadow_differences import Agreement, Latency, ShadowDifferences

_MOST_NAME = 60


@dataclass(frozen=True)
class ShadowView:
    """The differences of a version in shadow; without figures they could not be counted in time."""

    title: str
    note: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


def shadow_view(version: str, report: ShadowDifferences | None) -> ShadowView | None:
    """The section of a page.

    ``None`` where no version has answered in shadow.

    Args:
        version: That has answered in shadow; empty: none has.
        report: Its differences; ``None`` where they could not be read in time.
    """
    if not version:
        return None
    title = f"Version {version} in shadow"
    if report is None:
        return ShadowView(title, "Its answers could not be compared in time.")
    note = (
        f"What it would have said to the same requests from {moment(report.since)} to {moment(report.until)}; "
        "nobody saw it."
    )
    tables = (_confusions(report), _arms(report), _users(report))
    return ShadowView(title, note, _figures(report), tuple(each for each in tables if each.rows))


def shadow_lines(report: ShadowDifferences) -> Iterator[str]:
    """The same for a shell."""
    yield (
        f"{report.model}: version {report.version} in shadow, {moment(report.since)} to {moment(report.until)}"
    )
    yield (
        f"  {report.pairs:,} answers beside which it answered; failed: {report.failed_shadow:,} in shadow, "
        f"{report.failed_served:,} served; {report.dropped:,} answers without one in shadow"
    )
    yield f"  agree: {_agreement_words(report.agreement)} of {report.compared:,} pairs, {report.users:,} users"
    if report.confidence:
        sizes = report.confidence
        yield (
            f"  confidence: {signed(sizes.mean)} on average; half differ by at most {number(sizes.p50)}, "
            f"95 % by at most {number(sizes.p95)}"
        )
    for name, latency in (("served", report.served_latency), ("shadow", report.shadow_latency)):
        if latency:
            yield f"  {name}: p50 {milliseconds(latency.p50)}, p99 {milliseconds(latency.p99)}"
    for each in report.confusions:
        yield f"  {each.pairs:>7,}  {_name(each.served)} -> {_name(each.shadow)}"
    if report.other_differences:
        yield f"  {report.other_differences:>7,}  other differences"
    for arm in report.arms:
        yield f"  as {arm.arm}, version {arm.version}: {_agreement(arm.agreement)}"
    for user in report.most_differing:
        yield f"  user {_name(user.user_id)}: {_agreement(user.agreement)}"


def _figures(report: ShadowDifferences) -> tuple[Figure, ...]:
    figures = [
        Figure("Pairs", number(report.compared), f"of {report.users:,} users"),
        Figure("Agree", *_agreement_parts(report.agreement), Tone.ACCENT),
    ]
    if report.confidence:
        sizes = report.confidence
        note = f"half differ by {number(sizes.p50)} at most, 95 % by {number(sizes.p95)}"
        figures.append(Figure("Confidence", signed(sizes.mean), note))
    served, shadow = report.served_latency, report.shadow_latency
    if served and shadow:
        figures += [
            Figure(name, milliseconds(each), f"served: {milliseconds(other)}")
            for name, each, other in _latencies(shadow, served)
        ]
    return (
        *figures,
        Figure(
            "Failed",
            number(report.failed_shadow),
            f"served: {report.failed_served:,}",
            Tone.BAD if report.failed_shadow else Tone.NEUTRAL,
        ),
        Figure("Dropped", number(report.dropped), "answers without one in shadow"),
    )


def _latencies(shadow: Latency, served: Latency) -> tuple[tuple[str, float, float], ...]:
    return (("p50", shadow.p50, served.p50), ("p99", shadow.p99, served.p99))


def _agreement_parts(agreement: Estimate | None) -> tuple[str, str]:
    if agreement is None:
        return "unknown", "no pair in which nobody failed"
    return percent(agreement.value), f"[{percent(agreement.low)}, {percent(agreement.high)}]"


def _agreement_words(agreement: Estimate | None) -> str:
    return " ".join(_agreement_parts(agreement))


def _agreement(agreement: Agreement) -> str:
    return f"{percent(agreement.share)} of {agreement.pairs:,} agree"


def _name(text: str) -> str:
    return shortened(text, _MOST_NAME)


def _confusions(report: ShadowDifferences) -> Table:
    columns = (Column("Served", numeric=False), Column("In shadow", numeric=False), Column("Pairs"))
    rows = [
        (Cell(_name(each.served)), Cell(_name(each.shadow)), Cell(number(each.pairs)))
        for each in report.confusions
    ]
    if report.other_differences:
        others = Cell(number(report.other_differences))
        rows.append((Cell("others"), Cell(""), others))
    return Table(columns, tuple(rows), "What differs most often")


def _arms(report: ShadowDifferences) -> Table:
    columns = (
        Column("Served by", numeric=False),
        Column("As", numeric=False),
        *map(Column, ("Pairs", "Agree")),
    )
    rows = tuple(
        (Cell(_name(each.version)), Cell(each.arm), *_counts(each.agreement))
        for each in report.arms
    )
    return Table(columns, rows, "By what was served")


def _users(report: ShadowDifferences) -> Table:
    columns = (Column("User", numeric=False), *map(Column, ("Pairs", "Agree")))
    rows = tuple(
        (Cell(_name(each.user_id)), *_counts(each.agreement)) for each in report.most_differing
    )
    return Table(columns, rows, "Users with the most differences")


def _counts(agreement: Agreement) -> tuple[Cell, Cell]:
    return Cell(number(agreement.pairs)), Cell(percent(agreement.share))
