"""What the next version of a model changes, and for whom: looked at before it answers anybody."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.application.rollout_policy import people, rollout_policy
from ml_platform.registry.comparison import SchemaChange, schema_changes
from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.registry.rollbacks import RollbackFigures, rollback_command, rollback_figures
from ml_platform.registry.rollout.policy import RampPolicy
from ml_platform.reporting.registry_text import address_in_mlflow

PAST_CHANGES = 5
"""Changes of production and rollouts that the report shows, the newest first."""
_PAST = (Action.PROMOTED, Action.RESTORED, Action.ROLLED_BACK, Action.WITHDRAWN)


@dataclass(frozen=True)
class ChangeImpact:
    """The report on a version before it is rolled out."""

    model: str
    version: int
    verdict: str
    replaces: str
    """What answers now: 'version 3', or 'the rules'; or that this version does."""
    reaches: str
    """How it comes to its users, by the rollout policy of the home."""
    consumers: tuple[str, ...]
    """Whatever reads the answers of the model."""
    schema: tuple[SchemaChange, ...]
    """What it takes and answers otherwise; empty where the rules answer, which take the same features."""
    past: tuple[PromotionEvent, ...]
    figures: RollbackFigures
    rollback_command: str


def change_impact(
    platform: Connections, model: str, version: int | None, consumers: Iterable[str]
) -> ChangeImpact:
    """Report on a version of a model (the newest by default), held against what answers now.

    Args:
        platform: The home.
        model: The model.
        version: Its number.
        consumers: The assets that read what answers, by name.

    Raises:
        UsageError: the model has no version, or none of this number.
    """
    record = find_version(platform, model, version)
    history = platform.ledger.history(model)
    now = history.state.production
    known = find_version(platform, model, now) if now not in (None, record.version) else None
    return ChangeImpact(
        model=model,
        version=record.version,
        verdict=f"{record.decision.verdict.value.upper()}: {record.decision.row}",
        replaces=_replaced(now, record.version),
        reaches=_reaches(rollout_policy(platform), people(platform)),
        consumers=(
            *sorted(consumers),
            *_challengers(model),
            f"{address_in_mlflow(model, now)} in MLflow",
        ),
        schema=schema_changes(known, record) if known else (),
        past=tuple(_past(history))[:PAST_CHANGES],
        figures=rollback_figures(history.events, model),
        rollback_command=rollback_command(model, home_option=platform.settings.home_option),
    )


def _replaced(now: int | None, version: int) -> str:
    if now == version:
        return "nothing, it is in production"
    return "the rules" if now is None else f"version {now}"


def _reaches(policy: RampPolicy, users: int) -> str:
    if policy.is_direct:
        return f"everybody at once (policy {policy.name})"
    shares = ", ".join(
        f"{step.share:.0%}" if step.share else "shadow" for step in policy.applicable(users)
    )
    approval = ", once a person has approved it" if policy.needs_approval else ""
    return f"{shares} of {users:,} users (policy {policy.name}){approval}"


def _challengers(model: str) -> Iterator[str]:
    from ml_platform.adapters.plugins import installed_catalogue

    for spec in installed_catalogue().models:
        if spec.challenges == model:
            yield f"{spec.name}, which is compared with it"


def _past(history: History) -> Iterator[PromotionEvent]:
    return (event for event in reversed(history.events) if event.action in _PAST)
