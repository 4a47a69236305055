"""What an experiment leaves behind: what was measured, and what follows from it by computation alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.experiments.decide import Signals, Verdict
from ml_platform.experiments.definition import Guardrail
from ml_platform.spec.model import Parameter

BASELINE, VARIANT = "baseline", "variant"


@dataclass(frozen=True)
class ArmCost:
    """A fitted arm: its identity and what it costs."""

    artifact_sha256: str
    parameters: dict[str, Parameter]
    """As the fit reports them."""
    fit_seconds: float
    size_mb: float
    latency_ms: float
    """Median of answering one row, 1e-3 s."""
    latency_p95_ms: float


@dataclass(frozen=True)
class Measured:
    """What cannot be had again without fitting; the statistics by cluster lie beside it as bytes."""

    definition_hash: str
    training_set_fingerprint: str
    rows_fitted: int
    rows: int
    clusters: int
    baseline: ArmCost
    variant: ArmCost
    undefined: dict[str, str]
    """Why a metric cannot be told from these rows."""
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


class Held(StrEnum):
    """What is shown of a guardrail."""

    HELD = "held"
    BROKEN = "broken"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class GuardrailResult:
    """A guardrail, what was held against its limit, and what that shows."""

    guardrail: Guardrail
    found: Estimate | None
    """The value, or the worsening; of a cost without width. ``None``: not defined on these rows."""
    held: Held


@dataclass(frozen=True)
class Judged:
    """What follows from definition, measurements and statistics: computed again it is the same."""

    comparisons: tuple[Comparison, ...]
    improvement: Estimate | None
    """Of the primary metric, turned so that more is better; ``None`` where it is not defined."""
    guardrails: tuple[GuardrailResult, ...]
    signals: Signals
    verdict: Verdict
    row: str
    """The row of the table that fired."""


@dataclass(frozen=True)
class ExperimentResult:
    """All that is stored of a run, beside the statistics."""

    measured: Measured
    judged: Judged
    finished_at: datetime
    code_version: str


def primary(judged: Judged, metric: str) -> Comparison | None:
    """The comparison of one metric, ``None`` where it is not defined."""
    return next((found for found in judged.comparisons if found.metric == metric), None)
