from ml_platform.features.pattern_features import PATTERN_FEATURES
from ml_platform.models.pattern_classifier import PLAN, SPEC
from ml_platform.spec.standard_gates import EVEN_FOLDS, OVERCONFIDENCE, STANDARD


def test_every_feature_it_asks_for_is_declared_with_the_same_kind():
    declared = {feature.name: feature.kind.value for feature in PATTERN_FEATURES}
    assert {name: declared[name] for name in PLAN.features} == PLAN.features
    assert SPEC.features == tuple(PLAN.features)


def test_identities_and_the_label_are_no_features():
    assert not {"user_id", "row_id", "change_set_id", "cluster_id", SPEC.label} & set(SPEC.features)


def test_the_gates_are_those_of_the_policy():
    gates = {
        gate.name: (gate.metric, gate.bound.value, gate.limit)
        for gate in SPEC.policy.quality
        if gate not in (*STANDARD, OVERCONFIDENCE, EVEN_FOLDS)
    }
    assert {*STANDARD, OVERCONFIDENCE, EVEN_FOLDS} < set(SPEC.policy.quality)
    assert gates == {
        "accuracy": ("accuracy", "limit", 0.85),
        "over_rules": ("accuracy", "baseline", 0.0),
        "over_champion": ("accuracy", "champion", -0.01),
        "calibration": ("expected_calibration_error", "at_most", 0.05),
    }
