"""Figures, intervals, times and names as a reader would write them: the one place that formats them."""

from datetime import datetime

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.metric import Direction
from ml_platform.spec.metrics import find_metric

MINUS = "\N{MINUS SIGN}"
_NAMES = {
    "f1": "F1",
    "auc": "AUC",
    "psi": "PSI",
    "onnx": "ONNX",
    "lstm": "LSTM",
    "usd": "USD",
    "ms": "ms",
}


def words(name: str) -> str:
    """The label of a declared metric ('NDCG at 5' of 'ndcg_at_5'), else the name in words."""
    metric = find_metric(name)
    if metric is not None:
        return metric.label
    return " ".join(_NAMES.get(part, part) for part in name.split("_"))


def heading(name: str) -> str:
    """A name at the start of a line: 'pattern_classifier' is 'Pattern classifier'."""
    text = words(name)
    return text[:1].upper() + text[1:]


def direction_arrow(metric: str) -> str:
    """'↑' of a metric that is better when higher, '↓' when lower; '' of one that only describes."""
    declared = find_metric(metric)
    if declared is None:
        return ""
    return {Direction.HIGHER: "↑", Direction.LOWER: "↓"}.get(declared.direction, "")


def number(value: float | int | None) -> str:
    """Three decimals, fewer of large figures; whole numbers as they are; nothing for ``None``."""
    if value is None:
        return ""
    if isinstance(value, int) or (abs(value) >= 10 and float(value).is_integer()):
        return f"{value:,.0f}".replace("-", MINUS)
    size = abs(value)
    text = f"{size:.3f}"
    if size >= 1_000:
        text = f"{size:,.0f}"
    elif size >= 10:
        text = f"{size:.1f}"
    elif size and size < 0.00005:
        text = f"{size:.1e}"
    elif size and size < 0.001:
        text = f"{size:.4f}"
    return text if value >= 0 else MINUS + text


def limit_number(value: float | None) -> str:
    """A limit as a policy writes it: '0.85', '1,000'; empty for ``None``."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:g}".replace("-", MINUS)


def signed(value: float) -> str:
    """A number with its sign, a plus or a true minus."""
    return f"+{number(value)}" if value >= 0 else MINUS + number(-value)


def percent(share: float) -> str:
    """A share in [0, 1] as '12.3 %'."""
    return f"{100 * share:.1f} %".replace("-", MINUS)


def interval(estimate: Estimate) -> str:
    """'0.911 [0.908, 0.913]'; the value alone where the interval is a point."""
    return interval_words(estimate.value, estimate.low, estimate.high)


def interval_words(value: float, low: float, high: float) -> str:
    """A value and its interval as `interval` writes them."""
    if low == high == value:
        return number(value)
    return f"{number(value)} [{number(low)}, {number(high)}]"


def signed_interval(estimate: Estimate) -> str:
    """A difference with its interval: '+0.308 [0.303, 0.313]'."""
    return f"{signed(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def moment(at: datetime) -> str:
    """'2026-11-03 04:38 UTC', to the minute."""
    return at.strftime("%Y-%m-%d %H:%M") + (" UTC" if at.tzinfo else "")


def moment_words(text: str) -> str:
    """A moment in ISO 8601 as people read it: '2026-11-03 04:38 UTC'."""
    return moment(datetime.fromisoformat(text))


def sentence(text: str) -> str:
    """The text as a sentence: with a full stop, and a capital unless it starts with the name of a figure."""
    text = text.strip()
    if not text:
        return ""
    named = any(mark in text.split(" ", 1)[0].rstrip(".:,;") for mark in "_.")
    return (text if named else text[0].upper() + text[1:]) + (
        "" if text.endswith((".", "!", "?")) else "."
    )


def capitals(name: str) -> str:
    """A state as a word that stands out: 'not_applicable' is 'NOT APPLICABLE'."""
    return name.upper().replace("_", " ")


def shortened(text: str, most: int) -> str:
    """``text`` on one line, in at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def tick_label(value: float) -> str:
    """A figure on an axis, as short as it can be: '0.8', '1,200', '2e-05'."""
    if abs(value) < 1e-12:
        return "0"
    if 0.001 <= abs(value) < 1_000:
        return f"{value:.4g}".replace("-", MINUS)
    return number(value) if abs(value) >= 1_000 else f"{value:.0e}"
