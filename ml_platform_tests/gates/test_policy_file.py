"""Presets, and the file in which a user changes them: what it may say, and what it is told when it may not."""

from dataclasses import replace

import pytest

from ml_platform.errors import UsageError
from ml_platform.gates.policy import INTEGRITY_GATES, gate_names, policy_version
from ml_platform.gates.policy_file import PolicyChoice, limit_range, parse_policy, write_policy
from ml_platform.gates.presets import MISSION, PRESETS, RELATIVE, relative
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform_tests.gates.spoilt_reports import POLICY

PATTERN = next(spec for spec in MODELS if spec.name == "pattern_classifier")
FROM_OUTSIDE = replace(PATTERN, name="of_mine", policy=POLICY)


def parsed(text: str) -> PolicyChoice:
    return parse_policy(text, "policy.toml", MODELS)


def test_an_empty_file_is_the_policy_that_models_declare() -> None:
    assert [parsed("").policy_of(spec) for spec in MODELS] == [spec.policy for spec in MODELS]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.name)
def test_every_preset_has_every_gate_and_all_of_integrity(preset, spec) -> None:
    policy = PolicyChoice(preset).policy_of(spec)
    assert gate_names(policy) == gate_names(spec.policy)
    assert set(INTEGRITY_GATES) <= set(gate_names(policy))
    assert [gate.limit for gate in policy.quality] == [gate.limit for gate in spec.policy.quality]
    assert policy.name == preset


def test_relative_asks_for_comparisons_calibration_stability_and_fairness_alone() -> None:
    def deciding(name: str) -> set[str]:
        spec = next(spec for spec in MODELS if spec.name == name)
        return {gate.name for gate in relative(spec.policy).quality if gate.decides}

    pattern = deciding("pattern_classifier")
    assert {"over_rules", "over_champion", "calibration", "fairness", "even_folds"} <= pattern
    assert "accuracy" not in pattern
    assert {"recall", "precision", "false_alarm_rate"}.isdisjoint(deciding("anomaly_detector"))
    assert "relative_success" not in deciding("trigger_predictor")
    assert "over_lstm" in deciding("sequence_transformer")


def test_without_a_comparison_a_model_keeps_its_limits() -> None:
    alone = GatePolicy(quality=POLICY.quality[:1])
    assert relative(alone).quality == alone.quality


def test_what_is_written_is_read_again() -> None:
    text = 'preset = "relative"\n[pattern_classifier.accuracy]\nlimit = 0.5\ndecides = true\n'
    written = write_policy(parsed(text), MODELS)
    for spec in MODELS:
        again = parsed(written).policy_of(spec)
        assert replace(again, name="") == replace(parsed(text).policy_of(spec), name="")
    assert "[pattern_classifier.accuracy]  # accuracy, limit: " in written


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_that_was_written_and_read_again_is_the_preset(preset) -> None:
    assert parsed(write_policy(PolicyChoice(preset), MODELS)) == PolicyChoice(preset)


def test_a_change_is_another_version_of_its_model_alone() -> None:
    choice = parsed("[pattern_classifier]\nminimum_test_rows = 500\n")
    policy = choice.policy_of(PATTERN)
    assert (policy.minimum_test_rows, policy.name) == (500, "mission, changed")
    versions = {spec.name: policy_version(choice.policy_of(spec)) for spec in MODELS}
    changed = [s.name for s in MODELS if versions[s.name] != policy_version(s.policy)]
    assert changed == ["pattern_classifier"]


def test_gates_of_a_model_from_outside_are_in_the_file_too() -> None:
    text = "[of_mine.over_challenged]\ndecides = false\n"
    choice = parse_policy(text, "policy.toml", (*MODELS, FROM_OUTSIDE))
    gate = choice.policy_of(FROM_OUTSIDE).quality[3]
    assert (gate.name, gate.decides) == ("over_challenged", False)
    assert "[of_mine.over_challenged]" in write_policy(choice, (FROM_OUTSIDE,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("preset = 'strict'", "policy.toml, line 1: preset: 'strict' is no preset"),
        ("preset = ['mission']", r"policy.toml, line 1: preset: \['mission'\] is no preset"),
        ("\n[pattern]\n", "policy.toml, line 2: pattern: there is no such model"),
        (
            "[pattern_classifier]\n\n[pattern_classifier.beauty]\nlimit = 1",
            "policy.toml, line 3: pattern_classifier.beauty: there is no such gate",
        ),
        (
            "[pattern_classifier.accuracy]\ndecides = true\nlimit = 1.2",
            "line 3: pattern_classifier.accuracy.limit: 1.2 lies outside the range of accuracy, 0 to 1",
        ),
        (
            "[pattern_classifier.over_rules]\nlimit = -2",
            "line 2: pattern_classifier.over_rules.limit: -2 lies outside the range of accuracy, -1 to 1",
        ),
        (
            "[pattern_classifier.robustness]\nlimit = 0.5",
            "line 2: pattern_classifier.robustness.limit: 0.5 lies outside the range of robustness.score",
        ),
        ("pattern_classifier.accuracy.limit = '.8'", "line 1: .*'.8' is no number"),
        ("pattern_classifier.accuracy.limit = true", "line 1: .*True is no number"),
        ("pattern_classifier.accuracy.limit = nan", "line 1: .*nan is no number"),
        ("[pattern_classifier]\naccuracy = {limit = '1'}", "line 2: .*'1' is no number"),
        (
            "[pattern_classifier]\naccuracy = 0.8",
            "line 2: pattern_classifier.accuracy: 0.8 is no table",
        ),
        ("pattern_classifier = 1", "line 1: pattern_classifier: 1 is no table"),
        ("[pattern_classifier.accuracy]\ndecides = 0", "line 2: .*0 is neither true nor false"),
        ("[pattern_classifier.accuracy]\nlimits = 0", "line 2: .*there is no such setting"),
        ("[pattern_classifier]\nminimum_test_rows = 10", "10 is no whole number from 100 on"),
        (
            "[pattern_classifier]\nminimum_test_clusters = 1e3",
            "1000.0 is no whole number from 20 on",
        ),
        ("[pattern_classifier.leakage]\ndecides = false", "line 1: .*it is an integrity gate"),
        (
            "[pattern_classifier.sample_size]\nlimit = 1",
            "set minimum_test_rows and minimum_test_clus",
        ),
        ("\nlimit = 1 2", r"policy.toml is no TOML: .*line 2"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parsed(text)
    assert "\n" not in str(error.value)


def test_of_a_measure_that_nobody_has_declared_any_number_is_a_limit() -> None:
    low, high = limit_range(QualityGate("g", "looks.beauty", Bound.LIMIT, 0.5, ""))
    assert low < -1e9
    assert high > 1e9


def test_every_limit_of_the_platform_lies_in_its_range() -> None:
    for spec in MODELS:
        for gate in spec.policy.quality:
            low, high = limit_range(gate)
            assert low <= gate.limit <= high, (spec.name, gate.name)
    assert tuple(PRESETS) == (MISSION, RELATIVE)
