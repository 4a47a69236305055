"""The headline metric of everyone who was judged on the same rows, as intervals on one axis."""

from dataclasses import dataclass

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.reporting.evaluation import svg
from ml_platform.reporting.evaluation.verdict import GateLine, Verdicted
from ml_platform.reporting.evaluation.words import interval, limit_number, words

_LEFT, _RIGHT, _TOP, _ROW = 12, 388, 12, 40
_HUE = {"candidate": "#1d4ed8", "rules": "#6b7280", "dummy": "#9ca3af"}
_OTHER = "#374151"


@dataclass(frozen=True)
class Judged:
    """One who was judged, under the name the page gives it."""

    name: str
    metrics: dict[str, Estimate]


def judged(report: EvaluationReport) -> tuple[Judged, ...]:
    """From the least to the most that can be hoped for; those that there are."""
    subjects = (
        ("dummy", report.dummy),
        ("rules", report.baseline),
        ("challenged", report.challenged),
        ("champion", report.champion),
        ("candidate", report.candidate),
        ("ceiling", report.ceiling),
    )
    return tuple(Judged(name, of.metrics) for name, of in subjects if of is not None)


def headline_metric(report: EvaluationReport) -> str:
    """The first headline metric that the candidate has a figure for; '' where it has none."""
    return next((name for name in report.headline if name in report.candidate.metrics), "") or next(
        iter(report.candidate.metrics), ""
    )


def limit_gate(decision: Verdicted, metric: str) -> GateLine | None:
    """The gate that holds the metric itself against a limit."""
    return next(
        (g for g in decision.gates if g.metric == metric and g.bound in ("limit", "at_most")), None
    )


def headline_figure(report: EvaluationReport, decision: Verdicted) -> str:
    """Intervals of the headline metric with the limit of its gate; '' where nobody has a figure."""
    metric = headline_metric(report)
    shown = [(who.name, who.metrics[metric]) for who in judged(report) if metric in who.metrics]
    if not shown:
        return ""
    gate = limit_gate(decision, metric)
    limit = gate.limit if gate else None
    ends = [end for _, of in shown for end in (of.low, of.high)]
    across = svg.scale([*ends, *([limit] if limit is not None else [])], _LEFT, _RIGHT)
    foot = _TOP + _ROW * len(shown) + 4
    marks = []
    for tick in svg.ticks(across):
        x = across(tick)
        marks.append(svg.line(x, _TOP, x, foot, svg.GRID))
        marks.append(svg.text(x, foot + 15, svg.tick_label(tick), anchor="middle"))
    if limit is not None and gate is not None:
        marks.append(_limit(across(limit), foot, limit_number(limit), gate.bound == "at_most"))
    marks += [_lane(place, name, of, across) for place, (name, of) in enumerate(shown)]
    height = foot + (40 if limit is not None else 24)
    told = "; ".join(f"{name} {interval(of)}" for name, of in shown)
    title = f"{words(metric)} with 95 % intervals"
    return svg.drawing(title, told, height, "".join(marks), "chart headline")


def _lane(place: int, name: str, of: Estimate, across: svg.Scale) -> str:
    y = _TOP + _ROW * place
    hue = _HUE.get(name, _OTHER)
    ours = name == "candidate"
    low, high, at = across(of.low), across(of.high), across(of.value)
    thick = 7 if ours else 4
    return (
        (svg.rect(0, y - 2, svg.WIDTH, _ROW - 2, "#eff6ff", 'rx="4"') if ours else "")
        + svg.text(_LEFT, y + 13, name, kind="strong" if ours else "")
        + svg.text(_RIGHT, y + 13, interval(of), anchor="end", kind="strong" if ours else "figure")
        + svg.line(_LEFT, y + 25, _RIGHT, y + 25, "#d1d5db")
        + svg.rect(low, y + 25 - thick / 2, max(high - low, 1), thick, hue, 'rx="2"')
        + svg.dot(at, y + 25, hue, 5.5 if ours else 4)
    )


def _limit(x: float, foot: float, told: str, upper: bool) -> str:
    side = "must stay below" if upper else "must exceed"
    anchor = "start" if x < 130 else "end" if x > svg.WIDTH - 130 else "middle"
    return svg.line(
        x, _TOP - 6, x, foot, svg.LIMIT, 'stroke-width="1.5" stroke-dasharray="5 3"'
    ) + svg.text(x, foot + 32, f"limit {told}: the interval {side} it", anchor=anchor, kind="limit")
