"""The ledger. It is declared beside its adapters since it keeps values of stages above the registry.

Asking for a version that is not there raises `UsageError`; other things that are not there
are ``None``. A stored body that cannot be read any more raises `IntegrityError` with its row.
Writing the same again changes nothing. Frames are pandas; times are aware.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from ml_platform.adapters.ledger.experiment_store import ExperimentStore
from ml_platform.adapters.ledger.inbox_store import InboxStore
from ml_platform.adapters.ledger.incident_store import IncidentStore
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.monitoring.alerts import Alert
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.history import History
from ml_platform.registry.lifecycle import Clock
from ml_platform.registry.permit import Permit
from ml_platform.registry.records import (
    PolicyRevision,
    ProductionState,
    PromotionEvent,
    RetrainingRequest,
    VersionRecord,
)
from ml_platform.registry.verify import SealedAnswers, StoredRows
from ml_platform.retention.forgotten import ForgottenPerson, Redaction
from ml_platform.retention.plan import Removal, Removed
from ml_platform.retention.reachable import LegalHold
from ml_platform.serving.keys import ApiKey, Rotation
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd


Change = Callable[[History], Sequence[EventDraft]]
"""A change of a model: the events that it adds to the history, which it is given as it is at that moment."""


class Ledger(ExperimentStore, InboxStore, IncidentStore, Protocol):
    """Holds what must never be lost or doubled; two implementations pass one conformance suite."""

    def state(self, key: str) -> dict[str, Any] | None:
        """The value that the home keeps under a key, such as its tuned parameters; ``None`` if there is none."""

    def set_state(self, key: str, value: dict[str, Any]) -> None:
        """Keep a JSON object under a key."""

    def save_report(self, report: EvaluationReport) -> str:
        """Keep an evaluation report and return its id, the SHA-256 of its text."""
        ...

    def report(self, report_id: str) -> EvaluationReport | None:
        """The report of an id, as it stands: permit and verify compare `report_sha256` with the id."""

    def report_text(self, report_id: str) -> str | None:
        """The text of a report as it is stored."""
        ...

    def report_sha256(self, report_id: str) -> str | None:
        """SHA-256 of the text that is stored under an id: the id itself, unless somebody changed the text."""

    def save_training_set(self, record: TrainingSetRecord) -> None:
        """Keep the record of a training set."""

    def training_set(self, model: str, fingerprint: str) -> TrainingSetRecord | None:
        """The record of a training set."""

    def register(self, record: VersionRecord) -> VersionRecord:
        """Register a version (``record.version`` is ignored) and append that to the chain.

        The same model, artifact and training set give the version that exists: with a further evaluation where
        policy, verdict or the outcome of a gate differ from those of its newest one, else as it is.

        Raises:
            IntegrityError: the record is not complete (`registry.validate`); nothing is registered.
        """
        ...

    def number_after(self, model: str, version: int) -> None:
        """Give the next version of a model a number above ``version``: those up to it were given before."""

    def set_mlflow_version(self, model: str, version: int, mlflow_version: str) -> None:
        """Keep the number that MLflow gives a version after its registration."""

    def version(self, model: str, version: int) -> VersionRecord:
        """One registered version with its newest evaluation."""
        ...

    def evaluations(self, model: str, version: int) -> tuple[VersionRecord, ...]:
        """The version as each of its evaluations found it, oldest first."""
        ...

    def versions(self, model: str) -> tuple[VersionRecord, ...]:
        """All registered versions of a model with their newest evaluations, oldest version first."""
        ...

    def version_numbers(self, model: str) -> tuple[int, ...]:
        """Numbers of all registered versions, oldest first, also of those that cannot be read."""
        ...

    def models(self) -> tuple[str, ...]:
        """Models with a registered version, by name."""
        ...

    def production(self, model: str) -> ProductionState:
        """The state of production; at first revision 0 and no version."""
        ...

    def promote(
        self,
        model: str,
        version: int,
        *,
        expected_revision: int,
        permit: Permit,
        at: datetime,
        actor: str,
    ) -> tuple[PromotionEvent, ...]:
        """Archive the old champion and promote the new one, in one transaction.

        The version that is in production already: nothing happens and no event is returned.

        Raises:
            ConflictError: the revision is no longer the expected one: somebody was faster.
            PermitRefused: the permit is of another version, other bytes or another evaluation than the newest
                one of the version, or the verdict is not PROMOTE.
            UsageError: the version is held, or another one is being rolled out (`registry.states`).
        """
        ...

    def change(self, model: str, drafts: Change) -> tuple[PromotionEvent, ...]:
        """Append what a change makes of a model's history, and set production to what follows: one transaction.

        Nobody else changes anything between the reading of the history and the end.

        Raises:
            UsageError: an event is not legal in the state of its version (`registry.states`); nothing is changed.
            PlatformError: whatever the change itself has against it; nothing is changed.
        """
        ...

    def history(self, model: str) -> History:
        """The events of a model, and the state that they lead to."""
        ...

    def record_refusal(
        self, model: str, version: int, *, reasons: tuple[str, ...], at: datetime, actor: str
    ) -> PromotionEvent:
        """Append to the chain that a promotion was refused, with the reasons."""
        ...

    def events(self, model: str | None = None) -> tuple[PromotionEvent, ...]:
        """The chain in its order; of one model, or all (only all of it can be verified)."""
        ...

    def stored_events(self) -> tuple[str, ...]:
        """The JSON text of every event of the chain, in its order: what `chain.breaks` looks at."""
        ...

    def production_at(self, model: str, moment: datetime, clock: Clock = Clock.DATA) -> int | None:
        """The version that was in production at a moment of a clock, or ``None``."""
        ...

    def save_baseline(self, model: str, version: str, json: str) -> None:
        """Keep the monitoring baseline of a version (or of ``rules@<hash>``)."""

    def baseline(self, model: str, version: str) -> str | None:
        """The monitoring baseline of a version, as it was kept."""

    def log_predictions(self, frame: "pd.DataFrame") -> int:
        """Append predictions (columns: `prediction_log.record`); returns how many were new."""
        ...

    def log_outcomes(self, frame: "pd.DataFrame") -> int:
        """Keep outcomes (model, row_id, label, known_at), the last known of each row of a model.

        Returns how many changed.
        """
        ...

    def predictions(
        self, model: str, start: datetime, end: datetime, version: str | None = None
    ) -> "pd.DataFrame":
        """Predictions of rows that occurred in [start, end), in order, with label and known_at.

        Columns: those of `prediction_log.record`, then label and known_at (missing while unknown).
        """
        ...

    def joined_share(self, model: str, start: datetime, end: datetime) -> float | None:
        """Share of the predictions in [start, end) that have an outcome; ``None`` without predictions."""

    def save_monitoring_report(self, report: MonitoringReport) -> None:
        """Keep a report in place of an earlier one of the same model, version and window end."""

    def monitoring_reports(
        self, model: str, limit: int | None = None
    ) -> tuple[MonitoringReport, ...]:
        """Reports of a model, newest window first; of one window the one that was saved last first."""
        ...

    def watched_windows(self, model: str, limit: int) -> tuple[datetime, ...]:
        """The ends of the windows that have a report, each once, the newest ``limit`` of them first."""

    def save_feature_definitions(
        self, definitions: dict[str, tuple[str, str]], at: datetime
    ) -> None:
        """Make these the current features, (version, JSON of the spec) by name; older ones are kept."""

    def feature_definitions(self) -> dict[str, tuple[str, str]]:
        """The current features, by name."""
        ...

    def save_policy(self, revision: PolicyRevision) -> None:
        """Append a revision of the home's gate policy.

        Raises:
            ConflictError: the number is not the next one: somebody was faster.
        """

    def policies(self) -> tuple[PolicyRevision, ...]:
        """Every revision of the home's gate policy, oldest first; none before the first evaluation.

        Raises:
            IntegrityError: a stored revision is not what was appended.
        """
        ...

    def request_retraining(self, request: RetrainingRequest) -> bool:
        """Keep a request unless its key is known, and return whether it was new."""
        ...

    def retraining_requests(self, model: str) -> tuple[RetrainingRequest, ...]:
        """Requests of a model, newest first."""
        ...

    def feedback_count(self, model: str, since: datetime) -> int:
        """The outcomes and other feedback of people about answers of a model that came after a moment."""
        ...

    def stored_rows(self) -> tuple[StoredRows, ...]:
        """Every table against the hashes that were kept, by day, while its rows were written."""
        ...

    def seal_answers(self, now: datetime, waiting: Collection[date] = ()) -> tuple[date, ...]:
        """Seal the days of answers that were over an hour before ``now``; the days sealed.

        Args:
            now: The clock on the wall.
            waiting: Days of which rows wait outside of the ledger: they are sealed another time.
        """
        ...

    def sealed_answers(self) -> SealedAnswers:
        """Every sealed day of answers against its seal."""
        ...

    def removals(self) -> dict[tuple[str, str], Removed]:
        """What retention, or the forgetting of a person, has removed, by kind and key."""
        ...

    def record_removals(self, removals: Iterable[Removal], at: datetime) -> None:
        """Keep that these things are about to be removed; one that is known already stays as it is."""

    def legal_holds(self) -> tuple[LegalHold, ...]:
        """Every legal hold, also those that were lifted, oldest first."""
        ...

    def set_legal_hold(self, hold: LegalHold) -> bool:
        """Hold a version, unless it is held already; whether it was new."""
        ...

    def lift_legal_hold(self, model: str, version: int, at: datetime, actor: str) -> bool:
        """Lift the hold of a version; whether there was one."""
        ...

    def forgotten_people(self) -> tuple[ForgottenPerson, ...]:
        """Everybody who was forgotten, by a hash, in the order in which it was asked for."""
        ...

    def begin_forgetting(self, person: ForgottenPerson) -> bool:
        """Keep that somebody is to be forgotten; whether that is new. What is known stays as it was."""
        ...

    def finish_forgetting(self, tombstone: str, at: datetime | None) -> None:
        """Keep when nothing more of somebody could be removed; ``None``: there is more to do again."""

    def redactions(self) -> dict[str, Redaction]:
        """The evaluation reports from which ids were taken out, by their id."""
        ...

    def redact_report(self, redaction: Redaction, body: str) -> None:
        """Replace the text of an evaluation report, and keep its hash, in one step."""

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Every API key, also those that have expired or were revoked, oldest first.

        Raises:
            IntegrityError: a stored scope is none.
        """
        ...

    def add_api_key(self, key: ApiKey) -> None:
        """Keep a new key.

        Raises:
            ConflictError: there is one of this id.
        """

    def rotate_api_key(self, rotation: Rotation) -> None:
        """Keep the new key of a rotation, and when the old one ends, in one step.

        Raises:
            ConflictError: the old one was revoked, removed or rotated before; nothing is changed.
        """

    def revoke_api_key(self, key_id: str, at: datetime, by: str, reason: str) -> bool:
        """Revoke a key for good; whether it was there and not revoked before."""
        ...

    def save_alert(self, alert: Alert) -> bool:
        """Keep an alert that was sent unless its id is known, and return whether it was new."""
        ...

    def alerts(self, model: str, limit: int | None = None) -> tuple[Alert, ...]:
        """Alerts of a model, newest first."""
        ...
