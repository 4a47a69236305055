"""What the service has to answer with, read from the ledger."""

from collections.abc import Iterable
from datetime import datetime

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.rules_in_use import rules_of, rules_version
from ml_platform.application.state_keys import lease_key
from ml_platform.registry.records import Status
from ml_platform.registry.rollout.progress import Rollout, current_rollout
from ml_platform.serving.table import ServedModel, ServedRollout, ServedVersion, ServingTable


def read_serving_table(platform: Connections, models: Iterable[str], now: datetime) -> ServingTable:
    """What may answer for each of ``models`` now; one that has neither version nor rules is left out.

    Raises:
        ServiceError: the database does not answer.
    """
    served = {model: _served_model(platform, model) for model in models}
    return ServingTable(
        {name: each for name, each in served.items() if each.champion or each.rules}, now
    )


def _served_model(platform: Connections, model: str) -> ServedModel:
    history = platform.ledger.history(model)
    champion = history.state.production
    sha256 = rules_of(platform, model)
    rules = None
    if sha256:
        folder = (platform.settings.artifacts / sha256).relative_to(platform.settings.home)
        rules = ServedVersion(rules_version(sha256), sha256, folder.as_posix())
    earlier = history.earlier_champions()
    return ServedModel(
        name=model,
        champion=_served_version(platform, model, champion) if champion else None,
        rules=rules,
        rollout=_served_rollout(platform, current_rollout(history)),
        revision=history.state.revision,
        before=_served_version(platform, model, earlier[0].version) if earlier else None,
    )


def _served_version(platform: Connections, model: str, version: int) -> ServedVersion:
    record = platform.ledger.version(model, version)
    return ServedVersion(
        str(version),
        record.artifact_sha256,
        record.artifact_path,
        data_version=record.training_set_fingerprint,
        feature_version=values.fingerprint(sorted(record.feature_versions.items())),
    )


def _served_rollout(platform: Connections, rollout: Rollout | None) -> ServedRollout | None:
    """The rollout as users see it; ``None`` if none is on, or a person has halted it."""
    if rollout is None or rollout.life.status is Status.HELD:
        return None
    version = _served_version(platform, rollout.model, rollout.version)
    stored = platform.ledger.state(lease_key(rollout.model)) or {}
    of_this_step = (stored.get("version"), stored.get("step")) == (
        rollout.version,
        rollout.life.step,
    )
    return ServedRollout(
        version,
        share=rollout.step.share,
        left_behind=rollout.policy.left_behind,
        until=datetime.fromisoformat(stored["until"]) if of_this_step else None,
    )
