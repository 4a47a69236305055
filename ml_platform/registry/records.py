"""What the ledger keeps of versions, production state and promotion events: frozen values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ml_platform.gates.outcome import Decision, Verdict


class Status(StrEnum):
    """Where a registered version stands in its life."""

    STAGED = "staged"
    CANARY = "canary"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"


@dataclass(frozen=True)
class VersionRecord:
    """One registered version: immutable but for its status, which follows from the events."""

    model: str
    version: int
    artifact_sha256: str
    artifact_path: str
    """Relative to the home folder."""
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
    """The clock of the run (its as-of), not the wall clock."""
    experiment: str = ""
    """Name of the MLflow experiment that holds the run."""
    input_schema: dict[str, str] = field(default_factory=dict)
    """Feature name to kind ('number', 'category', 'tokens'): what the artifact takes."""
    classes: tuple[str, ...] = ()
    """What it answers, in the order of its probabilities."""
    policy: str = ""
    """The gate policy as canonical JSON; its fingerprint is the decision's policy version."""
    integrity: str = ""
    """The integrity evidence of the decision as canonical JSON: with report and policy it is replayed."""


@dataclass(frozen=True)
class ProductionState:
    """Which version is in production; ``revision`` grows by one with each change (compare-and-swap)."""

    model: str
    version: int | None
    revision: int


class Action(StrEnum):
    """What an event of the ledger says happened."""

    REGISTERED = "registered"
    PROMOTED = "promoted"
    ARCHIVED = "archived"
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
    actor: str
    evidence: dict[str, str]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class RetrainingRequest:
    """What monitoring asked for; ``key`` (model, version, window, cause) makes it happen once."""

    key: str
    model: str
    version: str
    action: str
    cause: str
    window_end: datetime
    requested_at: datetime
