"""One line of the table of real data."""

from dataclasses import dataclass

from ml_platform.evaluation.report_parts import Estimate


@dataclass(frozen=True)
class Line:
    """A metric of a model on a public data set, beside its baseline and what was published."""

    set: str
    model: str
    metric: str
    value: float
    low: float
    """Lower end of the 95 % interval, clustered; NaN where there is none."""
    high: float
    baseline: float | None = None
    """The metric of the baseline on the same rows."""
    published: float | None = None
    note: str = ""

    @classmethod
    def of(
        cls,
        set: str,
        model: str,
        metric: str,
        estimate: Estimate,
        baseline: float | None = None,
        published: float | None = None,
        note: str = "",
    ) -> "Line":
        """The line of an estimate with its interval."""
        value, low, high = estimate.value, estimate.low, estimate.high
        return cls(set, model, metric, value, low, high, baseline, published, note)
