"""The asset `monitoring_self_test` and its check, which is seen to fail."""

import dagster as dg
import pytest

from ml_platform.application.connections import Connections
from ml_platform.application.self_test import keep_self_test
from ml_platform.defs.self_test import objective_holds, self_test_asset
from ml_platform.monitoring.self_test.examine import examine_table
from ml_platform.monitoring.self_test.result import SelfTest
from ml_platform_tests.application.homes import AS_OF, SPEC, home
from ml_platform_tests.application.test_self_test import result
from ml_platform_tests.monitoring.self_test.homes import MODEL, QUICK, history, restless_rows


@pytest.fixture
def platform(tmp_path) -> Connections:
    return home(tmp_path)


def checked(platform: Connections) -> dg.AssetCheckResult:
    return objective_holds.node_def.compute_fn.decorated_fn(platform)


def test_the_check_fails_in_a_home_whose_features_come_and_go(platform) -> None:
    keep_self_test(platform, result(0))
    assert checked(platform).passed
    table = history(restless_rows())
    found = examine_table(
        table, [MODEL], seed=1, policy=QUICK, in_time=iter((True, False)).__next__
    )
    keep_self_test(platform, SelfTest(AS_OF, True, "policy", 1, found))
    failed = checked(platform)
    assert not failed.passed
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert "more than one false incident" in str(failed.description)


def test_asset_and_check_run_together_and_too_few_rows_warn(platform) -> None:
    ran = dg.materialize(
        [self_test_asset([SPEC]), objective_holds], resources={"platform": platform}
    )
    (event,) = ran.asset_materializations_for_node("monitoring_self_test")
    assert str(event.metadata["outcome"].value).startswith("INSUFFICIENT")
    assert "| pattern\\_features is not published |" in str(event.metadata["models"].value)
    (check,) = ran.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
