"""The evaluation report, a frozen value; verdicts are functions of a report and a policy."""

from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.report_parts import ClassRow, Estimate, ReliabilityBin, ReportTable
from ml_platform.spec.training_set import Split


@dataclass(frozen=True)
class Subject:
    """One scorer (candidate, rules, dummy, ceiling, champion, challenged) evaluated on the same test rows.

    ``metrics`` holds those of the model's task by name; the modules of the evaluators describe them.
    """

    name: str
    version: str
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class EvaluationReport:
    """The evaluation of a candidate on unseen test rows, beside its baselines and, if simulated, its ceiling."""

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
    """The dummy baseline, fitted to the training labels alone: the majority, the mean, the most popular items."""
    ceiling: Subject | None
    champion: Subject | None
    difference_to_baseline: dict[str, Estimate]
    """Candidate minus rules by metric, paired on the same rows."""
    difference_to_dummy: dict[str, Estimate]
    """Candidate minus dummy baseline by metric, paired on the same rows."""
    difference_to_champion: dict[str, Estimate] | None
    folds: tuple[dict[str, float], ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the truth, columns the prediction, in the order of ``classes``."""
    reliability: tuple[ReliabilityBin, ...]
    parity_gap: float
    """The largest absolute difference between artifact and estimator over all numbers of all test rows."""
    newest_row_at: datetime
    live: bool
    absent_classes: tuple[str, ...] = ()
    """Classes without a test row: left out of the averages of roc_auc_ovr and average_precision_macro."""
    resamples: int = 1_000
    """Resamples of clusters behind each interval."""
    champion_note: str = ""
    """Why the existing champion could not be compared with, or in what it differs from the candidate."""
    headline: tuple[str, ...] = ()
    """The metrics that a summary shows, the most important one first."""
    challenged: Subject | None = None
    difference_to_challenged: dict[str, Estimate] | None = None
    """Candidate minus the challenged model's latest candidate by metric, paired on the same rows."""
    challenged_note: str = ""
    """Why the challenged model could not be compared with."""
    tables: tuple[ReportTable, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """By metric, why it cannot be computed from these rows."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """By metric, why it makes no sense for these labels."""
    dimensions: tuple[Dimension, ...] = ()
    """The dimensions beside the metrics: fairness, robustness, cost, explanations and others."""
    above_ceiling: dict[str, Estimate] = field(default_factory=dict)
    """Candidate minus ceiling in the task's optimal metrics, paired, with a 99.9 % interval; empty without a
    ceiling."""
    policy_name: str = "mission"
    """The name of the gate policy: a preset, and whether something was changed in it."""
    policy_note: str = ""
    """The verdict that the policy was changed after; empty where it was set before any."""
    source_options: tuple[str, ...] = ()
    """What a person typed of the source, as arguments of `ml-platform run`; none of it is secret."""

    def reason(self, metric: str) -> tuple[bool, str]:
        """Return whether ``metric`` makes no sense at all, and why it has no figure; empty without a reason."""
        name, _, measure = metric.partition(".")
        dimension = next((d for d in self.dimensions if measure and d.name == name), None)
        undefined, not_applicable = self.undefined, self.not_applicable
        if dimension is not None:
            metric, undefined, not_applicable = (
                measure,
                dimension.undefined,
                dimension.not_applicable,
            )
        return metric in not_applicable, not_applicable.get(metric, undefined.get(metric, ""))

    def figure(self, metric: str) -> Estimate | None:
        """Return the candidate's metric, or a measure ``<dimension>.<measure>``; ``None`` if there is none."""
        name, _, measure = metric.partition(".")
        if not measure:
            return self.candidate.metrics.get(metric)
        dimension = next((d for d in self.dimensions if d.name == name), None)
        return dimension.measures.get(measure) if dimension else None
