"""MLflow made to show what the ledger says, whatever was done to it by hand; the ledger is never changed."""

import math
import time
from datetime import UTC, datetime

from ml_platform.application.connections import Connections
from ml_platform.application.mirrored import page_name, wanted_models
from ml_platform.application.notify import tell
from ml_platform.application.projection import Projection, Repair
from ml_platform.application.state_keys import found_key, notes_key
from ml_platform.errors import UsageError
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.reporting.messages import message_of_alert
from ml_platform.spec.model import ModelSpec


def mirror(
    platform: Connections,
    model: str | None = None,
    *,
    spec: ModelSpec | None = None,
    thorough: bool = False,
    seconds: float = math.inf,
) -> tuple[Repair, ...]:
    """Put right what MLflow shows of every model, or of one, and return each repair (none: it was right).

    Args:
        platform: The home.
        model: The model to look at; by default all.
        spec: Its declaration, where the caller has it.
        thorough: Look at the files of every version; by default at those of versions that an alias names.
        seconds: No further model is looked at after them.

    Raises:
        ServiceError: MLflow does not answer.
    """
    from ml_platform.adapters.home_files import locked

    until = time.monotonic() + seconds
    repairs: list[Repair] = []
    with locked(platform.settings.home, "mirror"):
        registry = platform.tracking.registry()
        for name in platform.ledger.models() if model is None else (model,):
            if time.monotonic() > until:
                break
            found: list[Repair] = []
            for wanted in wanted_models(platform, name, spec or _installed(name)):
                found += Projection(platform, wanted, thorough).repaired(registry)
            _alert(platform, name, found)
            repairs += found
    return tuple(repairs)


def adopt(platform: Connections, model: str, version: int | None) -> str:
    """Keep the text that people had last put on the page of a model, or of a version; returns it.

    From now on it stands below what the platform says there.

    Raises:
        UsageError: no such text has been found.
    """
    found = platform.ledger.state(found_key(model)) or {}
    name = page_name(None if version is None else platform.ledger.version(model, version))
    if name not in found:
        page = f"{model} {version}" if version is not None else model
        raise UsageError(
            f"No text of a person has been found on the page of {page} in MLflow.",
            remedy="write it there, and run `ml-platform mirror` before this",
        )
    notes = platform.ledger.state(notes_key(model)) or {}
    platform.ledger.set_state(notes_key(model), {**notes, name: found[name]})
    return str(found[name])


def drop(platform: Connections, model: str, version: int | None) -> str:
    """Let the text that was adopted go from the page of a model, or of a version; returns it.

    The next look at MLflow writes the platform's own again; the text may be adopted once more.

    Raises:
        UsageError: none was adopted there.
    """
    notes = dict(platform.ledger.state(notes_key(model)) or {})
    name = page_name(None if version is None else platform.ledger.version(model, version))
    if name not in notes:
        page = f"{model} {version}" if version is not None else model
        raise UsageError(
            f"No text of a person stands on the page of {page} in MLflow for good.",
            remedy="leave --version out for the model's page, or name it for a version's",
        )
    text = notes.pop(name)
    platform.ledger.set_state(notes_key(model), notes)
    return str(text)


def _alert(platform: Connections, model: str, repairs: list[Repair]) -> None:
    """Record and send what was changed by hand, as one alert."""
    causes = tuple(repair.words for repair in repairs if repair.by_hand)
    if causes:
        now = datetime.now(UTC)
        alert = Alert(
            alert_id=f"{model}:mlflow:{now.isoformat()}",
            model=model,
            level=AlertLevel.WARNING,
            title=f"{model}: MLflow was changed by hand, and put right",
            causes=causes,
            at=now,
        )
        platform.ledger.save_alert(alert)
        tell(platform, message_of_alert(alert))


def _installed(model: str) -> ModelSpec | None:
    """The declaration of a model; ``None`` where the package that brings it is not installed any more."""
    from ml_platform.adapters.plugins import spec_named

    try:
        return spec_named(model)
    except UsageError:
        return None
