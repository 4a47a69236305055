"""The context of robustness probes: the sample, and the candidate's skill on changed rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.robustness.columns import Column, Known
from ml_platform.evaluation.dimensions.robustness.sample import Sample
from ml_platform.evaluation.dimensions.robustness.skill import (
    SampleMetrics,
    nothing_kept,
    replicated,
    retained,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.registry import adapter_of

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.registry import EvaluationContext


@dataclass(frozen=True)
class Probe:
    """The metrics and the skill of the candidate on changed rows."""

    name: str
    values: Array | None
    """``None`` where the candidate failed to return predictions."""
    metrics: dict[str, Replicates]
    kept: Replicates
    """The share of its skill, by the primary metric, that is left."""
    error: str = ""


@dataclass(frozen=True)
class Context:
    """The state from which every group of probes starts."""

    subject: "EvaluationContext"
    columns: tuple[Column, ...]
    known: Known
    sample: Sample
    unchanged: SampleMetrics
    """The metrics on the unchanged rows of the sample."""
    metric: str
    """The primary metric."""

    @property
    def label(self) -> str:
        """The name of the metric as it is written in a sentence."""
        return self.metric.replace("_", " ")

    @property
    def reference(self) -> Replicates:
        """The primary metric on unchanged rows."""
        return self.unchanged.candidate[self.metric]

    def values(self, rows: "pd.DataFrame") -> tuple[Array | None, str]:
        """Return the candidate's predictions, or why they are invalid."""
        subject = self.subject
        classes = subject.training_set.record.classes
        adapter = adapter_of(subject.spec.task)
        try:
            with np.errstate(all="ignore"):
                return adapter.predictions("candidate", subject.candidate, rows, classes).values, ""
        except Exception as error:  # An error is the finding: rows like these stop the service.
            return None, f"{type(error).__name__}: {error}"[:200]

    def probe(self, name: str, rows: "pd.DataFrame") -> Probe:
        """Metrics and retained skill on ``rows``, the sample's own in their order, changed."""
        values, error = self.values(rows)
        if values is None:
            return Probe(name, None, {}, nothing_kept(self.reference), error)
        sums = self.sample.evaluator.sufficient_statistics(self.sample.with_values(values))
        metrics = replicated(sums, seed=self.subject.seed, resamples=self.subject.resamples)
        if self.metric not in metrics:
            return Probe(name, values, metrics, nothing_kept(self.reference))
        kept = retained(metrics[self.metric], self.reference, self.unchanged.dummy[self.metric])
        return Probe(name, values, metrics, kept)

    def figure(self, probe: Probe) -> Estimate | None:
        """The primary metric on the changed rows."""
        figure = probe.metrics.get(self.metric)
        return with_interval(figure) if figure else None

    def falls(self, probe: Probe) -> str:
        """'accuracy falls from .91 to .62 (41 % of its skill is left)', in words for any outcome."""
        figure = self.figure(probe)
        if probe.error:
            return f"the candidate returns no prediction ({probe.error})"
        if figure is None:
            return f"{self.label} is not defined any more"
        moved = "falls" if figure.value < self.reference.value else "goes"
        return (
            f"{self.label} {moved} from {self.reference.value:.2f} to {figure.value:.2f} "
            f"({probe.kept.value:.0%} of its skill is left)"
        )

    def table(self, title: str, probes: Sequence[Probe]) -> ReportTable:
        """Tabulate the probes with paired differences, a row each; the unchanged rows come first."""
        rows: list[tuple[str | float | int | None, ...]] = []
        plain = with_interval(self.reference)
        rows.append(("as they are", *plain.rounded(), 0.0, 0.0, 0.0, 1.0))
        for probe in probes:
            figure = self.figure(probe)
            if figure is None:
                rows.append((probe.name, *[None] * 6, round(probe.kept.value, 4)))
                continue
            difference = with_interval(probe.metrics[self.metric].minus(self.reference))
            kept = round(probe.kept.value, 4)
            rows.append((probe.name, *figure.rounded(), *difference.rounded(), kept))
        columns = (
            "rows",
            self.label,
            "low",
            "high",
            "difference",
            "difference low",
            "difference high",
            "skill retained",
        )
        return ReportTable(title, columns, tuple(rows))
