"""What MLflow is to show of one model, from the ledger alone: versions with tags and texts, and aliases."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.log_evaluation import PAGE
from ml_platform.application.removed import RemovedPieces
from ml_platform.application.state_keys import rules_key
from ml_platform.application.stored_evidence import stored_report
from ml_platform.registry.aliases import Alias, aliases
from ml_platform.registry.answering import answering
from ml_platform.registry.history import History
from ml_platform.registry.records import VersionRecord
from ml_platform.reporting.registry_text import (
    model_text,
    rules_name,
    rules_standing,
    rules_text,
    standing,
    version_text,
)
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.task import Task

CURRENT = "current"
"""The alias of the rules that are in use, in the registered model that holds rules alone."""
FILES_TAG, FILES_FORMAT = "model files", "1"
"""Which form the files of a version have in MLflow; those of another form are written again."""


@dataclass(frozen=True)
class WantedVersion:
    """One version as MLflow is to show it."""

    label: str
    """What follows the model's name: '3', 'rules 0a1b2c3d4e5f'."""
    fingerprint: str
    """By it the version is known in MLflow, whatever number it has there."""
    folder: Path
    """The artifact."""
    sha256: str
    """The identity of the artifact."""
    record: VersionRecord
    """The version; of rules the one with which they were fitted."""
    is_rules: bool
    tags: dict[str, str]
    text: Callable[[str], str]
    """The description, given the run in MLflow that holds the files."""
    made_of: tuple[str, ...]
    """What the description depends on beside that run and its wording."""

    @property
    def name(self) -> str:
        """A name for the version that stays, whatever is done to it in MLflow."""
        return self.fingerprint[:12]


@dataclass(frozen=True)
class WantedModel:
    """One registered model as MLflow is to show it."""

    name: str
    model: str
    """The platform's model that it belongs to."""
    task: Task | None
    """``None`` where the package that brings the model is not installed any more."""
    text: str
    versions: tuple[WantedVersion, ...]
    aliases: dict[str, str]
    """The fingerprint of the version that each alias names."""
    owned_aliases: tuple[str, ...]
    """The aliases that nobody else sets; any other is left as it is."""


def wanted_models(
    platform: Connections, model: str, spec: ModelSpec | None
) -> Iterator[WantedModel]:
    """The registered models of one model: its versions, then the rules that it has to beat, where there are any."""
    ledger = platform.ledger
    records = ledger.versions(model)
    if not records:
        return
    task = spec.task if spec else None
    history = ledger.history(model)
    removed = RemovedPieces(platform)
    versions = tuple(
        _version(platform, record, history)
        for record in records
        if not removed.cannot_be_shown(record)
    )
    numbered = {version.record.version: version.fingerprint for version in versions}
    named = aliases(history)
    yield WantedModel(
        name=model,
        model=model,
        task=task,
        text=model_text(
            history,
            spec.title if spec else model,
            platform.settings.home_option,
        ),
        versions=versions,
        aliases={alias.value: numbered[number] for alias, number in named.items()},
        owned_aliases=tuple(alias.value for alias in Alias),
    )
    rules = ledger.state(rules_key(model))
    if rules is not None:
        version = _rules(platform, history, rules["sha256"], records[-1])
        yield WantedModel(
            name=rules_name(model),
            model=model,
            task=task,
            text=(
                f"{rules_standing(answering(history))} The rules of {model} answer while it has no champion; "
                f"`@{CURRENT}` are the newest."
            ),
            versions=(version,),
            aliases={CURRENT: version.fingerprint},
            owned_aliases=(CURRENT,),
        )


def page_name(record: VersionRecord | None) -> str:
    """The name under which the text of a version's page is kept, or (``None``) that of the model's page."""
    return "model" if record is None else fingerprint_of(record)[:12]


def fingerprint_of(record: VersionRecord) -> str:
    """The fingerprint by which a version is known in MLflow."""
    return values.fingerprint((record.model, record.version, record.artifact_sha256))


def _version(platform: Connections, record: VersionRecord, history: History) -> WantedVersion:
    def text(run_id: str) -> str:
        return version_text(
            record,
            stored_report(platform, record),
            _links(platform, record, run_id),
            history,
            platform.settings.home_option,
        )

    fingerprint = fingerprint_of(record)
    return WantedVersion(
        label=str(record.version),
        fingerprint=fingerprint,
        folder=platform.settings.home / record.artifact_path,
        sha256=record.artifact_sha256,
        record=record,
        is_rules=False,
        tags=_filled(
            {
                "fingerprint": fingerprint,
                "version": str(record.version),
                "verdict": record.decision.verdict.value,
                "decided by": record.decision.row,
                "status": history.life(record.version).status.value,
                "artifact sha256": record.artifact_sha256,
                "training set": record.training_set_fingerprint,
                "dagster run": record.dagster_run_id,
                FILES_TAG: FILES_FORMAT,
            }
        ),
        text=text,
        made_of=(*_made_of(platform, record), standing(history, record.version)),
    )


def _rules(
    platform: Connections, history: History, sha256: str, record: VersionRecord
) -> WantedVersion:
    model, now = history.model, answering(history)

    def text(run_id: str) -> str:
        report = stored_report(platform, record)
        links = _links(platform, record, run_id)
        return rules_text(now, model, sha256, report, links, platform.settings.home_option)

    fingerprint = values.fingerprint((rules_name(model), sha256))
    return WantedVersion(
        label=f"rules {sha256[:12]}",
        fingerprint=fingerprint,
        folder=platform.settings.artifacts / sha256,
        sha256=sha256,
        record=record,
        is_rules=True,
        tags={"fingerprint": fingerprint, "artifact sha256": sha256, FILES_TAG: FILES_FORMAT},
        text=text,
        made_of=(*_made_of(platform, record), rules_standing(now)),
    )


def _filled(tags: dict[str, str]) -> dict[str, str]:
    """Those that have a value: MLflow keeps no empty tag."""
    return {key: value for key, value in tags.items() if value}


def _made_of(platform: Connections, record: VersionRecord) -> tuple[str, ...]:
    return (
        record.report_id,
        record.decision.row,
        platform.dagster_address,
        platform.settings.home_option,
    )


def _links(platform: Connections, record: VersionRecord, run_id: str) -> dict[str, str]:
    """Addresses by title; those of MLflow's own pages hold wherever its server is reached."""
    tracking = platform.tracking
    return {
        "report": _within_mlflow(tracking.artifact_url(run_id, PAGE)),
        "MLflow run": _within_mlflow(tracking.run_url(run_id)),
        "Dagster run": platform.dagster_run_address(record.dagster_run_id),
    }


def _within_mlflow(address: str) -> str:
    """The address of a page of MLflow's as another of its pages links to it."""
    return address[address.index("#") :]
