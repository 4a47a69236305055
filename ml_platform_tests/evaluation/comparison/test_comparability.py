"""A champion of other features or classes is compared with where it can answer, and named where not."""

from dataclasses import replace

from ml_platform.evaluation.comparison.comparability import Comparability, comparability
from ml_platform.evaluation.evaluate import ComparedScorer
from ml_platform.gates.outcome import Outcome
from ml_platform.gates.quality import quality_gate
from ml_platform_tests.evaluation.examples import CLASSES, STRONG, make_training_set
from ml_platform_tests.evaluation.test_evaluate import evaluator
from ml_platform_tests.gates.spoilt_reports import POLICY

RECORD = make_training_set(change_sets=20).record
CHAMPION_GATE = POLICY.quality[2]
SAME = {
    "features": ("strong", "weak"),
    "feature_versions": {"strong": "v1", "weak": "v1"},
    "classes": CLASSES,
    "record": RECORD,
}


def test_the_same_features_and_classes_need_no_word():
    assert comparability(3, **SAME) == Comparability(True, "")


def test_a_class_it_lacks_is_no_hindrance():
    assert comparability(3, **{**SAME, "classes": CLASSES[:2]}).possible


def test_a_feature_that_is_gone_and_a_class_of_the_past_are_named():
    verdict = comparability(
        3, **{**SAME, "features": ("old", "strong"), "classes": (*CLASSES, "chore")}
    )
    assert not verdict.possible
    assert verdict.note == (
        "version 3 takes old, which the training set lacks; "
        "version 3 predicts chore, which no row is of now"
    )


def test_another_version_of_a_feature_is_said():
    now = replace(RECORD, feature_versions={"strong": "v2", "weak": "v1"})
    verdict = comparability(3, **{**SAME, "record": now})
    assert verdict == Comparability(
        True, "version 3 learned from other versions of strong (v1, now v2)"
    )


def test_the_gate_tells_what_was_found():
    gate = quality_gate(
        evaluator(champion=ComparedScorer(note="version 3 takes old")), CHAMPION_GATE
    )
    assert gate.outcome is Outcome.INSUFFICIENT
    assert gate.explanation == "champion not comparable: version 3 takes old"
    assert gate.remedy
    result = quality_gate(
        evaluator(champion=ComparedScorer(STRONG, "other versions")), CHAMPION_GATE
    )
    assert result.outcome is Outcome.PASS
    assert result.explanation.endswith("(other versions)")
