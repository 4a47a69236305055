"""The result of one group of probes: a part of the dimension, and of its score."""

from dataclasses import dataclass, field

from ml_platform.evaluation.dimensions.dimension import Chart, ScorePart
from ml_platform.evaluation.dimensions.robustness.skill import rescaled
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.spec.scale import BEST, WORST


@dataclass(frozen=True)
class Part:
    """A part of the score, which is 1 + 9 times ``kept``, the share of skill in [0, 1] that was left."""

    name: str
    kept: Replicates | None
    why: str
    measures: dict[str, Estimate] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    charts: tuple[Chart, ...] = ()
    unanswered: int = 0
    """The probes that ended in an error, or in values that are no numbers."""


def scored(kept: Replicates) -> Replicates:
    """Return the score: 1 for no skill left, 10 for all of it, linear between them."""
    return rescaled(kept, BEST - WORST, WORST)


def score_part(part: Part) -> ScorePart | None:
    """The part as the page shows it; ``None`` where it has no score."""
    if part.kept is None:
        return None
    return ScorePart(part.name, round(scored(part.kept).value, 2), part.why)
