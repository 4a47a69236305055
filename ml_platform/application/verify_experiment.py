"""A stored experiment is held against what its log says: definition, result, statistics and verdict."""

from ml_platform.application.connections import Connections
from ml_platform.application.stored_experiment import stored_experiment
from ml_platform.errors import IntegrityError
from ml_platform.experiments.lifecycle import DefinedExperiment, Happening, Status
from ml_platform.registry.verify import Finding


def unchanged_experiment(platform: Connections, name: str) -> DefinedExperiment:
    """The definition of an experiment, which is still the one that was frozen.

    Raises:
        IntegrityError: it was changed since.
        UsageError: there is no experiment of this name.
    """
    from ml_platform.experiments.verify import verify_definition

    experiment = stored_experiment(platform, name).experiment
    finding = verify_definition(experiment, _logged(platform, name, Happening.DEFINED, "hash"))
    if not finding.ok:
        raise IntegrityError(
            f"The {finding.subject}: {finding.detail}.",
            remedy="restore the row from a backup, or define a new experiment",
        )
    return experiment


def verify_experiment(platform: Connections, name: str) -> tuple[Finding, ...]:
    """Check that definition, result and statistics are unchanged, and compute the verdict again."""
    from ml_platform.experiments.verify import verify_definition, verify_result

    ledger = platform.ledger
    try:
        stored = stored_experiment(platform, name)
    except IntegrityError as error:
        return (Finding(f"experiment {name}", False, error.message),)
    logged_hash = _logged(platform, name, Happening.DEFINED, "hash")
    definition = verify_definition(stored.experiment, logged_hash)
    if stored.result is None:
        if stored.status is Status.DONE:
            return (definition, Finding(f"experiment {name} result", False, "it is missing"))
        return (definition,)
    result = verify_result(
        stored.experiment,
        stored.result,
        ledger.experiment_result_sha256(name) or "",
        ledger.experiment_statistics(name),
        _logged(platform, name, Happening.DONE, "result"),
    )
    return (definition, *result)


def _logged(platform: Connections, name: str, happening: Happening, key: str) -> str | None:
    """The value of ``key`` that the log recorded with the first event of this kind, or ``None``."""
    events = platform.ledger.experiment_events(name)
    return next((e.detail.get(key) for e in events if e.happening is happening), None)
