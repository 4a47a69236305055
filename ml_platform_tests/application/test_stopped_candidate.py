"""A candidate that an integrity gate stops has a verdict like any other and no version, and all commands say so."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.application.connections import Connections
from ml_platform.application.explain_decision import explain_decision
from ml_platform.application.find_version import find_version
from ml_platform.application.records import write_record
from ml_platform.application.state_keys import rules_key
from ml_platform.application.status import model_status
from ml_platform.application.stopped_candidate import EVALUATION_STEP, stopped_candidate
from ml_platform.application.summarise_run import ModelSummary, summarise_model
from ml_platform.cli.run_text import _line
from ml_platform.errors import UsageError
from ml_platform.features.leakage_report import LeakageLevel
from ml_platform.gates.decide import decide
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import VersionRecord
from ml_platform_tests.application.homes import evaluation_record_of, home, promotable
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report


def evaluated(platform: Connections, version: VersionRecord, level: LeakageLevel) -> None:
    """Keep an evaluation of the same artifact, data and policy as ``version``, by its level of leakage."""
    evidence = replace(good_evidence(), leakage_level=level, leakage_findings=("a column tells",))
    report = replace(good_report(), artifact_sha256=version.artifact_sha256)
    evaluation = replace(
        evaluation_record_of(platform, version), decision=decide(report, POLICY, evidence)
    )
    write_record(platform.settings, (version.model, EVALUATION_STEP), evaluation)


@pytest.fixture
def stopped(tmp_path: Path) -> tuple[Connections, VersionRecord]:
    """A home whose version 1 was evaluated again, and stopped by the gate on leakage."""
    platform = home(tmp_path)
    version = promotable(platform, b"one")
    evaluated(platform, version, LeakageLevel.DANGEROUS)
    return platform, version


def test_a_run_sums_it_up_with_verdict_figures_and_gates(
    stopped: tuple[Connections, VersionRecord],
) -> None:
    platform, version = stopped
    summary = summarise_model(platform, version.model)
    assert (summary.verdict, summary.decided_by) == ("REJECT", "integrity does not hold")
    assert summary.version is None, (
        "it is not registered, though its bytes and data are version 1's"
    )
    assert summary.metrics
    assert [gate.name for gate in summary.gates if gate.outcome == "FAIL"] == ["leakage"]
    line = _line(summary)
    assert line.startswith("REJECT        no version")
    assert line.endswith("(integrity does not hold)")
    platform.ledger.set_state(rules_key(version.model), {"sha256": "a"})
    assert _line(summarise_model(platform, version.model)).startswith("REJECT        the rules ")


def test_a_line_tells_who_answers() -> None:
    assert _line(ModelSummary("INSUFFICIENT", "no events")) == "INSUFFICIENT  no events"


def test_why_explains_it_and_an_older_version_by_its_number(
    stopped: tuple[Connections, VersionRecord],
) -> None:
    platform, version = stopped
    newest = explain_decision(platform, version.model, None)
    assert newest.version is None
    assert newest.decision.verdict is Verdict.REJECT
    assert "leakage FAIL: dangerous: a column tells" in newest.text
    assert explain_decision(platform, version.model, 1).decision == version.decision


def test_integrity_that_holds_stops_nothing(stopped: tuple[Connections, VersionRecord]) -> None:
    platform, version = stopped
    assert stopped_candidate(platform, "never evaluated") is None
    evaluated(platform, version, LeakageLevel.SAFE)
    assert stopped_candidate(platform, version.model) is None
    assert explain_decision(platform, version.model, None).version == 1
    assert summarise_model(platform, version.model).version == 1


def test_without_any_version_commands_name_why(tmp_path: Path) -> None:
    other = home(tmp_path / "other")
    version = promotable(other, b"one")
    platform = home(tmp_path / "new")
    assert model_status(platform, version.model).why == "never trained in this home"
    evaluated(platform, version, LeakageLevel.DANGEROUS)
    with pytest.raises(
        UsageError, match="an integrity gate has stopped its last candidate"
    ) as error:
        find_version(platform, version.model, None)
    assert f"`ml-platform why {version.model}`" in error.value.remedy
    status = model_status(platform, version.model)
    assert status.why == "REJECT: integrity does not hold"
    assert not status.rules_answer


def test_rules_answer_from_their_registration_on(tmp_path: Path) -> None:
    platform = home(tmp_path)
    platform.ledger.set_state(rules_key("example"), {"sha256": "a"})
    status = model_status(platform, "example")
    assert status.rules_answer
    assert status.why == "no candidate has been promoted: the rules answer"
