"""The top of the page: who, GO or NO-GO, how sure, the headline figure, three sentences."""

from collections.abc import Iterator
from html import escape

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.confidence import Confidence, closest, confidence
from ml_platform.reporting.evaluation.headline import headline_figure, headline_metric
from ml_platform.reporting.evaluation.markup import outcome_chip
from ml_platform.reporting.evaluation.verdict import Verdicted, is_go, stopping
from ml_platform.reporting.evaluation.words import (
    heading,
    interval,
    limit_number,
    moment,
    number,
    outcome_words,
    sentence,
    signed_interval,
    words,
)

_MOST_MISSING = 4


def banner(report: EvaluationReport) -> str:
    """The model, and whether its figures are of simulated or of real events."""
    made = "SIMULATED events" if report.simulated else "Real events"
    kind = "simulated" if report.simulated else "real"
    return (
        f'<header><p class="kicker">Evaluation report</p><h1>{escape(heading(report.model))}</h1>'
        f'<p class="note"><span class="chip {kind}">{made}</span> source {escape(report.source)}, as of '
        f"{escape(moment(report.as_of))} · version of the bytes "
        f"<code>{escape(report.artifact_sha256[:12])}</code></p></header>"
    )


def verdict_card(report: EvaluationReport, decision: Verdicted) -> str:
    """GO or NO-GO with what is missing and the confidence, beside the headline metric."""
    go = is_go(decision)
    sure = confidence(decision)
    metric = headline_metric(report)
    figure = headline_figure(report, decision)
    drawn = (
        f'<div class="card"><h2>{escape(heading(metric))} on the same {report.rows:,} test rows</h2>'
        f"{figure}</div>"
        if figure
        else ""
    )
    return (
        f'<div class="top"><div class="card verdict {"go" if go else "nogo"}">'
        f'<p class="word">{"GO" if go else "NO-GO"}</p>'
        f"<p><strong>{escape(str(decision.verdict).upper())}</strong>: {escape(decision.row)}</p>"
        f"{_missing(decision)}{_sure(sure)}</div>{drawn}</div>"
        f'<div class="lead">{"".join(f"<p>{escape(line)}</p>" for line in sentences(report, decision))}</div>'
    )


def _sure(sure: Confidence) -> str:
    return (
        f'<p class="sure">Confidence <strong class="{sure.level.value}">{sure.level.value.upper()}</strong>'
        f"<br><small>{escape(sentence(sure.why))}</small></p>"
    )


def _missing(decision: Verdicted) -> str:
    """What stands in the way, gate by gate, with what would change it."""
    stops = stopping(decision)
    if not stops:
        return ""
    lines = "".join(
        f"<li><strong>{escape(heading(gate.name))}</strong> {outcome_chip(gate.outcome)}"
        f"<br><small>{escape(sentence(gate.remedy or gate.explanation))}</small></li>"
        for gate in stops[:_MOST_MISSING]
    )
    more = len(stops) - _MOST_MISSING
    rest = f"<li>and {more} more, see the gates</li>" if more > 0 else ""
    return f'<p class="missing">What is missing</p><ul class="plain">{lines}{rest}</ul>'


def sentences(report: EvaluationReport, decision: Verdicted) -> tuple[str, ...]:
    """Three: how good it is, how much better than what there is, what the decision rests on."""
    return (_how_good(report), _how_much_better(report), _on_what(decision))


def _how_good(report: EvaluationReport) -> str:
    metric = headline_metric(report)
    rows = f"{report.rows:,} test rows in {report.clusters:,} clusters that it has never seen"
    if not metric:
        why = next(
            iter({**report.undefined, **report.not_applicable}.values()), "no metric applies"
        )
        return f"On {rows} no figure can be told: {why}."
    told = f"On {rows}, its {words(metric)} is {interval(report.candidate.metrics[metric])}"
    others = [
        f"{article} {number(subject.metrics[metric].value)}"
        for article, subject in (
            ("the rules reach", report.baseline),
            ("the ceiling is", report.ceiling),
        )
        if subject is not None and metric in subject.metrics
    ]
    return f"{told}{'; ' if others else ''}{' and '.join(others)}."


def _how_much_better(report: EvaluationReport) -> str:
    metric = headline_metric(report)
    differences = [
        (name, found[metric], found)
        for name, found in (
            ("the rules", report.difference_to_baseline),
            ("the champion", report.difference_to_champion),
            ("the model it challenges", report.difference_to_challenged),
        )
        if found and metric in found
    ]
    if not differences:
        return "Nothing else was judged by that metric on these rows, so there is no paired difference."
    told = "; ".join(
        f"{signed_interval(of)} against {name}{_shown(of.low, of.high)}"
        + ("".join(_way(report, metric)) if found is report.difference_to_baseline else "")
        for name, of, found in differences
    )
    return f"Paired on the same rows, that is {told}."


def _shown(low: float, high: float) -> str:
    return " (not told apart)" if low <= 0 <= high else ""


def _way(report: EvaluationReport, metric: str) -> Iterator[str]:
    """How far from the rules to the ceiling."""
    if report.ceiling is None or metric not in report.ceiling.metrics:
        return
    if metric not in report.baseline.metrics:
        return
    rules, top = report.baseline.metrics[metric].value, report.ceiling.metrics[metric].value
    if rules != top:
        share = (report.candidate.metrics[metric].value - rules) / (top - rules)
        yield f" ({100 * share:.0f} % of the way to the ceiling)"


def _on_what(decision: Verdicted) -> str:
    passed = sum(gate.outcome == "pass" for gate in decision.gates)
    told = f"{passed} of {len(decision.gates)} gates pass"
    stops = stopping(decision)
    if stops:
        names = ", ".join(f"{heading(gate.name)} ({outcome_words(gate.outcome)})" for gate in stops)
        return f"{told}; not passed: {names}."
    found = closest(decision.gates)
    if found is None:
        return f"{told}; none of them rests on an interval."
    gate, by = found
    return (
        f"{told}; the one with the least to spare is “{heading(gate.name)}”, whose interval "
        f"[{number(gate.low)}, {number(gate.high)}] keeps {by:.2f} of its width "
        f"from the limit {limit_number(gate.limit)}."
    )
