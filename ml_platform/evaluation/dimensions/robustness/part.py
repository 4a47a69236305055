"""What one group of probes found: a part of the dimension, and of its score."""

from dataclasses import dataclass, field

from ml_platform.evaluation.dimensions.dimension import Chart, ScorePart
from ml_platform.evaluation.dimensions.robustness.skill import rescaled
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.spec.scale import BEST, WORST


@dataclass(frozen=True)
class Part:
    """``kept`` in [0, 1] says how well the candidate stood: the part's score is 1 + 9 times it."""

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
    """Probes that were answered by an error, or by something that is no number."""


def scored(kept: Replicates) -> Replicates:
    """1 for nothing kept, 10 for everything, in a straight line."""
    return rescaled(kept, BEST - WORST, WORST)


def score_part(part: Part) -> ScorePart | None:
    """The part as the page shows it; ``None`` where it has no score."""
    if part.kept is None:
        return None
    return ScorePart(part.name, round(scored(part.kept).value, 2), part.why)
