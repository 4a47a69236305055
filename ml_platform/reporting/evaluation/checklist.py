"""What was checked, what could not be, who must look, and what monitoring has to watch: all generated."""

from collections.abc import Iterator
from html import escape

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.confidence import MEDIUM_MARGIN, margin
from ml_platform.reporting.evaluation.headline import headline_metric
from ml_platform.reporting.evaluation.markup import bullets, outcome_chip, section
from ml_platform.reporting.evaluation.verdict import (
    AT_MOST,
    INSUFFICIENT,
    INTEGRITY,
    NO_GATE,
    NOT_APPLICABLE,
    PASS,
    STOPPING,
    GateLine,
    Verdicted,
    gates_of,
    outcome_of,
)
from ml_platform.reporting.evaluation.words import heading, interval, limit_number, number, sentence

_WHO = {
    "fairness": "Those who answer for the teams and regions concerned",
    "leakage": "The owner of the features",
    "quality": "The owner of the features",
    "selection": "The owner of the features",
    "cost": "The owner of the service",
    "robustness": "The owner of the sources of events",
    "explanations": "Somebody who does the work that the model is about",
}
_OWNER = "The owner of the model"


def checklist_section(report: EvaluationReport, decision: Verdicted) -> str:
    """Three lists, from the gates and the reasons that the report gives."""
    return section(
        "checklist",
        "Checklist",
        "<h3>Checked</h3>",
        _checked(decision),
        _titled("Could not be checked", _unchecked(report, decision)),
        _titled("Who must look, before it serves anybody", _to_look(report, decision)),
    )


def monitoring_section(report: EvaluationReport, decision: Verdicted) -> str:
    """What has to be watched once it serves, with today's figures."""
    return section(
        "monitoring",
        "What monitoring must watch",
        bullets(_watched(report, decision)),
        lead="Each line follows from a gate or a finding of this report.",
    )


def _titled(title: str, lines: Iterator[str]) -> str:
    told = bullets(dict.fromkeys(lines), "open")
    return f"<h3>{escape(title)}</h3>{told}" if told else ""


def _checked(decision: Verdicted) -> str:
    items = "".join(
        f"<li>{outcome_chip(gate.outcome)} <strong>{escape(heading(gate.name))}</strong></li>"
        for gate in decision.gates
        if gate.outcome in (PASS, "fail")
    )
    return f'<ul class="checked">{items}</ul>'


def _unchecked(report: EvaluationReport, decision: Verdicted) -> Iterator[str]:
    for gate in decision.gates:
        if gate.outcome == INSUFFICIENT:
            yield sentence(f"{heading(gate.name)} (INSUFFICIENT): {gate.explanation}")
        elif gate.outcome == NOT_APPLICABLE:
            yield sentence(f"{heading(gate.name)} (NOT APPLICABLE): {gate.explanation}")
    for dimension in report.dimensions:
        for name, why in dimension.undefined.items():
            yield sentence(f"{dimension.title}, {heading(name)}: {why}")
    if report.champion is None:
        why = report.champion_note or "there is none yet"
        yield sentence(f"No step back against a champion: {why}")
    if report.ceiling is None:
        yield "How much better it could be: real events have no known ceiling."
    if report.challenged_note:
        yield sentence(f"Against the model it challenges: {report.challenged_note}")
    if not report.dimensions:
        yield "Fairness, robustness, cost and explanations: none was examined for this report."


def _to_look(report: EvaluationReport, decision: Verdicted) -> Iterator[str]:
    for gate in decision.gates:
        who = "The owner of the data" if gate.kind == INTEGRITY else _who(gate)
        by = margin(gate)
        if gate.outcome in STOPPING:
            yield f"{who}: the gate “{heading(gate.name)}” did not pass. {sentence(gate.remedy)}".strip()
        elif gate.outcome == PASS and by is not None and by < MEDIUM_MARGIN:
            yield (
                f"{who}: the gate “{heading(gate.name)}” passes, but keeps only {by:.2f} of its "
                "interval's width from the limit; on other test rows it may not."
            )
    for dimension in report.dimensions:
        outcome = outcome_of(gates_of(decision, dimension.name))
        if outcome == NO_GATE and dimension.findings:
            who = _WHO.get(dimension.name, _OWNER)
            yield f"{who}: {dimension.title} has findings, and no gate holds them against a limit."
    if report.simulated:
        yield f"{_OWNER}: every figure is of SIMULATED events; repeat it on real ones before it decides anything."
    else:
        yield f"{_OWNER}: whether the test rows, the newest ones, are like those that it will serve."


def _who(gate: GateLine) -> str:
    return _WHO.get(gate.metric.partition(".")[0], _OWNER) if "." in gate.metric else _OWNER


def _watched(report: EvaluationReport, decision: Verdicted) -> Iterator[str]:
    named = set()
    for gate in decision.gates:
        if "." in gate.metric or gate.bound not in ("limit", AT_MOST) or gate.value is None:
            continue
        named.add(gate.metric)
        side = "rises above" if gate.bound == AT_MOST else "falls to"
        yield (
            f"{heading(gate.metric)}: alert if its interval {side} {limit_number(gate.limit)} (on the test rows "
            f"{number(gate.value)} [{number(gate.low)}, {number(gate.high)}])."
        )
    metric = headline_metric(report)
    if metric and metric not in named:
        yield (
            f"{heading(metric)}, its headline figure: alert on a loss against "
            f"{interval(report.candidate.metrics[metric])}."
        )
    for dimension in report.dimensions:
        for line in dimension.watch:
            yield sentence(f"{dimension.title}: {line}")
