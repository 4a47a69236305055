"""Definition, measurements and statistics to comparisons, guardrails and a verdict: pure, and so repeatable."""

import math
from collections.abc import Mapping

from ml_platform.evaluation.comparison.tuning import LEAST_CLUSTERS
from ml_platform.evaluation.intervals.bootstrap import Replicates, interval, replicate
from ml_platform.evaluation.intervals.p_value import p_value
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.experiments.decide import EXPERIMENT_TABLE, Signals
from ml_platform.experiments.definition import COSTS, Definition, Guardrail, Kind
from ml_platform.experiments.result import (
    BASELINE,
    VARIANT,
    Comparison,
    GuardrailResult,
    Held,
    Judged,
    Measured,
    primary,
)
from ml_platform.spec.metric import Direction


def judged(
    definition: Definition, measured: Measured, statistics: Mapping[str, SufficientStatistics]
) -> Judged:
    """The verdict, with all that it rests on."""
    comparisons = _comparisons(definition, measured, statistics)
    by_name = {found.metric: found for found in comparisons}
    enough = measured.clusters >= LEAST_CLUSTERS
    guardrails = tuple(
        _guarded(guardrail, measured, by_name, enough) for guardrail in definition.guardrails
    )
    main = by_name.get(definition.metric)
    improvement = None if main is None else _turned(main.difference, definition.direction)
    signals = _signals(definition, improvement, main.p if main else 1.0, guardrails, enough)
    row = EXPERIMENT_TABLE.first_match(signals)
    return Judged(comparisons, improvement, guardrails, signals, row.outcome, row.name)


def why(definition: Definition, found: Judged) -> str:
    """The figures behind the row, in one line."""
    broken = [g.guardrail.text for g in found.guardrails if g.held is Held.BROKEN]
    unclear = [g.guardrail.text for g in found.guardrails if g.held is Held.UNCLEAR]
    parts = []
    main, gain = primary(found, definition.metric), found.improvement
    if main is None or gain is None:
        parts.append(f"{definition.metric} is not defined on these rows")
    else:
        parts.append(
            f"{definition.metric} improvement {gain.value:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}], "
            f"minimum effect {definition.minimum_effect:g}, p {main.p:.2g}"
        )
    if broken:
        parts.append(f"broken: {', '.join(broken)}")
    if unclear:
        parts.append(f"not shown: {', '.join(unclear)}")
    return "; ".join(parts)


def _comparisons(
    definition: Definition, measured: Measured, statistics: Mapping[str, SufficientStatistics]
) -> tuple[Comparison, ...]:
    """Every metric that both arms have and that is a number in every resample."""
    both = {
        arm: replicate(statistics[arm], seed=definition.seed, resamples=definition.resamples)
        for arm in (BASELINE, VARIANT)
    }
    level = 1 - definition.alpha
    found = (
        _compared(name, of, both[VARIANT][name], level)
        for name, of in sorted(both[BASELINE].items())
        if name in both[VARIANT] and name not in measured.undefined
    )
    return tuple(one for one in found if one is not None)


def _compared(
    name: str, baseline: Replicates, variant: Replicates, level: float
) -> Comparison | None:
    import numpy as np

    if not all(
        np.isfinite(part).all()
        for of in (baseline, variant)
        for part in (of.value, of.resampled, of.left_out)
    ):
        return None
    difference = variant.minus(baseline)
    return Comparison(
        metric=name,
        baseline=interval(name, baseline, level=level),
        variant=interval(name, variant, level=level),
        difference=interval(name, difference, level=level),
        relative=difference.value / abs(baseline.value) if baseline.value else None,
        p=p_value(difference),
    )


def _turned(difference: Estimate, direction: Direction) -> Estimate:
    """The improvement: more is better."""
    if direction is Direction.HIGHER:
        return difference
    return Estimate(-difference.value, -difference.high, -difference.low)


def _signals(
    definition: Definition,
    improvement: Estimate | None,
    p: float,
    guardrails: tuple[GuardrailResult, ...],
    enough: bool,
) -> Signals:
    least = definition.minimum_effect
    low, value, high = (
        (improvement.low, improvement.value, improvement.high)
        if improvement is not None and enough
        else (-math.inf, 0.0, math.inf)
    )
    return Signals(
        guardrail_broken=any(found.held is Held.BROKEN for found in guardrails),
        too_little_data=improvement is None or not enough,
        shown_worse=high < 0,
        shown_too_small=high < least,
        criterion_met=low > 0 and low >= least and p < definition.alpha,
        guardrail_unclear=any(found.held is Held.UNCLEAR for found in guardrails),
        promising=value > 0,
    )


def _guarded(
    guardrail: Guardrail, measured: Measured, by_name: Mapping[str, Comparison], enough: bool
) -> GuardrailResult:
    if guardrail.measure in COSTS:
        cost = getattr(measured.variant, guardrail.measure)
        if guardrail.kind is Kind.WORSE_BY:
            cost -= getattr(measured.baseline, guardrail.measure)
        found = Estimate(cost, cost, cost)
        held = Held.HELD if cost <= guardrail.limit else Held.BROKEN
        return GuardrailResult(guardrail, found, held)
    compared = by_name.get(guardrail.measure)
    if compared is None:
        return GuardrailResult(guardrail, None, Held.UNCLEAR)
    if guardrail.kind is Kind.WORSE_BY:
        gain = _turned(compared.difference, guardrail.direction)
        found = Estimate(-gain.value, -gain.high, -gain.low)
    else:
        found = compared.variant
    return GuardrailResult(guardrail, found, _held(guardrail, found) if enough else Held.UNCLEAR)


def _held(guardrail: Guardrail, found: Estimate) -> Held:
    """By the bounds: held or broken only where the whole interval lies on one side."""
    at_least = guardrail.kind is Kind.VALUE and guardrail.direction is Direction.HIGHER
    low, high, limit = found.low, found.high, guardrail.limit
    if at_least:
        low, high, limit = -high, -low, -limit
    if high <= limit:
        return Held.HELD
    return Held.BROKEN if low > limit else Held.UNCLEAR
