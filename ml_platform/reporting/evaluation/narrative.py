"""Three sentences at the top of the page: how good, how much better, and what the decision rests on."""

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import Decision, Outcome
from ml_platform.reporting.evaluation.confidence import closest_gate
from ml_platform.reporting.evaluation.decision import stopping_gates
from ml_platform.reporting.evaluation.headline import headline_metric
from ml_platform.reporting.words import (
    heading,
    interval,
    limit_number,
    number,
    sentence,
    signed_interval,
    words,
)


def narrative(report: EvaluationReport, decision: Decision) -> tuple[str, ...]:
    """The three sentences, from figures and gates, and a fourth where the policy was changed after a verdict."""
    sentences = (_how_good(report), _how_much_better(report), _rests_on(report, decision))
    return (*sentences, sentence(report.policy_note)) if report.policy_note else sentences


def _how_good(report: EvaluationReport) -> str:
    metric = headline_metric(report)
    rows = f"{report.rows:,} test rows in {report.clusters:,} clusters that it has never seen"
    if not metric:
        reasons = (*report.undefined.values(), *report.not_applicable.values())
        return f"On {rows} it has no figure: {next(iter(reasons), 'no metric applies')}."
    others = [
        f"{name} {number(subject.metrics[metric].value)}"
        for name, subject in (
            ("the rules reach", report.baseline),
            ("the ceiling is", report.ceiling),
        )
        if subject is not None and metric in subject.metrics
    ]
    beside = f"; {' and '.join(others)}" if others else ""
    return (
        f"On {rows}, its {words(metric)} is {interval(report.candidate.metrics[metric])}{beside}."
    )


def _how_much_better(report: EvaluationReport) -> str:
    metric = headline_metric(report)
    differences = [
        (name, estimates[metric])
        for name, estimates in (
            ("the rules", report.difference_to_baseline),
            ("the champion", report.difference_to_champion),
            ("the model it challenges", report.difference_to_challenged),
        )
        if estimates and metric in estimates
    ]
    if not differences:
        return "Nothing else has this metric on these rows, so there is no paired difference."
    phrases = [_difference(name, estimate) for name, estimate in differences]
    if differences[0][0] == "the rules":
        phrases[0] += _way_to_ceiling(report, metric)
    return f"Paired on the same rows, that is {'; '.join(phrases)}."


def _difference(name: str, estimate: Estimate) -> str:
    unclear = " (not distinguishable)" if estimate.low <= 0 <= estimate.high else ""
    return f"{signed_interval(estimate)} against {name}{unclear}"


def _way_to_ceiling(report: EvaluationReport, metric: str) -> str:
    """The share of the way from the rules to the ceiling that the candidate has gone, in words; '' without both."""
    if report.ceiling is None or metric not in report.ceiling.metrics:
        return ""
    rules = report.baseline.metrics.get(metric)
    ceiling = report.ceiling.metrics[metric].value
    if rules is None or rules.value == ceiling:
        return ""
    share = (report.candidate.metrics[metric].value - rules.value) / (ceiling - rules.value)
    return f" ({100 * share:.0f} % of the way to the ceiling)"


def _rests_on(report: EvaluationReport, decision: Decision) -> str:
    deciding = [gate for gate in decision.gates if gate.decides]
    passed = sum(gate.outcome is Outcome.PASS for gate in deciding)
    count = f"Under the policy “{report.policy_name}”, {passed} of {len(deciding)} gates pass"
    stopping = stopping_gates(decision)
    if stopping:
        names = ", ".join(f"{heading(gate.name)}: {gate.words}" for gate in stopping)
        return f"{count}; not passed: {names}."
    closest = closest_gate(decision.gates)
    if closest is None:
        return f"{count}; none of them rests on an interval."
    gate, widths = closest
    return (
        f"{count}; the one with the least to spare is “{heading(gate.name)}”: its interval "
        f"[{number(gate.low)}, {number(gate.high)}] clears the limit {limit_number(gate.limit)} by "
        f"{widths:.2f} of its own width."
    )
