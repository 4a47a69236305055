"""A gate as a small bullet graph: interval, value and limit on a line; no text, so it fits any width."""

from html import escape

from ml_platform.reporting.evaluation import svg
from ml_platform.reporting.evaluation.verdict import AT_MOST, GateLine

_HEIGHT = 22
_HUE = {"pass": "#15803d", "fail": "#b91c1c", "insufficient": "#b45309"}
_FORBIDDEN = "#fee2e2"


def bullet(gate: GateLine) -> str:
    """Tinted is the side of the limit where the gate does not pass; '' without a value and a limit."""
    if gate.value is None or gate.limit is None:
        return ""
    low = gate.value if gate.low is None else gate.low
    high = gate.value if gate.high is None else gate.high
    ends = (low, high, gate.value, gate.limit)
    reach = max(ends) - min(ends) or abs(gate.limit) or 1.0
    start, width = min(ends) - 0.12 * reach, 1.24 * reach

    def at(value: float) -> float:
        return round(100 * (value - start) / width, 2)

    limit, hue = at(gate.limit), _HUE.get(gate.outcome, svg.MUTED)
    tint = ""
    if gate.bound == AT_MOST:
        tint = _bar(limit, 100 - limit, 2, _HEIGHT - 4, _FORBIDDEN)
    elif gate.bound is not None:
        tint = _bar(0, limit, 2, _HEIGHT - 4, _FORBIDDEN)
    told = f"{gate.name}: {gate.explanation}"
    return (
        f'<svg class="bullet" width="100%" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(gate.name)}"><title>{escape(told)}</title>'
        + _bar(0, 100, 2, _HEIGHT - 4, "#f3f4f6")
        + tint
        + _bar(at(low), max(at(high) - at(low), 0.4), 8, 6, hue)
        + f'<circle cx="{at(gate.value)}%" cy="11" r="5" fill="{hue}"/>'
        + f'<line x1="{limit}%" x2="{limit}%" y1="0" y2="{_HEIGHT}" stroke="{svg.INK}" '
        'stroke-width="2"/></svg>'
    )


def _bar(left: float, width: float, top: float, height: float, fill: str) -> str:
    return (
        f'<rect x="{left:g}%" width="{round(width, 2):g}%" y="{top:g}" height="{height:g}" '
        f'fill="{fill}"/>'
    )
