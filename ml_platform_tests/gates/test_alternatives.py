"""Which preset or limit would have let a candidate pass: each is decided, not guessed."""

from dataclasses import replace

import pytest

from ml_platform.gates.alternatives import alternatives
from ml_platform.gates.outcome import Verdict
from ml_platform.gates.presets import PRESETS
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report

MADE = {name: preset(POLICY) for name, preset in PRESETS.items()}


def of(name: str):
    report, evidence = SPOILT[name]((good_report(), good_evidence()))
    return alternatives(report, POLICY, evidence, MADE)


def test_who_passes_needs_no_alternative():
    assert alternatives(good_report(), POLICY, good_evidence(), MADE) == ()


def test_a_missed_limit_would_be_reported_under_relative_or_moved():
    preset, limit = of("accuracy")
    assert (preset.change, preset.verdict) == ("preset relative", Verdict.PROMOTE)
    assert preset.risk == "accuracy (0.82 [0.8, 0.84], limit 0.85) would only be reported"
    assert (limit.change, limit.verdict) == ("accuracy.limit = 0.799", Verdict.PROMOTE)
    assert limit.risk.startswith("accuracy may then be down to 0.799, where 0.85 is asked for")


def test_a_model_below_its_rules_passes_no_preset():
    preset, limit = of("over_rules")
    assert (preset.verdict, preset.row) == (Verdict.REJECT, "not above the rules")
    assert limit.change == "over_rules.limit = -0.021"


@pytest.mark.parametrize("name", ["leakage", "artifact_hash", "stale_data"])
def test_no_limit_and_no_preset_helps_where_integrity_fails(name):
    (preset,) = of(name)
    assert preset.verdict is Verdict.REJECT


def test_an_upper_limit_is_raised():
    report = good_report()
    report, evidence = SPOILT["calibration"]((report, good_evidence()))
    limit = alternatives(report, POLICY, evidence, {})[0]
    assert limit.change == "calibration.limit = 0.065"
    assert limit.verdict is Verdict.PROMOTE


def test_two_misses_are_moved_together():
    case = SPOILT["calibration"](SPOILT["accuracy"]((good_report(), good_evidence())))
    limit = alternatives(replace(case[0]), POLICY, case[1], {})[0]
    assert limit.change == "accuracy.limit = 0.799, calibration.limit = 0.065"
    assert limit.verdict is Verdict.PROMOTE
