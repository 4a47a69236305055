"""The conclusion of an experiment: a pure function of definition, measurements and statistics, so repeatable."""

import math
from collections.abc import Mapping

from ml_platform.evaluation.comparison.tuning import LEAST_CLUSTERS
from ml_platform.evaluation.intervals.bootstrap import Replicates, interval, replicate
from ml_platform.evaluation.intervals.p_value import p_value
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.experiments.decide import EXPERIMENT_TABLE, ExperimentSignals
from ml_platform.experiments.definition import COSTS, Definition, Guardrail, Kind
from ml_platform.experiments.result import (
    BASELINE,
    VARIANT,
    Comparison,
    Conclusion,
    GuardrailResult,
    GuardrailState,
    Measured,
    primary,
)
from ml_platform.spec.metric import Direction


def conclude(
    definition: Definition, measured: Measured, statistics: Mapping[str, SufficientStatistics]
) -> Conclusion:
    """Compare both arms, check the guardrails, and decide by `EXPERIMENT_TABLE`."""
    comparisons = _comparisons(definition, measured, statistics)
    by_name = {comparison.metric: comparison for comparison in comparisons}
    enough = measured.clusters >= LEAST_CLUSTERS
    guardrails = tuple(
        _guardrail_result(guardrail, measured, by_name, enough)
        for guardrail in definition.guardrails
    )
    main = by_name.get(definition.metric)
    improvement = None if main is None else _improvement(main.difference, definition.direction)
    signals = _signals(definition, improvement, main.p if main else 1.0, guardrails, enough)
    row = EXPERIMENT_TABLE.first_match(signals)
    return Conclusion(comparisons, improvement, guardrails, signals, row.outcome, row.name)


def why(definition: Definition, conclusion: Conclusion) -> str:
    """The figures behind the verdict in one line: the improvement, and guardrails that do not hold."""
    broken = [g.guardrail.text for g in conclusion.guardrails if g.state is GuardrailState.BROKEN]
    unclear = [g.guardrail.text for g in conclusion.guardrails if g.state is GuardrailState.UNCLEAR]
    parts = []
    main, gain = primary(conclusion, definition.metric), conclusion.improvement
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
    comparisons = (
        _comparison(name, baseline, both[VARIANT][name], level)
        for name, baseline in sorted(both[BASELINE].items())
        if name in both[VARIANT] and name not in measured.undefined
    )
    return tuple(comparison for comparison in comparisons if comparison is not None)


def _comparison(
    name: str, baseline: Replicates, variant: Replicates, level: float
) -> Comparison | None:
    import numpy as np

    if not all(
        np.isfinite(part).all()
        for arm in (baseline, variant)
        for part in (arm.value, arm.resampled, arm.left_out)
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


def _improvement(difference: Estimate, direction: Direction) -> Estimate:
    """The difference with its sign turned where lower is better, so that more is always better."""
    if direction is Direction.HIGHER:
        return difference
    return Estimate(-difference.value, -difference.high, -difference.low)


def _signals(
    definition: Definition,
    improvement: Estimate | None,
    p: float,
    guardrails: tuple[GuardrailResult, ...],
    enough: bool,
) -> ExperimentSignals:
    minimum = definition.minimum_effect
    low, value, high = (
        (improvement.low, improvement.value, improvement.high)
        if improvement is not None and enough
        else (-math.inf, 0.0, math.inf)
    )
    return ExperimentSignals(
        guardrail_broken=any(result.state is GuardrailState.BROKEN for result in guardrails),
        too_little_data=improvement is None or not enough,
        shown_worse=high < 0,
        shown_too_small=high < minimum,
        criterion_met=low > 0 and low >= minimum and p < definition.alpha,
        guardrail_unclear=any(result.state is GuardrailState.UNCLEAR for result in guardrails),
        promising=value > 0,
    )


def _guardrail_result(
    guardrail: Guardrail, measured: Measured, by_name: Mapping[str, Comparison], enough: bool
) -> GuardrailResult:
    if guardrail.measure in COSTS:
        cost = getattr(measured.variant, guardrail.measure)
        if guardrail.kind is Kind.WORSE_BY:
            cost -= getattr(measured.baseline, guardrail.measure)
        state = GuardrailState.HELD if cost <= guardrail.limit else GuardrailState.BROKEN
        return GuardrailResult(guardrail, Estimate(cost, cost, cost), state)
    comparison = by_name.get(guardrail.measure)
    if comparison is None:
        return GuardrailResult(guardrail, None, GuardrailState.UNCLEAR)
    if guardrail.kind is Kind.WORSE_BY:
        gain = _improvement(comparison.difference, guardrail.direction)
        estimate = Estimate(-gain.value, -gain.high, -gain.low)
    else:
        estimate = comparison.variant
    state = _state(guardrail, estimate) if enough else GuardrailState.UNCLEAR
    return GuardrailResult(guardrail, estimate, state)


def _state(guardrail: Guardrail, estimate: Estimate) -> GuardrailState:
    """HELD or BROKEN only where the whole interval lies on one side of the limit, else UNCLEAR."""
    at_least = guardrail.kind is Kind.VALUE and guardrail.direction is Direction.HIGHER
    low, high, limit = estimate.low, estimate.high, guardrail.limit
    if at_least:
        low, high, limit = -high, -low, -limit
    if high <= limit:
        return GuardrailState.HELD
    return GuardrailState.BROKEN if low > limit else GuardrailState.UNCLEAR
