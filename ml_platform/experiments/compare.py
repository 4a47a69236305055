"""Finished experiments side by side: effect, cost, and which verdicts stand after Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.experiments.decide import Verdict
from ml_platform.experiments.definition import Definition
from ml_platform.experiments.result import ArmCost, ExperimentResult, primary


@dataclass(frozen=True)
class ComparedExperiment:
    """One finished experiment as a line of the comparison."""

    name: str
    model: str
    metric: str
    data: str
    """Fingerprint of the training set."""
    baseline: float | None
    variant: float | None
    improvement: Estimate | None
    relative: float | None
    p: float | None
    p_holm: float | None
    """The p value corrected over the experiments of this comparison on the same training set."""
    baseline_cost: ArmCost
    variant_cost: ArmCost
    verdict: Verdict
    row: str
    after_holm: str
    """Whether a PROMOTE 'stands' or 'does not stand' after the correction; empty for other verdicts."""


def compare(
    finished: Sequence[tuple[Definition, ExperimentResult]],
) -> tuple[ComparedExperiment, ...]:
    """A line for each experiment, in the order given, with p corrected within each training set."""
    lines = tuple(_line(definition, result) for definition, result in finished)
    corrected: dict[int, float] = {}
    for data in sorted({line.data for line in lines}):
        places = [i for i, line in enumerate(lines) if line.data == data and line.p is not None]
        corrected |= dict(zip(places, holm([lines[i].p or 0.0 for i in places]), strict=True))
    return tuple(
        _with_holm(line, corrected.get(i), finished[i][0].alpha) for i, line in enumerate(lines)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values in the order given: reject where one lies below alpha, and the chance of any false
    rejection is at most alpha, however the tests depend on each other.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _line(definition: Definition, result: ExperimentResult) -> ComparedExperiment:
    main = primary(result.conclusion, definition.metric)
    return ComparedExperiment(
        name=definition.name,
        model=definition.model,
        metric=definition.metric,
        data=definition.training_set_fingerprint,
        baseline=main.baseline.value if main else None,
        variant=main.variant.value if main else None,
        improvement=result.conclusion.improvement,
        relative=main.relative if main else None,
        p=main.p if main else None,
        p_holm=None,
        baseline_cost=result.measured.baseline,
        variant_cost=result.measured.variant,
        verdict=result.conclusion.verdict,
        row=result.conclusion.row,
        after_holm="",
    )


def _with_holm(line: ComparedExperiment, p: float | None, alpha: float) -> ComparedExperiment:
    after = ""
    if line.verdict is Verdict.PROMOTE and p is not None:
        after = "stands" if p < alpha else "does not stand"
    return replace(line, p_holm=p, after_holm=after)
