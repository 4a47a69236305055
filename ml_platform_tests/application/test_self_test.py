"""The result of the self-test of monitoring is a file: written once, verified, aged, and read again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.adapters.kept_files import SELF_TESTS, KeptFiles
from ml_platform.application.connections import Connections
from ml_platform.application.incidents import acknowledge_incident, follow_report, incident_state
from ml_platform.application.self_test import (
    keep_self_test,
    known_drift,
    read_self_test,
    self_test,
)
from ml_platform.application.verify_files import verify_files
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.self_test.looks import WatchedMonth
from ml_platform.monitoring.self_test.result import ModelSelfTest, Outcome, SelfTest
from ml_platform.retention.rules import Kind
from ml_platform_tests.application.homes import AS_OF, SPEC, home
from ml_platform_tests.retraining.reports import report


def result(incidents: int) -> SelfTest:
    """A year of months, each with so many false incidents."""
    month = WatchedMonth(True, 30.0, 120, incidents, 0, 0, incidents, (("x", 1),) * incidents)
    return SelfTest(AS_OF, True, "policy", 1, (ModelSelfTest("example", (month,) * 12, ()),))


@pytest.fixture
def platform(tmp_path) -> Connections:
    return home(tmp_path)


def faults(platform: Connections) -> list[str]:
    return [each.subject for each in verify_files(platform.settings) if not each.ok]


def test_a_table_without_rows_is_insufficient_and_kept_all_the_same(platform) -> None:
    told: list[str] = []
    kept = self_test(platform, [SPEC], told.append)
    assert kept.result.outcome is Outcome.INSUFFICIENT
    assert kept.result.models[0].reason == "pattern_features is not published"
    assert kept.path.parent == platform.settings.reports / SELF_TESTS
    assert read_self_test(platform) == kept.result
    assert faults(platform) == []


def test_the_same_result_is_the_same_file_and_another_does_not_touch_it(platform) -> None:
    first, again = (keep_self_test(platform, result(0)) for _ in range(2))
    before = first.read_bytes()
    second = keep_self_test(platform, result(2))
    assert first == again != second
    assert first.read_bytes() == before
    assert read_self_test(platform) == result(2)


def test_a_changed_result_is_named_and_not_read(platform) -> None:
    path = keep_self_test(platform, result(2))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"incidents":2', b'"incidents":0'))
    assert faults(platform) == [str(path.relative_to(platform.settings.home))]
    with pytest.raises(IntegrityError):
        read_self_test(platform)


def test_without_a_result_the_command_is_named(platform) -> None:
    with pytest.raises(UsageError, match="never tested") as error:
        read_self_test(platform)
    assert error.value.remedy == "`ml-platform monitor --self-test`"


def test_retention_ages_it_by_the_time_of_its_rows(platform) -> None:
    path = keep_self_test(platform, result(0))
    files = KeptFiles(platform.settings)
    (item,) = [item for item in files.items() if item.kind is Kind.SELF_TEST]
    assert (item.at, item.bytes) == (AS_OF, path.stat().st_size)
    files.remove([item])
    assert not path.exists()
    assert faults(platform) == []


def test_drift_that_a_person_has_acknowledged_is_known(platform) -> None:
    moved = report(drift=Severity.MODERATE, model="example")
    drift = replace(moved.features[0], severity=Severity.MODERATE)
    follow_report(platform, replace(moved, features=(drift,)))
    assert known_drift(platform) == {}
    (incident,) = incident_state(platform).incidents
    acknowledge_incident(platform, incident.incident_id, by="ada", reason="a new team")
    assert known_drift(platform) == {"example": [(moved.window_end, moved.window_end)]}
    assert timedelta(0) == incident.last_seen - incident.first_seen
