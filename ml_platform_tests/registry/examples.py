"""A version that passed every gate, with all its evidence, to be taken apart by tests."""

from dataclasses import replace
from datetime import UTC, datetime

from ml_platform.gates.decide import decide
from ml_platform.registry.permit import CheckEvidence, Evidence, Permit, grant
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.training_set import TrainingSetRecord
from ml_platform.values import fingerprint, to_json
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
REPORT = good_report()
DECISION = decide(REPORT, POLICY, good_evidence())
TRAINING_SET = TrainingSetRecord(
    model="example",
    fingerprint=REPORT.training_set_fingerprint,
    rows_sha256="d" * 64,
    source="made",
    simulated=True,
    table="pattern_features",
    label="label",
    classes=REPORT.classes,
    features=("strong", "weak"),
    feature_versions={"strong": "v1", "weak": "v1"},
    split=REPORT.split,
    as_of=REPORT.as_of,
)
RECORD = VersionRecord(
    model="example",
    version=0,
    artifact_sha256=REPORT.artifact_sha256,
    artifact_path=f"artifacts/{REPORT.artifact_sha256}",
    size_bytes=1_000,
    framework="onnx",
    parent=None,
    training_set_fingerprint=REPORT.training_set_fingerprint,
    feature_versions={"strong": "v1", "weak": "v1"},
    parameters={"trees": 100},
    report_id=fingerprint(REPORT),
    decision=DECISION,
    mlflow_run_id="run",
    mlflow_version="",
    dagster_run_id="",
    code_version="0.1.0",
    dependencies={"numpy": "2.4.6"},
    registered_at=AT,
    experiment="example",
    input_schema={"strong": "category", "weak": "category"},
    classes=REPORT.classes,
    policy=to_json(POLICY),
    integrity=to_json(good_evidence()),
)


def another(artifact: str, model: str = "example") -> VersionRecord:
    """The record with another artifact (a letter), and so another version."""
    return replace(RECORD, model=model, artifact_sha256=artifact * 64)


def evidence_for(record: VersionRecord) -> Evidence:
    """Evidence that holds for ``record`` in every point."""
    report = replace(REPORT, artifact_sha256=record.artifact_sha256)
    return Evidence(
        record=replace(record, report_id=fingerprint(report)),
        report=report,
        report_sha256=fingerprint(report),
        training_set=TRAINING_SET,
        artifact_sha256=record.artifact_sha256,
        rows_sha256=TRAINING_SET.rows_sha256,
        policy_version=DECISION.policy_version,
        recomputed=DECISION,
        checks=tuple(CheckEvidence(gate.name, True, "m1", "m1") for gate in DECISION.gates),
    )


def permit_for(record: VersionRecord) -> Permit:
    """A permit that fits ``record``."""
    return replace(grant(evidence_for(record)), report_id=record.report_id)
