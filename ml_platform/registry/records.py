"""The frozen values that the ledger keeps: versions, production state, events, policies, trainings asked for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ml_platform.gates.outcome import Decision, Verdict


class Status(StrEnum):
    """The status of a registered version (`registry.states` says how it comes and goes)."""

    STAGED = "staged"
    SHADOW = "shadow"
    """It answers beside the version in production, and nobody sees its answers."""
    CANARY = "canary"
    """It answers for a share of the users."""
    PRODUCTION = "production"
    ARCHIVED = "archived"
    """Another version took its place."""
    DEPRECATED = "deprecated"
    """Its last verdict is REJECT."""
    HELD = "held"
    """Rolled back, or held by a person; nothing happens to it until a person lifts that."""


@dataclass(frozen=True)
class VersionRecord:
    """One registered version as one of its evaluations found it; neither changes, its status follows from events.

    Evaluations of a version share model, number, artifact and training set; each has its own report, policy,
    decision, runs and time.
    """

    model: str
    version: int
    artifact_sha256: str
    artifact_path: str
    """Folder of the artifact, relative to the home."""
    size_bytes: int
    framework: str
    parent: int | None
    """The champion when this version was registered."""
    training_set_fingerprint: str
    feature_versions: dict[str, str]
    parameters: dict[str, str | int | float | bool]
    report_id: str
    """Fingerprint of the evaluation report, which the ledger holds."""
    decision: Decision
    mlflow_run_id: str
    mlflow_version: str
    dagster_run_id: str
    code_version: str
    dependencies: dict[str, str]
    registered_at: datetime
    """The clock (its as-of, not the wall clock) of the run that made this evaluation."""
    experiment: str = ""
    """Name of the MLflow experiment that holds the run."""
    input_schema: dict[str, str] = field(default_factory=dict)
    """Feature name to kind ('number', 'category', 'tokens'): what the artifact takes."""
    classes: tuple[str, ...] = ()
    """The classes (or the name of the one number) that it predicts, in the order of its scores."""
    policy: str = ""
    """The gate policy as canonical JSON; its fingerprint is the decision's policy version."""
    integrity: str = ""
    """The integrity evidence of the decision as canonical JSON: with report and policy it is replayed."""
    evaluation: int = 1
    """The number of the evaluation, from 1; a permit names the report of the newest one."""

    def same_model_as(self, other: "VersionRecord") -> bool:
        """Whether both are of one artifact fitted on one training set, and so of one version."""
        return (self.model, self.artifact_sha256, self.training_set_fingerprint) == (
            other.model,
            other.artifact_sha256,
            other.training_set_fingerprint,
        )


@dataclass(frozen=True)
class ProductionState:
    """Which version is in production; ``revision`` grows by one with each change (compare-and-swap)."""

    model: str
    version: int | None
    revision: int


class Action(StrEnum):
    """The kinds of event in the chain."""

    REGISTERED = "registered"
    EVALUATED = "evaluated"
    APPROVED = "approved"
    SHADOWED = "shadowed"
    """A rollout begins, with its permit and its policy."""
    RAMPED = "ramped"
    """The rollout goes on to a step in which users see the version."""
    PROMOTED = "promoted"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"
    """A rollout is given up for a newer candidate."""
    ROLLED_BACK = "rolled_back"
    """Production or a rollout is left."""
    RESTORED = "restored"
    """An earlier champion takes the place of one that was rolled back."""
    HELD = "held"
    RESUMED = "resumed"
    REFUSED = "refused"


@dataclass(frozen=True)
class PromotionEvent:
    """One link of the chain: its hash covers its content and the hash before it."""

    sequence: int
    model: str
    version: int
    action: Action
    verdict: Verdict
    at: datetime
    """The clock of the data: the home's, up to which it has events."""
    actor: str
    evidence: dict[str, str]
    previous_hash: str
    hash: str
    recorded_at: datetime | None = None
    """The clock on the wall; ``None`` of events from before format 4."""

    @property
    def wall(self) -> datetime:
        """The clock on the wall; of an event from before format 4 the clock of the data stands in for it."""
        return self.recorded_at or self.at


@dataclass(frozen=True)
class RetrainingRequest:
    """A training that was asked for; its ``key`` (model, version, window, cause) is used once only."""

    key: str
    model: str
    version: str
    action: str
    cause: str
    window_end: datetime
    requested_at: datetime


@dataclass(frozen=True)
class PolicyRevision:
    """The gate policy of a home from one moment on: a preset and what was changed in it."""

    revision: int
    """1 for the first; each later one is a change."""
    at: datetime
    """The clock of the home, not the wall clock."""
    name: str
    """The preset, and where it comes from a file with changes, that it was changed."""
    text: str
    """The file, or a line that names the preset."""
    versions: dict[str, str]
    """The policy version of each model under it."""
    followed: dict[str, str]
    """By model whose policy this revision changed: the verdict on its newest version, where it was not PROMOTE."""
