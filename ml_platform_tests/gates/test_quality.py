"""What a quality gate compares with, and what it tells beside its outcome."""

from dataclasses import replace

import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import GateKind, Insufficiency, Outcome
from ml_platform.gates.quality import quality_gate
from ml_platform.spec.gates import Bound, QualityGate
from ml_platform_tests.gates.spoilt_reports import good_report

GATE = QualityGate("the gate", "accuracy", Bound.LIMIT, 0.85, "because")
GOOD = Estimate(0.2, 0.1, 0.3)
BAD = Estimate(-0.2, -0.3, -0.1)


def held(bound: Bound, limit: float = 0.0, **report: object):
    return quality_gate(replace(good_report(), **report), replace(GATE, bound=bound, limit=limit))


@pytest.mark.parametrize(
    ("bound", "field"),
    [
        (Bound.BASELINE, "difference_to_baseline"),
        (Bound.CHAMPION, "difference_to_champion"),
        (Bound.CHALLENGED, "difference_to_challenged"),
    ],
)
def test_each_bound_looks_at_its_own_difference(bound: Bound, field: str) -> None:
    good = {
        "difference_to_baseline": {"accuracy": GOOD},
        "difference_to_dummy": {"accuracy": GOOD},
        "difference_to_champion": {"accuracy": GOOD},
        "difference_to_challenged": {"accuracy": GOOD},
    }
    assert held(bound, **good).outcome is Outcome.PASS
    failed = held(bound, **good | {field: {"accuracy": BAD}})
    assert (failed.outcome, failed.value) == (Outcome.FAIL, -0.2)
    for other in good.keys() - {field, "difference_to_dummy"}:
        assert held(bound, **good | {other: {"accuracy": BAD}}).outcome is Outcome.PASS
    unknown = held(bound, **good | {field: {"f1": GOOD}, "difference_to_dummy": {}})
    assert (unknown.outcome, unknown.insufficiency) == (
        Outcome.INSUFFICIENT,
        Insufficiency.NOT_DEFINED,
    )


@pytest.mark.parametrize(
    ("rules", "dummy", "value", "named"),
    [
        (Estimate(0.2, 0.1, 0.3), Estimate(0.3, 0.09, 0.4), 0.3, "the dummy baseline"),
        (Estimate(0.2, 0.1, 0.3), Estimate(0.1, 0.11, 0.4), 0.2, "rules"),
        (Estimate(0.2, 0.1, 0.3), Estimate(0.3, 0.1, 0.4), 0.2, "rules"),
    ],
    ids=["dummy less clearly beaten", "rules less clearly beaten", "alike"],
)
def test_the_baseline_less_clearly_beaten_counts(rules, dummy, value, named) -> None:
    gate = held(
        Bound.BASELINE,
        difference_to_baseline={"accuracy": rules},
        difference_to_dummy={"accuracy": dummy},
    )
    assert gate.value == value
    assert f"candidate minus {named}," in gate.explanation


def test_a_champion_of_other_features_is_named_where_it_matters() -> None:
    note = {"champion_note": "it reads one feature less"}
    compared = held(Bound.CHAMPION, difference_to_champion={"accuracy": GOOD}, **note)
    assert compared.outcome is Outcome.PASS
    assert compared.explanation.endswith("(it reads one feature less)")
    assert "one feature less" not in held(Bound.LIMIT, 0.5, **note).explanation
    plain = held(Bound.CHAMPION, difference_to_champion={"accuracy": GOOD})
    assert plain.explanation.endswith("because")
    gone = held(Bound.CHAMPION, difference_to_champion=None, **note)
    assert (gone.outcome, gone.insufficiency) == (
        Outcome.INSUFFICIENT,
        Insufficiency.NOT_COMPARABLE,
    )
    assert gone.explanation == "champion not comparable: it reads one feature less"


def test_without_a_champion_only_its_gate_passes() -> None:
    assert held(Bound.CHAMPION, difference_to_champion=None).outcome is Outcome.PASS
    below = held(Bound.LIMIT, 0.99, difference_to_champion=None)
    assert below.outcome is Outcome.FAIL
    assert held(Bound.LIMIT, 0.5, difference_to_challenged=None).outcome is Outcome.PASS
    unchallenged = held(Bound.CHALLENGED, difference_to_challenged=None, challenged_note="")
    assert (unchallenged.outcome, unchallenged.insufficiency) == (
        Outcome.INSUFFICIENT,
        Insufficiency.NOT_COMPARABLE,
    )
    assert unchallenged.explanation.endswith("it has no candidate")


@pytest.mark.parametrize(
    ("bound", "estimate", "limit", "remedy"),
    [
        (Bound.LIMIT, (0.86, 0.84, 0.88), 0.85, "its interval is 0.0200 wide on that side"),
        (Bound.LIMIT, (0.85, 0.84, 0.88), 0.85, "has to rise by at least 0.0100"),
        (Bound.AT_MOST, (0.05, 0.04, 0.07), 0.05, "its interval is 0.0200 wide on that side"),
        (Bound.AT_MOST, (0.051, 0.04, 0.07), 0.05, "has to fall by at least 0.0200"),
    ],
)
def test_the_remedy_says_how_far_it_is(bound, estimate, limit, remedy) -> None:
    report = good_report()
    metrics = {"accuracy": Estimate(*estimate)}
    gate = held(bound, limit, candidate=replace(report.candidate, metrics=metrics))
    assert gate.outcome is Outcome.INSUFFICIENT
    assert remedy in gate.remedy


@pytest.mark.parametrize(
    ("bound", "limit", "comparison"),
    [
        (Bound.LIMIT, 0.5, "the lower bound 0.8900 must be above 0.5: because"),
        (Bound.AT_MOST, 0.95, "the upper bound 0.9100 must be at most 0.95: because"),
    ],
)
def test_a_result_says_what_was_compared_with_what(bound, limit, comparison) -> None:
    gate = held(bound, limit)
    assert (gate.name, gate.kind, gate.metric, gate.bound) == (
        "the gate",
        GateKind.QUALITY,
        "accuracy",
        bound,
    )
    assert (gate.value, gate.low, gate.high, gate.limit) == (0.90, 0.89, 0.91, limit)
    assert gate.explanation == f"accuracy is 0.9000 [0.8900, 0.9100]; {comparison}"
    assert (gate.outcome, gate.remedy, gate.decides) == (Outcome.PASS, "", True)
    reported = quality_gate(good_report(), replace(GATE, bound=bound, limit=limit, decides=False))
    assert reported.decides is False
