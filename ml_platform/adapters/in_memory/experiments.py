"""Experiments in memory, for tests and trials: the same conformance suite as PostgreSQL's."""

from datetime import datetime

from ml_platform.adapters.ledger.experiment_store import taken, was_pruned
from ml_platform.adapters.ledger.refusals import parsed
from ml_platform.experiments.definition import Definition, digest
from ml_platform.experiments.lifecycle import DefinedExperiment, ExperimentEvent, Happening
from ml_platform.experiments.result import ExperimentResult
from ml_platform.values import fingerprint, text_sha256, to_json


class InMemoryExperiments:
    """`experiment_store.ExperimentStore` in dictionaries; methods: see there."""

    def __init__(self) -> None:
        self._experiments: dict[str, DefinedExperiment] = {}
        self._results: dict[str, tuple[str, bytes]] = {}
        self._happenings: list[ExperimentEvent] = []

    def define_experiment(self, definition: Definition, at: datetime) -> DefinedExperiment:
        """Freeze a definition."""
        name = definition.name
        if any(event.happening is Happening.PRUNED for event in self.experiment_events(name)):
            raise was_pruned(name)
        if name not in self._experiments:
            made = DefinedExperiment(definition, digest(definition), digest(definition), at)
            self._experiments[name] = made
            detail = {"hash": made.hash}
            self._happenings.append(ExperimentEvent(name, Happening.DEFINED, at, detail))
        present = self._experiments[name]
        if present.definition != definition:
            raise taken(present, definition)
        return present

    def experiment(self, name: str) -> DefinedExperiment | None:
        """The definition of a name."""
        return self._experiments.get(name)

    def experiment_names(self) -> tuple[str, ...]:
        """Of all that are kept, oldest first."""
        found = self._experiments
        return tuple(sorted(found, key=lambda name: (found[name].defined_at, name)))

    def save_experiment_result(
        self, name: str, result: ExperimentResult, statistics: bytes
    ) -> bool:
        """Keep what a run has found, once."""
        if name in self._results:
            return False
        self._results[name] = (to_json(result), statistics)
        detail = {"result": fingerprint(result), "verdict": result.judged.verdict.value}
        event = ExperimentEvent(name, Happening.DONE, result.finished_at, detail)
        self._happenings.append(event)
        return True

    def experiment_result(self, name: str) -> ExperimentResult | None:
        """What the run has found."""
        if name not in self._results:
            return None
        return parsed(ExperimentResult, self._results[name][0], f"experiment {name} result")

    def experiment_result_sha256(self, name: str) -> str | None:
        """SHA-256 of the stored text."""
        return text_sha256(self._results[name][0]) if name in self._results else None

    def experiment_statistics(self, name: str) -> bytes | None:
        """The sufficient statistics."""
        return self._results[name][1] if name in self._results else None

    def record_experiment_event(self, event: ExperimentEvent) -> None:
        """Append to the log."""
        self._happenings.append(event)

    def experiment_events(self, name: str) -> tuple[ExperimentEvent, ...]:
        """The log, oldest first."""
        return tuple(event for event in self._happenings if event.name == name)

    def prune_experiment(self, name: str, at: datetime) -> None:
        """Take all but the log away."""
        found = self._experiments.pop(name, None)
        if found is None:
            return
        result = self.experiment_result(name)
        self._results.pop(name, None)
        verdict = result.judged.verdict.value if result else ""
        detail = {"hash": found.hash, "verdict": verdict}
        self._happenings.append(ExperimentEvent(name, Happening.PRUNED, at, detail))
