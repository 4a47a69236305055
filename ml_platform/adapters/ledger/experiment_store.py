"""The experiments of a ledger; a part of `interface.Ledger`."""

from datetime import datetime
from typing import Protocol

from ml_platform.errors import ConflictError
from ml_platform.experiments.definition import Definition, differing, digest
from ml_platform.experiments.lifecycle import DefinedExperiment, ExperimentEvent
from ml_platform.experiments.result import ExperimentResult


class ExperimentStore(Protocol):
    """Definitions, results and events are written once; only retention takes any of them away."""

    def define_experiment(self, definition: Definition, at: datetime) -> DefinedExperiment:
        """Freeze a definition and return the experiment; an equal definition returns the one that is kept.

        Raises:
            ConflictError: another definition has this name, or had it and was pruned.
        """
        ...

    def experiment(self, name: str) -> DefinedExperiment | None:
        """The experiment as it is stored now, or ``None``; run and verify compare its text with its hash."""

    def experiment_names(self) -> tuple[str, ...]:
        """Names of all experiments that are kept, oldest first, also of those that cannot be read."""
        ...

    def save_experiment_result(
        self, name: str, result: ExperimentResult, statistics: bytes
    ) -> bool:
        """Keep the result of a run and log that it is done; return whether it is the first result."""
        ...

    def experiment_result(self, name: str) -> ExperimentResult | None:
        """The result of the run; ``None`` before it is done."""

    def experiment_result_sha256(self, name: str) -> str | None:
        """SHA-256 of the text of the result as it is stored now; ``None`` before it is done."""

    def experiment_statistics(self, name: str) -> bytes | None:
        """The sufficient statistics of both arms; ``None`` before the run is done."""

    def record_experiment_event(self, event: ExperimentEvent) -> None:
        """Append to the log of an experiment."""

    def experiment_events(self, name: str) -> tuple[ExperimentEvent, ...]:
        """The log of an experiment, oldest first; that of a pruned one stays."""
        ...

    def prune_experiment(self, name: str, at: datetime) -> None:
        """Take definition, result and statistics away; the log keeps hash and verdict, the name stays taken."""


def taken(present: DefinedExperiment, wanted: Definition) -> ConflictError:
    """The error for a frozen experiment that somebody wants otherwise."""
    fields = ", ".join(differing(present.definition, wanted))
    return ConflictError(
        f"The experiment {wanted.name} is frozen since {present.defined_at:%Y-%m-%d %H:%M} "
        f"({present.hash[:12]}); this one differs in {fields or 'its stored hash'} ({digest(wanted)[:12]}).",
        remedy="what was frozen is never changed: define a new experiment under another name",
    )


def was_pruned(name: str) -> ConflictError:
    """The error for a name that a pruned experiment had."""
    return ConflictError(
        f"An experiment {name} has been, and was pruned.", remedy="choose another name"
    )
