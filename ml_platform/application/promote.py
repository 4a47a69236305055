"""A promotion as it happens: evidence gathered anew, a permit, one transaction, MLflow after it."""

import hashlib
from pathlib import Path

from ml_platform.application.connections import Connections
from ml_platform.errors import IntegrityError, PermitRefused
from ml_platform.gates.outcome import Decision
from ml_platform.gates.policy import gate_names, policy_version
from ml_platform.gates.record import Judgement
from ml_platform.registry.permit import CheckEvidence, Evidence, grant, reasons_against
from ml_platform.registry.records import ProductionState, VersionRecord
from ml_platform.registry.replay import replayed
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

ACTOR = "champion asset"


def promote(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    judgement: Judgement,
    version: VersionRecord,
    checks: tuple[CheckEvidence, ...],
) -> None:
    """Make ``version`` the champion if its evidence still holds; a refusal is recorded and raised.

    Raises:
        PermitRefused: with every reason.
        ConflictError: another promotion was faster; nothing was changed.
    """
    ledger, as_of = platform.ledger, platform.home.as_of
    evidence = _evidence(platform, spec, judgement, version, checks)
    reasons = (
        *_of_another_candidate(judgement, version, training_set),
        *reasons_against(evidence),
    )
    if reasons:
        ledger.record_refusal(spec.name, version.version, reasons=reasons, at=as_of, actor=ACTOR)
        raise PermitRefused(
            reasons,
            remedy=f"materialise {spec.name}/training_set and what follows it again, "
            f"or see `ml-platform why {spec.name} {version.version}`",
        )
    ledger.promote(
        spec.name,
        version.version,
        expected_revision=judgement.production_revision,
        permit=grant(evidence),
        at=as_of,
        actor=ACTOR,
    )


def _of_another_candidate(
    judgement: Judgement, version: VersionRecord, training_set: TrainingSetRecord
) -> tuple[str, ...]:
    """Reasons where the latest evaluation, training set and registered version do not belong together."""
    pairs = {
        "evaluation judged artifact": (judgement.artifact_sha256, version.artifact_sha256),
        "evaluation is of training set": (
            judgement.training_set_fingerprint,
            version.training_set_fingerprint,
        ),
        "latest training set is": (training_set.fingerprint, version.training_set_fingerprint),
    }
    return tuple(
        f"the latest {what} {found[:12]}, version {version.version} has {own[:12]}"
        for what, (found, own) in pairs.items()
        if found != own
    )


def _evidence(
    platform: Connections,
    spec: ModelSpec,
    judgement: Judgement,
    version: VersionRecord,
    checks: tuple[CheckEvidence, ...],
) -> Evidence:
    from ml_platform.application.verify import rows_sha256_now, stored_report, stored_training_set

    report = stored_report(platform, version)
    training_set = stored_training_set(platform, version)
    again = replayed(version, report) if report else None
    return Evidence(
        record=version,
        report=report,
        report_sha256=platform.ledger.report_sha256(version.report_id),
        training_set=training_set,
        artifact_sha256=artifact_sha256_now(
            platform.settings.home / version.artifact_path, version.artifact_sha256
        ),
        rows_sha256=rows_sha256_now(platform, training_set),
        policy_version=policy_version(spec.policy),
        recomputed=again if isinstance(again, Decision) else None,
        checks=checks,
        required_checks=gate_names(spec.policy),
        judged_against=ProductionState(
            spec.name, judgement.champion, judgement.production_revision
        ),
        production=platform.ledger.production(spec.name),
    )


def artifact_sha256_now(folder: Path, expected: str) -> str | None:
    """Identity of the artifact's bytes as they lie there; ``None`` if the folder is gone."""
    from ml_platform.adapters.artifact_files import read_artifact

    if not folder.is_dir():
        return None
    try:
        return read_artifact(folder, expected).sha256
    except IntegrityError:
        digest = hashlib.sha256()
        for file in sorted(folder.iterdir()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()
