"""Experiments in memory, for tests: it passes the same conformance suite as PostgreSQL's."""

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
            definition_hash = digest(definition)
            self._experiments[name] = DefinedExperiment(
                definition, definition_hash, definition_hash, at
            )
            detail = {"hash": definition_hash}
            self._happenings.append(ExperimentEvent(name, Happening.DEFINED, at, detail))
        present = self._experiments[name]
        if present.definition != definition:
            raise taken(present, definition)
        return present

    def experiment(self, name: str) -> DefinedExperiment | None:
        """The experiment ``name``, or ``None``."""
        return self._experiments.get(name)

    def experiment_names(self) -> tuple[str, ...]:
        """Names of all experiments that are kept, oldest first."""
        kept = self._experiments
        return tuple(sorted(kept, key=lambda name: (kept[name].defined_at, name)))

    def save_experiment_result(
        self, name: str, result: ExperimentResult, statistics: bytes
    ) -> bool:
        """Keep the result of a run and its statistics, once."""
        if name in self._results:
            return False
        self._results[name] = (to_json(result), statistics)
        detail = {"result": fingerprint(result), "verdict": result.conclusion.verdict.value}
        event = ExperimentEvent(name, Happening.DONE, result.finished_at, detail)
        self._happenings.append(event)
        return True

    def experiment_result(self, name: str) -> ExperimentResult | None:
        """The result of the run, or ``None``."""
        if name not in self._results:
            return None
        return parsed(ExperimentResult, self._results[name][0], f"experiment {name} result")

    def experiment_result_sha256(self, name: str) -> str | None:
        """SHA-256 of the stored text of the result, or ``None``."""
        return text_sha256(self._results[name][0]) if name in self._results else None

    def experiment_statistics(self, name: str) -> bytes | None:
        """The sufficient statistics of both arms, or ``None``."""
        return self._results[name][1] if name in self._results else None

    def record_experiment_event(self, event: ExperimentEvent) -> None:
        """Append an event to the log of an experiment."""
        self._happenings.append(event)

    def experiment_events(self, name: str) -> tuple[ExperimentEvent, ...]:
        """The log of an experiment, oldest first."""
        return tuple(event for event in self._happenings if event.name == name)

    def prune_experiment(self, name: str, at: datetime) -> None:
        """Remove definition, result and statistics; the log stays."""
        experiment = self._experiments.pop(name, None)
        if experiment is None:
            return
        result = self.experiment_result(name)
        self._results.pop(name, None)
        verdict = result.conclusion.verdict.value if result else ""
        detail = {"hash": experiment.hash, "verdict": verdict}
        self._happenings.append(ExperimentEvent(name, Happening.PRUNED, at, detail))
