"""The result of an experiment: its measurements, and the conclusion that is computed from them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.experiments.decide import ExperimentSignals, Verdict
from ml_platform.experiments.definition import Guardrail
from ml_platform.spec.model import Parameter

BASELINE, VARIANT = "baseline", "variant"


@dataclass(frozen=True)
class ArmCost:
    """A fitted arm: the artifact, and what it costs to fit, to keep and to score."""

    artifact_sha256: str
    parameters: dict[str, Parameter]
    """The parameters that the fit reports to have used."""
    fit_seconds: float
    size_mb: float
    latency_ms: float
    """Median time to score one row, in milliseconds."""
    latency_p95_ms: float


@dataclass(frozen=True)
class Measured:
    """The measurements of a run; the sufficient statistics by cluster are stored beside them as bytes."""

    definition_hash: str
    training_set_fingerprint: str
    rows_fitted: int
    rows: int
    clusters: int
    baseline: ArmCost
    variant: ArmCost
    undefined: dict[str, str]
    """The reason why a metric is not defined on these rows, by metric."""
    statistics_sha256: str


@dataclass(frozen=True)
class Comparison:
    """One metric of both arms on the same rows."""

    metric: str
    baseline: Estimate
    variant: Estimate
    difference: Estimate
    """Variant minus baseline, paired by cluster."""
    relative: float | None
    """The difference over the size of the baseline's value; ``None`` where that is 0."""
    p: float


class GuardrailState(StrEnum):
    """Whether the data show that a guardrail holds, show that it is broken, or show neither."""

    HELD = "held"
    BROKEN = "broken"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class GuardrailResult:
    """A guardrail, the estimate that was compared with its limit, and what that shows."""

    guardrail: Guardrail
    estimate: Estimate | None
    """The value or the worsening; a cost has an interval without width. ``None``: not defined on these rows."""
    state: GuardrailState


@dataclass(frozen=True)
class Conclusion:
    """The conclusion from definition, measurements and statistics; computed again it is the same."""

    comparisons: tuple[Comparison, ...]
    improvement: Estimate | None
    """The difference of the primary metric, signed so that more is better; ``None`` where it is not defined."""
    guardrails: tuple[GuardrailResult, ...]
    signals: ExperimentSignals
    verdict: Verdict
    row: str
    """The row of `EXPERIMENT_TABLE` that decided."""


@dataclass(frozen=True)
class ExperimentResult:
    """All that is stored of a run except the statistics, which lie beside it as bytes."""

    measured: Measured
    conclusion: Conclusion
    finished_at: datetime
    code_version: str


def primary(conclusion: Conclusion, metric: str) -> Comparison | None:
    """The comparison of one metric, ``None`` where it is not defined."""
    return next((one for one in conclusion.comparisons if one.metric == metric), None)
