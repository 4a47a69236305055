"""The evaluation report: a frozen value; verdicts are functions of it and of a policy."""

from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.report_parts import ClassRow, Estimate, ReliabilityBin, ReportTable
from ml_platform.spec.training_set import Split


@dataclass(frozen=True)
class Subject:
    """One scorer (candidate, rules, dummy, ceiling, champion, challenged) judged on the same test rows.

    ``metrics`` by name: those of the model's task, see the modules of the judges.
    """

    name: str
    version: str
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class EvaluationReport:
    """The candidate on test rows it has never seen, beside its baseline and (simulated) its ceiling."""

    model: str
    source: str
    simulated: bool
    as_of: datetime
    artifact_sha256: str
    training_set_fingerprint: str
    policy_version: str
    seed: int
    rows: int
    clusters: int
    change_sets: int
    split: Split
    classes: tuple[str, ...]
    candidate: Subject
    baseline: Subject
    dummy: Subject
    """The scorer that knows the training labels alone: the majority, the mean, the most popular."""
    ceiling: Subject | None
    champion: Subject | None
    difference_to_baseline: dict[str, Estimate]
    """Paired on the same rows, candidate minus rules, by metric."""
    difference_to_champion: dict[str, Estimate] | None
    folds: tuple[dict[str, float], ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the truth, columns the prediction, in the order of ``classes``."""
    reliability: tuple[ReliabilityBin, ...]
    parity_gap: float
    """Largest absolute difference of a probability between artifact and estimator over all test rows."""
    newest_row_at: datetime
    live: bool
    absent_classes: tuple[str, ...] = ()
    """Classes without a test row: left out of the averages of roc_auc_ovr and average_precision_macro."""
    resamples: int = 1_000
    """Resamples of clusters behind each interval."""
    champion_note: str = ""
    """Why a champion that there is could not be compared with, or what to know of the comparison."""
    headline: tuple[str, ...] = ()
    """Metrics that a summary shows, the first one first of all."""
    challenged: Subject | None = None
    difference_to_challenged: dict[str, Estimate] | None = None
    """Paired on the same rows, candidate minus the other model's latest candidate."""
    challenged_note: str = ""
    """Why a challenged model that the model has could not be compared with."""
    tables: tuple[ReportTable, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """Why a metric cannot be told from these rows."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Why a metric makes no sense for these labels."""
    dimensions: tuple[Dimension, ...] = ()
    """What was examined beside the metrics: fairness, robustness, cost, explanations and others."""
    source_options: tuple[str, ...] = ()
    """What a person typed of the source, as arguments of `ml-platform run`; none of it is secret."""

    def reason(self, metric: str) -> tuple[bool, str]:
        """Why ``metric`` has no figure, and whether it makes no sense at all; empty where nobody said."""
        name, _, measure = metric.partition(".")
        dimension = next((d for d in self.dimensions if measure and d.name == name), None)
        undefined, senseless = self.undefined, self.not_applicable
        if dimension is not None:
            metric, undefined, senseless = measure, dimension.undefined, dimension.not_applicable
        return metric in senseless, senseless.get(metric, undefined.get(metric, ""))

    def figure(self, metric: str) -> Estimate | None:
        """The candidate's metric, or the measure ``<dimension>.<measure>`` of one of the dimensions."""
        name, _, measure = metric.partition(".")
        if not measure:
            return self.candidate.metrics.get(metric)
        found = next((d for d in self.dimensions if d.name == name), None)
        return found.measures.get(measure) if found else None
