"""What `why`, `status` and `monitor` ask of a home: the newest version, its decision, its windows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_platform.application.build_features import feature_versions
from ml_platform.application.explain_decision import explain_decision
from ml_platform.application.find_version import find_version
from ml_platform.application.insufficient import reason_not_trained, record_reason
from ml_platform.application.monitor import require_window
from ml_platform.application.status import model_status
from ml_platform.cli.run_text import MEANING
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.features.step_features import TABLE
from ml_platform.gates.outcome import Verdict
from ml_platform.home import HomeState, SourceChoice
from ml_platform.registry.lifecycle import statuses
from ml_platform_tests.application.homes import AS_OF, SPEC, home, promotable


def test_a_version_is_found_by_its_number_or_is_the_newest(tmp_path: Path) -> None:
    platform = home(tmp_path)
    first, second = promotable(platform, b"one"), promotable(platform, b"two")
    model = first.model
    assert find_version(platform, model, None) == second
    assert find_version(platform, model, 1) == first
    with pytest.raises(UsageError, match="has no version 3; it has 1, 2"):
        find_version(platform, model, 3)
    with pytest.raises(UsageError, match=f"models with one: {model}"):
        find_version(platform, "nobody", None)


def test_an_explanation_has_the_decision_and_the_refusals_of_its_version(tmp_path: Path) -> None:
    platform = home(tmp_path)
    first, second = promotable(platform, b"one"), promotable(platform, b"two")
    platform.ledger.record_refusal(first.model, 1, reasons=("stale",), at=AS_OF, actor="test")
    explanation = explain_decision(platform, first.model, 1)
    assert explanation.decision == first.decision
    assert [event.evidence for event in explanation.refusals] == [{"reason_01": "stale"}]
    assert explain_decision(platform, second.model, None).refusals == ()
    assert explanation.text.startswith("PROMOTE: every gate passes")


def test_a_model_without_a_champion_says_why(tmp_path: Path) -> None:
    platform = home(tmp_path)
    status = model_status(platform, SPEC.name)
    assert status.why == "never trained in this home"
    record_reason(platform, f"{SPEC.name}/training_set", "no executions in this source")
    assert reason_not_trained(platform, SPEC.name) == "no executions in this source"
    status = model_status(platform, SPEC.name)
    assert status.why == "INSUFFICIENT: no executions in this source"
    record_reason(platform, f"{SPEC.name}/training_set", "")
    assert reason_not_trained(platform, SPEC.name) == ""


def test_versions_stand_with_their_status(tmp_path: Path) -> None:
    platform = home(tmp_path)
    record = promotable(platform, b"one")
    (version,) = model_status(platform, record.model).versions
    events = platform.ledger.events(record.model)
    assert (version.version, version.verdict) == (1, "PROMOTE")
    assert version.status == statuses(events, record.model)[1].value


HOME = HomeState(
    SourceChoice("simulate"),
    as_of=datetime(2026, 5, 2, tzinfo=UTC),
    first_window=datetime(2026, 5, 1, tzinfo=UTC),
    settled=True,
)
SIX_HOURS = timedelta(hours=6)


@pytest.mark.parametrize("end", [HOME.first_window + SIX_HOURS, HOME.as_of])
def test_the_first_and_the_last_window_of_a_home_can_be_monitored(end: datetime) -> None:
    require_window(HOME, end)


@pytest.mark.parametrize("end", [HOME.first_window, HOME.as_of + SIX_HOURS])
def test_a_window_before_or_after_them_is_refused_with_both_limits(end: datetime) -> None:
    with pytest.raises(UsageError, match="from 2026-05-01T06:00Z to 2026-05-02T00:00Z"):
        require_window(replace(HOME), end)


def test_features_that_were_never_built_are_named_with_what_builds_them(tmp_path: Path) -> None:
    platform = home(tmp_path)
    with pytest.raises(IntegrityError, match="has never been built in this home") as error:
        feature_versions(platform, TABLE)
    assert f"materialise features/{TABLE.name}" in error.value.remedy
    definitions = {
        TABLE.qualified(each.name): (f"v of {each.name}", "{}") for each in TABLE.features
    }
    platform.ledger.save_feature_definitions(definitions, at=AS_OF)
    first = TABLE.features[0].name
    assert feature_versions(platform, TABLE)[first] == f"v of {first}"


def test_every_verdict_has_a_meaning_on_the_screen() -> None:
    assert set(MEANING) == set(Verdict)
