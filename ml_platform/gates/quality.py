"""Quality gates: each holds a 95 % interval against a limit; the outcome is data.

PASS and FAIL are said of whole intervals, so that what is decided on one draw of rows is decided on the next one.
"""

from dataclasses import replace

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import GateKind, GateResult, Insufficiency, Outcome
from ml_platform.gates.policy import SAMPLE_SIZE
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.metric import IntervalKind
from ml_platform.spec.metric_declarations.labels import CHANGE_SET_PREFIX
from ml_platform.spec.metrics import find_metric

_LEAD = {
    Bound.LIMIT: "{metric}",
    Bound.BASELINE: "{metric}, candidate minus {baseline},",
    Bound.CHAMPION: "{metric}, candidate minus champion,",
    Bound.CHALLENGED: "{metric}, candidate minus challenged,",
    Bound.AT_MOST: "{metric}",
}


def quality_gates(report: EvaluationReport, policy: GatePolicy) -> tuple[GateResult, ...]:
    """The sample size gate, then each quality gate of the policy in its order.

    On too few rows a calibration error errs upwards, that of the Bayes rule too: it is never shown too large.
    """
    size = sample_size_gate(report, policy)
    results = (quality_gate(report, gate) for gate in policy.quality)
    if size.outcome is not Outcome.PASS:
        results = (_without_upward_error(result) for result in results)
    return (size, *results)


def _without_upward_error(result: GateResult) -> GateResult:
    """The result on too few rows: a calibration error that fails there is INSUFFICIENT."""
    metric = find_metric(result.metric)
    calibration = metric is not None and metric.interval is IntervalKind.CALIBRATION
    if result.outcome is not Outcome.FAIL or not calibration:
        return result
    return replace(
        result,
        outcome=Outcome.INSUFFICIENT,
        insufficiency=Insufficiency.TOO_FEW_ROWS,
        explanation=f"{result.explanation}; on so few rows a calibrated scorer may miss it as well",
    )


def sample_size_gate(report: EvaluationReport, policy: GatePolicy) -> GateResult:
    """INSUFFICIENT below the policy's rows or clusters, else PASS.

    Value and limit count clusters, or rows where those are too few and the clusters are not.
    """
    few_clusters = report.clusters < policy.minimum_test_clusters
    few_rows = report.rows < policy.minimum_test_rows
    by_rows = few_rows and not few_clusters
    enough = not few_rows and not few_clusters
    return GateResult(
        name=SAMPLE_SIZE,
        kind=GateKind.QUALITY,
        outcome=Outcome.PASS if enough else Outcome.INSUFFICIENT,
        value=float(report.rows if by_rows else report.clusters),
        low=None,
        high=None,
        limit=float(policy.minimum_test_rows if by_rows else policy.minimum_test_clusters),
        explanation=(
            f"{report.rows} test rows in {report.clusters} clusters, needed are "
            f"{policy.minimum_test_rows} in {policy.minimum_test_clusters}"
        ),
        remedy="" if enough else "wait for more labelled events, or ingest a longer period",
        insufficiency=None if enough else Insufficiency.TOO_FEW_ROWS,
    )


def quality_gate(report: EvaluationReport, gate: QualityGate) -> GateResult:
    """PASS if the whole interval is on the right side of the limit, FAIL if it is on the wrong one.

    Across the limit it is INSUFFICIENT, as "not shown". A metric that is not defined on these test rows is
    INSUFFICIENT, too, one that makes no sense for them NOT APPLICABLE. A champion gate without a champion passes
    and says so; with a champion or a challenged model that cannot be compared it is INSUFFICIENT.
    """
    gate = by_change_set(report, gate)
    not_applicable, reason = report.reason(gate.metric)
    if not_applicable:
        return _result(gate, Outcome.NOT_APPLICABLE, None, f"{gate.metric}: {reason}", "")
    if gate.bound is Bound.CHAMPION and report.difference_to_champion is None:
        return _without_champion(report, gate)
    if gate.bound is Bound.CHALLENGED and report.difference_to_challenged is None:
        why = f"challenged model not comparable: {report.challenged_note or 'it has no candidate'}"
        remedy = "materialise the candidate of the challenged model on the same training set first"
        return _insufficient(gate, Insufficiency.NOT_COMPARABLE, why, remedy)
    estimate = _estimate(report, gate)
    if estimate is None:
        cause = reason or "it needs rows of both outcomes"
        why = f"{gate.metric} is not defined on these {report.rows} test rows: {cause}"
        remedy = "ingest a period, or a source, that has what it needs"
        return _insufficient(gate, Insufficiency.NOT_DEFINED, why, remedy)
    return _held_against_limit(report, gate, estimate)


