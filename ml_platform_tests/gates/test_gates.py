"""Each gate fires on its fault and on nothing else; and is silent, or does not apply, where it should."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.features.leakage_report import LeakageLevel
from ml_platform.gates.decide import decide, what_would_change
from ml_platform.gates.integrity import integrity_gates
from ml_platform.gates.outcome import GateKind, Insufficiency, Outcome, Verdict
from ml_platform.gates.policy import gate_kinds, gate_names
from ml_platform.gates.quality import quality_gate, sample_size_gate
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report

VERDICTS = {
    "sample_size": Verdict.HOLD,
}


def outcomes(report, evidence, policy=POLICY):
    return {gate.name: gate.outcome for gate in decide(report, policy, evidence).gates}


def test_a_good_candidate_passes_every_gate():
    assert outcomes(good_report(), good_evidence()) == dict.fromkeys(
        gate_names(POLICY), Outcome.PASS
    )


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_report_fails_its_gate_and_no_other(name):
    report, evidence = SPOILT[name]((good_report(), good_evidence()))
    decision = decide(report, POLICY, evidence)
    stopped = [gate.name for gate in decision.gates if gate.outcome is not Outcome.PASS]
    assert stopped == [name]
    assert decision.verdict is VERDICTS.get(name, Verdict.REJECT)
    gate = next(gate for gate in decision.gates if gate.name == name)
    assert gate.remedy
    assert gate.kind is gate_kinds(POLICY)[name]
    assert gate.explanation in what_would_change(decision)


def test_every_gate_is_spoilt_once():
    assert set(gate_names(POLICY)) == set(SPOILT)


def test_where_change_sets_have_several_rows_each_counts_once():
    """By row the accuracy passes; by change set it is too low, and its difference to the rules is too."""
    report = good_report()
    low, none = Estimate(0.8, 0.78, 0.82), Estimate(-0.01, -0.02, 0.0)
    by_commit = replace(
        report,
        change_sets=300,
        candidate=replace(
            report.candidate, metrics={**report.candidate.metrics, "change_set_accuracy": low}
        ),
        difference_to_baseline={**report.difference_to_baseline, "change_set_accuracy": none},
        difference_to_champion={"change_set_accuracy": Estimate(0.0, -0.005, 0.005)},
        difference_to_challenged={"change_set_accuracy": Estimate(0.02, 0.01, 0.03)},
    )
    gates = {gate.name: gate for gate in decide(by_commit, POLICY, good_evidence()).gates}
    assert {name for name, gate in gates.items() if gate.outcome is not Outcome.PASS} == {
        "accuracy",
        "over_rules",
    }
    assert gates["accuracy"].metric == "change_set_accuracy"
    assert (gates["accuracy"].low, gates["over_rules"].high) == (0.78, 0.0)
    assert f"{report.rows:,} rows are 300 change sets" in gates["accuracy"].explanation
    assert gates["calibration"].metric == "expected_calibration_error", "it has no such figure"


def test_a_metric_that_makes_no_sense_stops_nobody():
    report = replace(good_report(), not_applicable={"accuracy": "the labels are shares"})
    decision = decide(report, POLICY, good_evidence())
    gate = next(gate for gate in decision.gates if gate.name == "accuracy")
    assert gate.outcome is Outcome.NOT_APPLICABLE
    assert gate.explanation == "accuracy: the labels are shares"
    assert decision.verdict is Verdict.PROMOTE


def test_a_metric_that_cannot_be_told_is_insufficient_with_its_reason():
    report = good_report()
    bare = replace(report.candidate, metrics={})
    report = replace(report, candidate=bare, undefined={"accuracy": "no label is known"})
    gate = next(g for g in decide(report, POLICY, good_evidence()).gates if g.name == "accuracy")
    assert gate.outcome is Outcome.INSUFFICIENT
    assert gate.explanation.endswith("no label is known")


def test_a_challenged_model_that_cannot_be_compared_is_insufficient():
    report = replace(
        good_report(), difference_to_challenged=None, challenged_note="it has no candidate"
    )
    decision = decide(report, POLICY, good_evidence())
    gate = next(gate for gate in decision.gates if gate.name == "over_challenged")
    assert (gate.outcome, decision.verdict) == (Outcome.INSUFFICIENT, Verdict.HOLD)
    assert gate.explanation == "challenged model not comparable: it has no candidate"


def test_names_are_those_of_the_decision_in_its_order():
    decision = decide(good_report(), POLICY, good_evidence())
    assert tuple(gate.name for gate in decision.gates) == gate_names(POLICY)


GATE = QualityGate("g", "m", Bound.LIMIT, 0.85, "because")


def measured(bound, estimate, limit):
    metrics = {"m": Estimate(*estimate)}
    report = good_report()
    report = replace(
        report,
        candidate=replace(report.candidate, metrics=metrics),
        difference_to_baseline=metrics,
        difference_to_dummy={},
        difference_to_champion=metrics,
    )
    return quality_gate(report, replace(GATE, bound=bound, limit=limit))


@pytest.mark.parametrize(
    ("bound", "estimate", "limit", "outcome"),
    [
        (Bound.LIMIT, (0.9, 0.851, 0.95), 0.85, Outcome.PASS),
        (Bound.LIMIT, (0.9, 0.85, 0.95), 0.85, Outcome.INSUFFICIENT),
        (Bound.LIMIT, (0.8, 0.75, 0.8501), 0.85, Outcome.INSUFFICIENT),
        (Bound.LIMIT, (0.8, 0.75, 0.85), 0.85, Outcome.FAIL),
        (Bound.BASELINE, (0.1, 0.01, 0.2), 0.0, Outcome.PASS),
        (Bound.BASELINE, (0.1, 0.0, 0.2), 0.0, Outcome.INSUFFICIENT),
        (Bound.BASELINE, (-0.0019, -0.0032, -0.0006), 0.0, Outcome.FAIL),
        (Bound.BASELINE, (-0.0049, -0.0215, 0.0113), 0.0, Outcome.INSUFFICIENT),
        (Bound.CHAMPION, (0.0, 0.0, 0.0), -0.01, Outcome.PASS),
        (Bound.CHAMPION, (0.0, -0.01, 0.0), -0.01, Outcome.INSUFFICIENT),
        (Bound.CHAMPION, (-0.02, -0.03, -0.01), -0.01, Outcome.FAIL),
        (Bound.AT_MOST, (0.04, 0.03, 0.05), 0.05, Outcome.PASS),
        (Bound.AT_MOST, (0.04, 0.03, 0.0501), 0.05, Outcome.INSUFFICIENT),
        (Bound.AT_MOST, (0.06, 0.05, 0.07), 0.05, Outcome.INSUFFICIENT),
        (Bound.AT_MOST, (0.06, 0.0501, 0.07), 0.05, Outcome.FAIL),
    ],
)
def test_the_whole_interval_decides(bound, estimate, limit, outcome):
    gate = measured(bound, estimate, limit)
    assert gate.outcome is outcome
    assert (gate.value, gate.low, gate.high) == estimate
    not_shown = Insufficiency.NOT_SHOWN if outcome is Outcome.INSUFFICIENT else None
    assert gate.insufficiency is not_shown


def test_of_rules_and_dummy_baseline_the_harder_one_counts():
    """Where one class prevails, always saying it can be better than the rules."""
    report = replace(
        good_report(), difference_to_dummy={"accuracy": Estimate(-0.01, -0.02, -0.001)}
    )
    gate = quality_gate(report, POLICY.quality[1])
    assert gate.outcome is Outcome.FAIL
    assert "candidate minus the dummy baseline, is -0.0100" in gate.explanation
    assert "minus rules," in quality_gate(good_report(), POLICY.quality[1]).explanation


def test_a_remedy_tells_noise_from_lack():
    assert "more test clusters" in measured(Bound.LIMIT, (0.9, 0.84, 0.95), 0.85).remedy
    assert "rise by at least 0.0500" in measured(Bound.LIMIT, (0.82, 0.80, 0.84), 0.85).remedy
    assert "fall by at least 0.0200" in measured(Bound.AT_MOST, (0.06, 0.05, 0.07), 0.05).remedy


@pytest.mark.parametrize(
    ("distances", "outcome"),
    [
        ({}, Outcome.PASS),
        ({"accuracy": Estimate(0.01, 0.0, 0.02)}, Outcome.PASS),
        ({"accuracy": Estimate(0.01, 0.0001, 0.02)}, Outcome.FAIL),
        (
            {"soon_roc_auc": Estimate(0.1, 0.05, 0.2), "accuracy": Estimate(-0.1, -0.2, -0.05)},
            Outcome.FAIL,
        ),
    ],
)
def test_only_a_candidate_shown_above_the_possible_is_stopped(distances, outcome):
    evidence = replace(good_evidence(), above_ceiling=distances)
    gate = next(g for g in integrity_gates(evidence, POLICY) if g.name == "ceiling")
    assert gate.outcome is outcome
    stopped = decide(good_report(), POLICY, evidence).verdict is Verdict.REJECT
    assert stopped is (outcome is Outcome.FAIL)
    assert ("soon_roc_auc" in gate.explanation) is ("soon_roc_auc" in distances)


def test_without_a_champion_its_gate_does_not_apply():
    first = replace(good_report(), champion=None, difference_to_champion=None)
    gate = quality_gate(first, POLICY.quality[2])
    assert gate.outcome is Outcome.PASS
    assert gate.value is None
    assert gate.explanation == "no champion yet: compared with the rules"
    assert decide(first, POLICY, good_evidence()).verdict is Verdict.PROMOTE


def test_a_metric_that_is_not_defined_is_insufficient():
    gate = quality_gate(good_report(), replace(GATE, metric="roc_auc_ovr"))
    assert gate.outcome is Outcome.INSUFFICIENT
    assert "not defined" in gate.explanation


@pytest.mark.parametrize(
    ("rows", "clusters", "outcome", "value", "limit"),
    [
        (1_000, 100, Outcome.PASS, 100, 100),
        (1_000, 99, Outcome.INSUFFICIENT, 99, 100),
        (999, 100, Outcome.INSUFFICIENT, 999, 1_000),
        (50, 5, Outcome.INSUFFICIENT, 5, 100),
    ],
)
def test_sample_size(rows, clusters, outcome, value, limit):
    gate = sample_size_gate(replace(good_report(), rows=rows, clusters=clusters), POLICY)
    assert (gate.outcome, gate.value, gate.limit) == (outcome, value, limit)


def integrity(**changes):
    gates = integrity_gates(replace(good_evidence(), **changes), POLICY)
    return {gate.name: gate for gate in gates if gate.outcome is Outcome.FAIL}


def test_schema_names_what_differs():
    assert "weak" in integrity(artifact_features=("strong",))["schema"].explanation
    assert "order" in integrity(artifact_features=("weak", "strong"))["schema"].explanation
    gone = integrity(current_feature_versions={"strong": "s1"})["schema"].explanation
    assert "weak (w1 when trained, None now)" in gone


def test_a_warning_about_leaks_passes_and_is_told():
    warned = replace(
        good_evidence(), leakage_level=LeakageLevel.WARNING, leakage_findings=("sessions straddle",)
    )
    gate = integrity_gates(warned, POLICY)[3]
    assert gate.outcome is Outcome.PASS
    assert "sessions straddle" in gate.explanation


def test_an_archive_is_never_stale():
    old = {"newest_row_at": good_evidence().as_of - timedelta(days=900)}
    assert list(integrity(**old)) == ["stale_data"]
    assert integrity(**old, live=False) == {}


def test_limits_are_inclusive():
    evidence = good_evidence()
    assert integrity(parity_gap=POLICY.parity_tolerance) == {}
    assert integrity(newest_row_at=evidence.as_of - POLICY.maximum_data_age) == {}


def test_integrity_gates_are_of_their_kind():
    assert {gate.kind for gate in integrity_gates(good_evidence(), POLICY)} == {GateKind.INTEGRITY}


def test_a_policy_without_quality_gates_still_asks_for_rows():
    assert gate_names(GatePolicy(quality=()))[-1] == "sample_size"
