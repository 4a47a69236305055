"""Quality gates: each holds the bound of a 95 % interval against a limit; the outcome is data."""

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import GateKind, GateResult, Outcome
from ml_platform.gates.policy import SAMPLE_SIZE
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate

_LEAD = {
    Bound.LIMIT: "{metric}",
    Bound.BASELINE: "{metric}, candidate minus rules,",
    Bound.CHAMPION: "{metric}, candidate minus champion,",
    Bound.CHALLENGED: "{metric}, candidate minus challenged,",
    Bound.AT_MOST: "{metric}",
}


def quality_gates(report: EvaluationReport, policy: GatePolicy) -> tuple[GateResult, ...]:
    """The sample size gate, then each quality gate of the policy in its order."""
    return (
        sample_size_gate(report, policy),
        *(quality_gate(report, gate) for gate in policy.quality),
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
    )


def quality_gate(report: EvaluationReport, gate: QualityGate) -> GateResult:
    """PASS if the bound of the interval is on the right side of the limit, else FAIL.

    A gate that must be shown to fail is INSUFFICIENT while its interval lies across the limit. A metric that is
    not defined on these test rows is INSUFFICIENT, one that makes no sense for them NOT APPLICABLE. A champion
    gate without a champion passes and says so; with a champion or a challenged model that cannot be compared it
    is INSUFFICIENT.
    """
    not_applicable, reason = report.reason(gate.metric)
    if not_applicable:
        return _result(gate, Outcome.NOT_APPLICABLE, None, f"{gate.metric}: {reason}", "")
    if gate.bound is Bound.CHAMPION and report.difference_to_champion is None:
        if report.champion_note:
            why = f"champion not comparable: {report.champion_note}"
            remedy = "bring back the features and classes of the champion, or start with a new home"
            return _result(gate, Outcome.INSUFFICIENT, None, why, remedy)
        why = "no champion yet: compared with the rules"
        return _result(gate, Outcome.PASS, None, why, "")
    if gate.bound is Bound.CHALLENGED and report.difference_to_challenged is None:
        why = f"challenged model not comparable: {report.challenged_note or 'it has no candidate'}"
        remedy = "materialise the candidate of the challenged model on the same training set first"
        return _result(gate, Outcome.INSUFFICIENT, None, why, remedy)
    estimate = _estimate(report, gate)
    if estimate is None:
        cause = reason or "it needs rows of both outcomes"
        why = f"{gate.metric} is not defined on these {report.rows} test rows: {cause}"
        remedy = "ingest a period, or a source, that has what it needs"
        return _result(gate, Outcome.INSUFFICIENT, None, why, remedy)
    upper = gate.bound is Bound.AT_MOST
    passed = estimate.high <= gate.limit if upper else estimate.low > gate.limit
    missed = estimate.low > gate.limit if upper else estimate.high <= gate.limit
    side, bound = ("upper", estimate.high) if upper else ("lower", estimate.low)
    must = "at most" if upper else "above"
    explanation = (
        f"{_LEAD[gate.bound].format(metric=gate.metric)} is {estimate.value:.4f} "
        f"[{estimate.low:.4f}, {estimate.high:.4f}]; the {side} bound {bound:.4f} must be {must} "
        f"{gate.limit:g}: {gate.why}"
    )
    if gate.bound is Bound.CHAMPION and report.champion_note:
        explanation = f"{explanation} ({report.champion_note})"
    remedy = "" if passed else _remedy(gate, estimate)
    outcome = Outcome.PASS if passed else Outcome.FAIL
    if gate.must_be_shown and not passed and not missed:
        outcome = Outcome.INSUFFICIENT
    return _result(gate, outcome, estimate, explanation, remedy)


def _estimate(report: EvaluationReport, gate: QualityGate) -> Estimate | None:
    if gate.bound is Bound.BASELINE:
        return report.difference_to_baseline.get(gate.metric)
    if gate.bound is Bound.CHAMPION:
        return (report.difference_to_champion or {}).get(gate.metric)
    if gate.bound is Bound.CHALLENGED:
        return (report.difference_to_challenged or {}).get(gate.metric)
    return report.figure(gate.metric)


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
    )
