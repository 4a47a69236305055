"""The checklist of a report: checks made, checks left to people, and figures for monitoring to watch.

All of it follows from the gates and from the reasons that the report gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome
from ml_platform.reporting.components import Chip
from ml_platform.reporting.evaluation.confidence import MEDIUM_MARGIN, margin
from ml_platform.reporting.evaluation.decision import (
    NO_GATE,
    dimension_of,
    gates_of,
    worst_outcome,
)
from ml_platform.reporting.evaluation.gates import gate_chip
from ml_platform.reporting.evaluation.headline import headline_metric
from ml_platform.reporting.words import (
    heading,
    interval,
    limit_number,
    number,
    sentence,
)
from ml_platform.spec.gates import Bound

_DECIDED = (Outcome.PASS, Outcome.FAIL)
_MODEL_OWNER = "The owner of the model"
_DATA_OWNER = "The owner of the data"
_OWNERS = {
    "fairness": "Those who answer for the teams and regions concerned",
    "leakage": "The owner of the features",
    "quality": "The owner of the features",
    "selection": "The owner of the features",
    "cost": "The owner of the service",
    "robustness": "The owner of the sources of events",
    "explanations": "Somebody who does the work that the model is about",
}


@dataclass(frozen=True)
class Checklist:
    """Gates that were decided, each with its outcome; then sentences."""

    checked: tuple[tuple[str, Chip], ...]
    not_checked: tuple[str, ...]
    to_look_at: tuple[str, ...]


def checklist(report: EvaluationReport, decision: Decision) -> Checklist:
    """The three lists, each line once."""
    return Checklist(
        checked=tuple(
            (heading(gate.name), gate_chip(gate))
            for gate in decision.gates
            if gate.outcome in _DECIDED
        ),
        not_checked=tuple(dict.fromkeys(_not_checked(report, decision))),
        to_look_at=tuple(dict.fromkeys(_to_look_at(report, decision))),
    )


def watch_lines(report: EvaluationReport, decision: Decision) -> tuple[str, ...]:
    """The figures to watch once the model serves, with their values of today."""
    return tuple(_watch_lines(report, decision))


def _not_checked(report: EvaluationReport, decision: Decision) -> Iterator[str]:
    for gate in decision.gates:
        if gate.outcome not in _DECIDED:
            yield sentence(f"{heading(gate.name)}, {gate.words}: {gate.explanation}")
    for dimension in report.dimensions:
        for name, why in dimension.undefined.items():
            yield sentence(f"{dimension.title}, {heading(name)}: {why}")
    if report.champion is None:
        why = report.champion_note or "there is no champion yet"
        yield sentence(f"Whether it is worse than the champion: {why}")
    if report.ceiling is None:
        yield "How much better it could be: the best possible score is unknown for real events."
    if report.challenged_note:
        yield sentence(f"Against the model it challenges: {report.challenged_note}")
    if not report.dimensions:
        yield "Fairness, robustness, cost and explanations: this report examined none of them."


def _to_look_at(report: EvaluationReport, decision: Decision) -> Iterator[str]:
    for gate in decision.gates:
        widths = margin(gate)
        title = f"{_owner(gate)}: the gate “{heading(gate.name)}”"
        if gate.stops:
            yield f"{title} did not pass. {sentence(gate.remedy)}".strip()
        elif not gate.decides and gate.outcome.stops:
            yield f"{title} is reported only, and did not pass. {sentence(gate.remedy)}".strip()
        elif gate.outcome is Outcome.PASS and widths is not None and widths < MEDIUM_MARGIN:
            yield (
                f"{title} passes, but its interval clears the limit by only {widths:.2f} of its "
                "width; on other test rows it may not pass."
            )
    for dimension in report.dimensions:
        if worst_outcome(gates_of(decision, dimension.name)) == NO_GATE and dimension.findings:
            owner = _OWNERS.get(dimension.name, _MODEL_OWNER)
            yield f"{owner}: {dimension.title} has findings, and no gate holds them against a limit."
    if report.simulated:
        yield f"{_MODEL_OWNER}: all events are SIMULATED; evaluate it on real ones before it decides anything."
    else:
        yield f"{_MODEL_OWNER}: whether the test rows, the newest ones, are like those it will serve."


def _owner(gate: GateResult) -> str:
    if gate.kind is GateKind.INTEGRITY:
        return _DATA_OWNER
    return _OWNERS.get(dimension_of(gate), _MODEL_OWNER)


def _watch_lines(report: EvaluationReport, decision: Decision) -> Iterator[str]:
    watched = set()
    for gate in decision.gates:
        absolute = gate.bound in (Bound.LIMIT, Bound.AT_MOST)
        if "." in gate.metric or not absolute or gate.value is None:
            continue
        watched.add(gate.metric)
        side = "rises above" if gate.bound is Bound.AT_MOST else "falls to"
        yield (
            f"{heading(gate.metric)}: alert if its interval {side} {limit_number(gate.limit)} "
            f"(on the test rows {number(gate.value)} [{number(gate.low)}, {number(gate.high)}])."
        )
    metric = headline_metric(report)
    if metric and metric not in watched:
        estimate = interval(report.candidate.metrics[metric])
        yield f"{heading(metric)}, the headline metric: alert on a loss against {estimate}."
    for dimension in report.dimensions:
        for line in dimension.watch:
            yield sentence(f"{dimension.title}: {line}")