def _without_champion(report: EvaluationReport, gate: QualityGate) -> GateResult:
    """A champion gate passes before the first promotion; not beside a champion that cannot be evaluated."""
    if report.champion_note:
        why = f"champion not comparable: {report.champion_note}"
        remedy = "bring back the features and classes of the champion, or start with a new home"
        return _insufficient(gate, Insufficiency.NOT_COMPARABLE, why, remedy)
    why = "no champion yet: compared with the rules"
    return _result(gate, Outcome.PASS, None, why, "")


def _held_against_limit(
    report: EvaluationReport, gate: QualityGate, estimate: Estimate
) -> GateResult:
    upper = gate.bound is Bound.AT_MOST
    passed = estimate.high <= gate.limit if upper else estimate.low > gate.limit
    missed = estimate.low > gate.limit if upper else estimate.high <= gate.limit
    side, bound = ("upper", estimate.high) if upper else ("lower", estimate.low)
    must = "at most" if upper else "above"
    baseline = _closer_baseline(report, gate.metric)[0]
    explanation = (
        f"{_LEAD[gate.bound].format(metric=gate.metric, baseline=baseline)} is {estimate.value:.4f} "
        f"[{estimate.low:.4f}, {estimate.high:.4f}]; the {side} bound {bound:.4f} must be {must} "
        f"{gate.limit:g}: {gate.why}"
    )
    if gate.bound is Bound.CHAMPION and report.champion_note:
        explanation = f"{explanation} ({report.champion_note})"
    if passed:
        return _result(gate, Outcome.PASS, estimate, explanation, "")
    remedy = _remedy(gate, estimate)
    if missed:
        return _result(gate, Outcome.FAIL, estimate, explanation, remedy)
    return _insufficient(gate, Insufficiency.NOT_SHOWN, explanation, remedy, estimate)


def by_change_set(report: EvaluationReport, gate: QualityGate) -> QualityGate:
    """The gate on the same metric over change sets, where the source has change sets of several rows.

    The files of a commit are one decision of one person. Counted by file, five commits can hold a third of the
    test rows: an interval .4 wide, where the one by commit is .06.
    """
    metric = f"{CHANGE_SET_PREFIX}{gate.metric}"
    if report.figure(metric) is None:
        return gate
    several = f"{report.rows:,} rows are {report.change_sets:,} change sets, and each counts once"
    return replace(gate, metric=metric, why=f"{gate.why} ({several})")


def _estimate(report: EvaluationReport, gate: QualityGate) -> Estimate | None:
    if gate.bound is Bound.BASELINE:
        return _closer_baseline(report, gate.metric)[1]
    if gate.bound is Bound.CHAMPION:
        return (report.difference_to_champion or {}).get(gate.metric)
    if gate.bound is Bound.CHALLENGED:
        return (report.difference_to_challenged or {}).get(gate.metric)
    return report.figure(gate.metric)


def _closer_baseline(report: EvaluationReport, metric: str) -> tuple[str, Estimate | None]:
    """The name of the baseline, rules or dummy, that is less clearly beaten, and the difference to it."""
    rules, dummy = report.difference_to_baseline.get(metric), report.difference_to_dummy.get(metric)
    if rules is not None and dummy is not None and dummy.low < rules.low:
        return "the dummy baseline", dummy
    return "rules", rules


def _remedy(gate: QualityGate, estimate: Estimate) -> str:
    """Whether more test rows could be enough, or only a better model."""
    upper = gate.bound is Bound.AT_MOST
    reached = estimate.value <= gate.limit if upper else estimate.value > gate.limit
    bound = estimate.high if upper else estimate.low
    if reached:
        return (
            f"the value itself is on the right side and its interval is {abs(estimate.value - bound):.4f} "
            "wide on that side: more test clusters may be enough"
        )
    return (
        f"{gate.metric} has to {'fall' if upper else 'rise'} by at least {abs(bound - gate.limit):.4f}: "
        "more telling features, more labelled events or a better fit"
    )


def _insufficient(
    gate: QualityGate,
    insufficiency: Insufficiency,
    explanation: str,
    remedy: str,
    estimate: Estimate | None = None,
) -> GateResult:
    result = _result(gate, Outcome.INSUFFICIENT, estimate, explanation, remedy)
    return replace(result, insufficiency=insufficiency)


def _result(
    gate: QualityGate, outcome: Outcome, estimate: Estimate | None, explanation: str, remedy: str
) -> GateResult:
    return GateResult(
        name=gate.name,
        kind=GateKind.QUALITY,
        outcome=outcome,
        value=None if estimate is None else estimate.value,
        low=None if estimate is None else estimate.low,
        high=None if estimate is None else estimate.high,
        limit=gate.limit,
        explanation=explanation,
        remedy=remedy,
        metric=gate.metric,
        bound=gate.bound,
        decides=gate.decides,
    )
