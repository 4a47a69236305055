"""The metric that decided, of everything that was scored on the same test rows, as intervals on one scale."""

from dataclasses import dataclass

from ml_platform.evaluation.report import EvaluationReport, Subject
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.decide import deciding_gate
from ml_platform.gates.outcome import Decision, GateResult
from ml_platform.reporting.components import Lane, Tone, TrackScale
from ml_platform.reporting.words import heading, interval, limit_number, signed_interval
from ml_platform.spec.gates import Bound

CANDIDATE = "candidate"
_ABSOLUTE = (Bound.LIMIT, Bound.AT_MOST)


@dataclass(frozen=True)
class Headline:
    """All lanes, from the dummy baseline to the ceiling, with the limit of the metric's gate."""

    title: str
    lanes: tuple[Lane, ...]
    limit: str


def scorers(report: EvaluationReport) -> dict[str, Subject]:
    """The scorers by the page's names for them, from the dummy one to the ceiling."""
    subjects = {
        "dummy baseline": report.dummy,
        "rule baseline": report.baseline,
        "challenged model": report.challenged,
        "champion": report.champion,
        CANDIDATE: report.candidate,
        "ceiling": report.ceiling,
    }
    return {name: subject for name, subject in subjects.items() if subject is not None}


def headline_metric(report: EvaluationReport) -> str:
    """The first headline metric that the candidate has a figure for; '' where it has none at all."""
    metrics = report.candidate.metrics
    return next((name for name in (*report.headline, *metrics) if name in metrics), "")


def limit_gate(decision: Decision, metric: str) -> GateResult | None:
    """The gate that holds the metric itself against a limit."""
    gates = (gate for gate in decision.gates if gate.metric == metric and gate.bound in _ABSOLUTE)
    return next(gates, None)


def headline(report: EvaluationReport, decision: Decision) -> Headline | None:
    """The figure beside the verdict: of the metric whose gate decided, of a GO of the model's first metric.

    ``None`` where the candidate has no metric.
    """
    gate = deciding_gate(decision)
    if gate is None or report.figure(gate.metric) is None:
        metric = headline_metric(report)
        gate = limit_gate(decision, metric)
    else:
        metric = gate.metric
    if not metric:
        return None
    estimates = _estimates(report, metric)
    limit = gate.limit if gate and gate.bound in _ABSOLUTE else None
    ends = [end for estimate in estimates.values() for end in (estimate.low, estimate.high)]
    scale = TrackScale.around(ends if limit is None else [*ends, limit])
    lanes = (_lane(name, estimate, scale, limit) for name, estimate in estimates.items())
    title = f"{heading(metric)} on the same {report.rows:,} test rows"
    return Headline(title, tuple(lanes), _limit_words(gate))


def _estimates(report: EvaluationReport, metric: str) -> dict[str, Estimate]:
    """The metric of each scorer that has it; a measure of a dimension is the candidate's alone."""
    if "." in metric:
        estimate = report.figure(metric)
        return {CANDIDATE: estimate} if estimate else {}
    return {
        name: subject.metrics[metric]
        for name, subject in scorers(report).items()
        if metric in subject.metrics
    }


def _lane(name: str, estimate: Estimate, scale: TrackScale, limit: float | None) -> Lane:
    tone = Tone.ACCENT if name == CANDIDATE else Tone.NEUTRAL
    track = scale.track(estimate.value, estimate.low, estimate.high, tone, limit=limit)
    return Lane(name, interval(estimate), tone, track)


def _limit_words(gate: GateResult | None) -> str:
    if gate is None or gate.value is None or gate.low is None or gate.high is None:
        return ""
    if gate.bound not in _ABSOLUTE:
        return (
            f"“{heading(gate.name)}” decides on the paired difference on the same rows, which is "
            f"{signed_interval(Estimate(gate.value, gate.low, gate.high))}: the whole interval must lie above "
            f"{limit_number(gate.limit)}."
        )
    side = "stay at or below" if gate.bound is Bound.AT_MOST else "lie above"
    return f"The upright line is the limit {limit_number(gate.limit)}: the whole interval must {side} it."
