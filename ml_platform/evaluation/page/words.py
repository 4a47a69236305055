"""Figures and names as a reader would write them."""

from datetime import datetime

from ml_platform.evaluation.report_parts import Estimate

_NAMES = {
    "f1": "F1",
    "roc": "ROC",
    "auc": "AUC",
    "ovr": "one-vs-rest",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "map": "MAP",
    "psi": "PSI",
    "onnx": "ONNX",
    "p50": "p50",
}


def words(name: str) -> str:
    """'macro_f1' is 'macro F1', 'ndcg_at_5' 'NDCG at 5'."""
    return " ".join(_NAMES.get(part, part) for part in name.split("_"))


def heading(name: str) -> str:
    """A name at the start of a line: 'pattern_classifier' is 'Pattern classifier'."""
    told = words(name)
    return told[:1].upper() + told[1:]


def number(value: float | int | None) -> str:
    """At most four telling digits; thousands are parted by commas; nothing for ``None``."""
    if value is None:
        return ""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1_000):
        return f"{value:,.0f}"
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size and size < 0.001:
        return f"{value:.1e}"
    return f"{value:.3f}"


def signed(value: float) -> str:
    """With its sign, a true minus."""
    return f"+{number(value)}" if value >= 0 else f"−{number(-value)}"


def interval(estimate: Estimate) -> str:
    """'0.911 [0.908, 0.913]'; the value alone where the interval is a point."""
    if estimate.low == estimate.high == estimate.value:
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def signed_interval(estimate: Estimate) -> str:
    """The same of a difference: '+0.308 [0.303, 0.313]'."""
    return f"{signed(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def moment(at: datetime) -> str:
    """'2026-11-03 04:38 UTC', to the minute."""
    return at.strftime("%Y-%m-%d %H:%M") + (" UTC" if at.tzinfo else "")


def sentence(text: str) -> str:
    """Starting with a capital, ending with a full stop; '' stays ''."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def outcome_words(outcome: str) -> str:
    """In capitals, for people."""
    return outcome.upper().replace("_", " ")
