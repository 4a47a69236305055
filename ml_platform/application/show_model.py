"""Where the versions of a model stand, what is in production since when and why, and how to go back."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.application.status import ModelStatus, model_status
from ml_platform.application.version_history import events_of
from ml_platform.registry.history import History
from ml_platform.registry.records import PromotionEvent, Status
from ml_platform.registry.rollbacks import way_back
from ml_platform.registry.states import Life


@dataclass(frozen=True)
class ShownVersion:
    """One version with what has happened to it."""

    version: int
    status: Status
    approved: bool
    verdict: str
    artifact_sha256: str
    events: tuple[PromotionEvent, ...]


@dataclass(frozen=True)
class ShownModel:
    """A model for a person who has not seen it before."""

    model: str
    state: ModelStatus
    way_back: str
    """What a rollback would do now, in words."""
    commands: tuple[str, ...]
    """What to type for it, in this order; empty where there is nothing to go back from, or to."""
    why_command: str
    """What to type to read why the newest version has its verdict."""
    shown: ShownVersion | None
    """The version that was asked for."""


def show_model(platform: Connections, model: str, version: int | None) -> ShownModel:
    """The state of a model, and of one of its versions if one is named.

    Raises:
        UsageError: no version of the model is registered, or not this one.
    """
    events_of(platform, model)
    history = platform.ledger.history(model)
    back = way_back(history, platform.settings.home_option)
    return ShownModel(
        model=model,
        state=model_status(platform, model),
        way_back=back.words,
        commands=back.commands,
        why_command=f"ml-platform why {model}{platform.settings.home_option}",
        shown=_shown(platform, history, version) if version is not None else None,
    )


def _shown(platform: Connections, history: History, version: int) -> ShownVersion:
    record = find_version(platform, history.model, version)
    life: Life = history.life(version)
    return ShownVersion(
        version=version,
        status=life.status,
        approved=life.approved,
        verdict=f"{record.decision.verdict.value.upper()}: {record.decision.row}",
        artifact_sha256=record.artifact_sha256,
        events=tuple(event for event in history.events if event.version == version),
    )
