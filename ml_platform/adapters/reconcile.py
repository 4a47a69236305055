"""MLflow's aliases and tags made to say what the ledger says; the ledger is never changed."""

from ml_platform.adapters.ledger.interface import Ledger
from ml_platform.adapters.tracking import CHAMPION, RegisteredVersion, Tracking
from ml_platform.registry.lifecycle import statuses
from ml_platform.registry.records import VersionRecord


def reconcile(ledger: Ledger, tracking: Tracking, *, model: str | None = None) -> tuple[str, ...]:
    """Repair the projection of every model, or of one; returns each repair in words (none: it was right).

    The alias ``champion`` follows production, the tag ``status`` the events, ``verdict`` and ``decided by`` the
    newest evaluation. A version that MLflow has lost cannot be made here, since that takes its files: it is
    named instead. Of two processes that set the same new tag at the same time, MLflow refuses one: steps that run
    side by side repair a model of their own each.
    """
    repairs: list[str] = []
    for name in ledger.models():
        if model in (None, name):
            shown = {version.number: version for version in tracking.registered(name)}
            repairs += _repair_tags(ledger, tracking, name, shown)
            repairs += _repair_alias(ledger, tracking, name, shown)
    return tuple(repairs)


def _repair_tags(
    ledger: Ledger, tracking: Tracking, model: str, shown: dict[str, RegisteredVersion]
) -> list[str]:
    repairs = []
    status = statuses(ledger.events(model), model)
    for record in ledger.versions(model):
        version = shown.get(record.mlflow_version)
        if version is None:
            repairs.append(_lost(record))
            continue
        wanted = {
            "verdict": record.decision.verdict.value,
            "decided by": record.decision.row,
            "status": status[record.version].value,
        }
        wrong = {key: value for key, value in wanted.items() if version.tags.get(key) != value}
        if wrong:
            tracking.tag_version(model, version.number, wrong)
            changes = ", ".join(f"{key} {value}" for key, value in wrong.items())
            repairs.append(f"{model} {record.version}: {changes}")
    return repairs


def _repair_alias(
    ledger: Ledger, tracking: Tracking, model: str, shown: dict[str, RegisteredVersion]
) -> list[str]:
    production = ledger.production(model).version
    has = next((number for number, v in shown.items() if CHAMPION in v.aliases), None)
    if production is None:
        if has is None:
            return []
        tracking.remove_alias(model, CHAMPION)
        return [f"{model}: alias {CHAMPION} removed from MLflow's version {has}"]
    number = ledger.version(model, production).mlflow_version
    if number == has or number not in shown:
        return []
    tracking.set_alias(model, CHAMPION, number)
    return [f"{model}: alias {CHAMPION} on MLflow's version {number} (version {production})"]


def _lost(record: VersionRecord) -> str:
    where = f"version {record.mlflow_version}" if record.mlflow_version else "no version yet"
    return (
        f"{record.model} {record.version} is not in MLflow ({where}): "
        f"materialise {record.model}/registered_version"
    )
