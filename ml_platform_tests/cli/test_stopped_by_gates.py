"""A candidate that an integrity gate stops is told by the gate and its reason, not as an unforeseen error."""

from collections.abc import Iterator

import dagster as dg
import pytest

from ml_platform.cli.instance import errors_of_models, stopped_by_gates
from ml_platform.errors import PlatformError, ServiceError


def _checks(*names: str) -> list[dg.AssetCheckSpec]:
    return [dg.AssetCheckSpec(name, asset="report", blocking=name != "loose") for name in names]


@dg.asset(check_specs=_checks("leakage", "ceiling", "loose"))
def report() -> Iterator[object]:
    yield dg.MaterializeResult()
    for name, passed in (("leakage", False), ("ceiling", True), ("loose", False)):
        yield dg.AssetCheckResult(
            check_name=name,
            passed=passed,
            description=f"{name} has looked",
            metadata={"remedy": f"mend {name}"},
        )


@dg.asset
def failed_by_itself() -> None:
    raise RuntimeError("too few rows")


def test_the_blocking_gate_is_named_with_its_reason_and_remedy() -> None:
    result = dg.materialize([report], raise_on_error=False)
    assert not result.success
    error = stopped_by_gates(result, "report", "model/report")
    assert error is not None
    assert error.message == (
        "model/report: an integrity gate stops it. leakage: leakage has looked."
    )
    assert error.remedy == "mend leakage"


def test_another_failure_is_no_gate() -> None:
    result = dg.materialize([failed_by_itself], raise_on_error=False)
    assert stopped_by_gates(result, "failed_by_itself", "x") is None


def test_a_stopped_candidate_is_a_verdict_and_no_error_of_the_run() -> None:
    result = dg.materialize([report], raise_on_error=False)
    stop = stopped_by_gates(result, "report", "a/report")
    assert stop is not None
    broken = ServiceError("MLflow does not answer.", remedy="start it")
    failures: list[tuple[str, PlatformError]] = [("a", stop), ("b", broken)]
    assert errors_of_models(failures, ("a", "b")) == {"b": broken}
    with pytest.raises(ServiceError):
        errors_of_models(failures, ("a",))
    assert errors_of_models([("a", stop), ("a", broken)], ("a",)) == {"a": broken}


def test_what_stops_everything_is_an_error() -> None:
    result = dg.materialize([report], raise_on_error=False)
    stop = stopped_by_gates(result, "report", "events_expectations")
    assert stop is not None
    with pytest.raises(PlatformError, match="leakage has looked"):
        errors_of_models([("events_expectations", stop)], ("a",))
