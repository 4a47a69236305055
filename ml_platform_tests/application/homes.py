"""Homes that a test fills itself: nothing is started for them; and a version that may be promoted."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.feature_parts import PARTS_FILE, Part, PartList
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.in_memory.outbox import InMemoryOutbox
from ml_platform.adapters.ledger.interface import Ledger
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.training_set_files import rows_path
from ml_platform.application.connections import Connections
from ml_platform.application.promote import promote
from ml_platform.gates.decide import decide
from ml_platform.gates.record import EvaluationRecord
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.models.pattern_classifier import SPEC as PATTERN_CLASSIFIER
from ml_platform.models.rules import CLASSIFICATION_RULES
from ml_platform.registry.permit import CheckEvidence
from ml_platform.registry.records import VersionRecord
from ml_platform.settings import Settings
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.training_set import TrainingSetRecord
from ml_platform.values import fingerprint, to_json
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.registry.examples import DECISION, RECORD, TRAINING_SET

AS_OF = datetime(2026, 5, 2, tzinfo=UTC)
SPEC = replace(PATTERN_CLASSIFIER, name="example", policy=POLICY)
CHECKS = tuple(CheckEvidence(gate.name, True, "m1", "m1") for gate in DECISION.gates)
ROWS = b"rows"
DATA = replace(TRAINING_SET, rows_sha256=hashlib.sha256(ROWS).hexdigest())


def home(folder: Path, ledger: Ledger | None = None, webhook: str | None = None) -> Connections:
    """Connections at a fixed clock."""
    settings = Settings(folder, None, None, webhook)
    write_home(settings, HomeState(SourceChoice("simulate"), AS_OF, AS_OF, settled=True))
    platform = Connections(settings)
    platform.ledger = ledger or InMemoryLedger()
    platform.outbox = InMemoryOutbox()
    return platform


def publish(platform: Connections, name: str, rows: pa.Table) -> None:
    """Publish the feature table ``name`` in one part; ``rows`` are in order of ``occurred_at``."""
    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer)
    content = buffer.getvalue().to_pybytes()
    days = [
        moment.date()
        for moment in (rows["occurred_at"][0].as_py(), rows["occurred_at"][-1].as_py())
    ]
    part = Part(days[0], days[1], rows.num_rows, hashlib.sha256(content).hexdigest())
    folder, manifest = platform.settings.features / name, Manifest(platform.settings.home)
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write_bytes(folder / part.file_name, content)
    manifest.write_text(folder / PARTS_FILE, to_json(PartList((part,))))


def promotable(platform: Connections, content: bytes, **fields: Any) -> VersionRecord:
    """A registered version of rules, `registered`."""
    artifact = Artifact(
        CLASSIFICATION_RULES.name,
        ("a", "b"),
        MappingProxyType({"x": "number"}),
        {"rules.json": content},
    )
    return registered(platform, artifact, **fields)


def registered(platform: Connections, artifact: Artifact, **fields: Any) -> VersionRecord:
    """A registered version with real bytes on disk, all of whose evidence holds; ``fields`` are of its record."""
    write_artifact(artifact, platform.settings.artifacts / artifact.sha256)
    fitted_on = fields.get("training_set_fingerprint", DATA.fingerprint)
    report = replace(
        good_report(), artifact_sha256=artifact.sha256, training_set_fingerprint=fitted_on
    )
    platform.ledger.save_report(report)
    platform.ledger.save_training_set(DATA)
    rows = rows_path(platform.settings.training_sets, DATA)
    Manifest(platform.settings.home).write_bytes(rows, ROWS)
    return platform.ledger.register(
        replace(
            RECORD,
            artifact_sha256=artifact.sha256,
            artifact_path=f"artifacts/{artifact.sha256}",
            report_id=fingerprint(report),
            decision=decide(report, POLICY, good_evidence()),
            **fields,
        )
    )


def evaluation_record_of(platform: Connections, record: VersionRecord) -> EvaluationRecord:
    """What the evaluation would hand on now."""
    state = platform.ledger.production(record.model)
    return EvaluationRecord(
        model=record.model,
        report_id=record.report_id,
        artifact_sha256=record.artifact_sha256,
        rules_sha256="",
        training_set_fingerprint=record.training_set_fingerprint,
        policy_version=record.decision.policy_version,
        decision=record.decision,
        integrity=record.integrity,
        policy=record.policy,
        champion=state.version,
        production_revision=state.revision,
        mlflow_run_id="run",
        dagster_run_id="dagster",
    )


def training_set_of(record: VersionRecord) -> TrainingSetRecord:
    """The training set of every version that `promotable` makes."""
    return replace(DATA, fingerprint=record.training_set_fingerprint)


def ask(
    platform: Connections,
    record: VersionRecord,
    evaluation_record: EvaluationRecord | None = None,
) -> None:
    """Ask for the promotion of ``record``, judged now or as ``evaluation_record`` says, with every check passed."""
    judged = evaluation_record or evaluation_record_of(platform, record)
    promote(platform, SPEC, training_set_of(record), judged, record, CHECKS)
