"""What a version in shadow would have said beside what users were given, from the log of answers."""

from datetime import datetime, timedelta

from ml_platform.application.connections import Connections
from ml_platform.application.version_history import events_of
from ml_platform.errors import UsageError
from ml_platform.registry.rollout.progress import current_rollout
from ml_platform.serving.shadow_differences import ShadowDifferences, shadow_differences

DAYS, MOST_DAYS = 7, 90
"""How many days are looked back on, by default and at most."""


def shadow_report(
    platform: Connections, model: str, now: datetime, *, days: int = DAYS
) -> ShadowDifferences:
    """The differences of the version that is being rolled out, or else of the last one that was in shadow.

    Args:
        platform: The home.
        model: Its name.
        now: The clock on the wall.
        days: From 1 to `MOST_DAYS`; answers from before are not read.

    Raises:
        UsageError: nothing has happened to the model, or no version of it has answered in shadow in these days.
        ServiceError: the database does not answer, or takes too long.
    """
    events_of(platform, model)
    since = now - timedelta(days=days)
    rollout = current_rollout(platform.ledger.history(model))
    versions = [str(rollout.version)] if rollout else []
    newest = platform.shadow_log.newest_version(model, since)
    if newest is not None and newest not in versions:
        versions.append(newest)
    for version in versions:
        report = differences_of(platform, model, version, since)
        if report is not None:
            return report
    raise UsageError(
        f"No version of {model} has answered in shadow in the last {days} days.",
        remedy="look further back, or see `ml-platform policy rollout`, by which versions begin in shadow",
    )


def differences_of(
    platform: Connections, model: str, version: str, since: datetime
) -> ShadowDifferences | None:
    """The differences of one version since a moment; ``None`` where it has no pair.

    Raises:
        ServiceError: the database does not answer, or takes too long.
    """
    logged = platform.shadow_log.pairs(model, version, since)
    return shadow_differences(logged) if logged else None
