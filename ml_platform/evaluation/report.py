"""The evaluation report: a frozen value; verdicts are functions of it and of a policy."""

from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.training_sets.training_set import Split


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; clusters (sessions, commits) were resampled, not rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassRow:
    """One class on the test rows."""

    name: str
    support: int
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    """``None`` where the class, or every other, is absent from the test rows."""
    roc_auc: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of like confidence: what was claimed and what came true."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ReportTable:
    """Figures of one task that are no metrics: shown as they are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]


@dataclass(frozen=True)
class Subject:
    """One scorer (candidate, rules, naive, ceiling, champion, rival) judged on the same test rows.

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
    acts: int
    split: Split
    classes: tuple[str, ...]
    candidate: Subject
    baseline: Subject
    naive: Subject
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
    rival: Subject | None = None
    difference_to_rival: dict[str, Estimate] | None = None
    """Paired on the same rows, candidate minus the other model's latest candidate."""
    rival_note: str = ""
    """Why a rival that the model has could not be compared with."""
    tables: tuple[ReportTable, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """Why a metric cannot be told from these rows."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Why a metric makes no sense for these labels."""
