"""A registered version as people name it: a model and perhaps a number."""

from ml_platform.application.connections import Connections
from ml_platform.application.stopped_candidate import stopped_candidate
from ml_platform.errors import UsageError
from ml_platform.registry.records import VersionRecord


def find_version(platform: Connections, model: str, number: int | None) -> VersionRecord:
    """The version ``number`` of a model, by default the newest.

    Raises:
        UsageError: the model has no version, or none of this number.
    """
    ledger = platform.ledger
    numbers = ledger.version_numbers(model)
    if not numbers and stopped_candidate(platform, model):
        raise UsageError(
            f"No version of {model!r} is registered: an integrity gate has stopped its last candidate.",
            remedy=f"`ml-platform why {model}` tells which gate, and what would change it",
        )
    if not numbers:
        known = ", ".join(ledger.models()) or "none"
        raise UsageError(
            f"No version of {model!r} is registered (models with one: {known}).",
            remedy="name one of them, or `ml-platform run` first",
        )
    if number is not None and number not in numbers:
        raise UsageError(
            f"{model} has no version {number}; it has {', '.join(map(str, numbers))}.",
            remedy="name one of them",
        )
    return ledger.version(model, max(numbers) if number is None else number)
