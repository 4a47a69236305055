"""The ledger in memory, for tests: it passes the same conformance suite as PostgreSQL's."""

import json
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ml_platform.adapters.in_memory.api_keys import InMemoryApiKeys
from ml_platform.adapters.in_memory.experiments import InMemoryExperiments
from ml_platform.adapters.in_memory.forgotten import InMemoryForgotten
from ml_platform.adapters.in_memory.inbox import InMemoryInbox
from ml_platform.adapters.in_memory.incidents import InMemoryIncidents
from ml_platform.adapters.in_memory.removals import InMemoryRemovals
from ml_platform.adapters.ledger.interface import Change
from ml_platform.adapters.ledger.predictions import typed
from ml_platform.adapters.ledger.refusals import (
    lost,
    parsed,
    policy_conflict,
    require_legal,
    unknown,
)
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.monitoring.alerts import Alert
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.prediction_log.record import COLUMNS, outcomes_frame, predictions_frame
from ml_platform.registry import chain, lifecycle, transitions
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
from ml_platform.registry.validate import validate
from ml_platform.registry.verify import SealedAnswers, StoredRows
from ml_platform.spec.training_set import TrainingSetRecord
from ml_platform.values import fingerprint as fingerprint_of
from ml_platform.values import text_sha256, to_json

if TYPE_CHECKING:
    import pandas as pd


class InMemoryLedger(
    InMemoryApiKeys,
    InMemoryInbox,
    InMemoryIncidents,
    InMemoryRemovals,
    InMemoryForgotten,
    InMemoryExperiments,
):
    """`interface.Ledger` in dictionaries; may be used by several threads. Methods: see the interface."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._state: dict[str, str] = {}
        self._reports: dict[str, str] = {}
        self._training_sets: dict[tuple[str, str], TrainingSetRecord] = {}
        self._versions: dict[str, list[tuple[VersionRecord, ...]]] = {}
        self._given: dict[str, int] = {}
        self._production: dict[str, ProductionState] = {}
        self._events: list[PromotionEvent] = []
        self._baselines: dict[tuple[str, str], str] = {}
        self._predictions: dict[str, tuple[Any, ...]] = {}
        self._outcomes: dict[tuple[str, str], tuple[Any, str]] = {}
        self._monitoring: dict[tuple[str, str, datetime], MonitoringReport] = {}
        self._features: dict[str, tuple[str, str]] = {}
        self._requests: dict[str, RetrainingRequest] = {}
        self._alerts: dict[str, Alert] = {}
        self.feedback: list[tuple[str, datetime]] = []
        """The model and the time of each: where whoever tests puts them."""
        self._policies: list[PolicyRevision] = []

    def state(self, key: str) -> dict[str, Any] | None:
        """The JSON object under a key."""
        text = self._state.get(key)
        return None if text is None else json.loads(text)

    def set_state(self, key: str, value: dict[str, Any]) -> None:
        """Keep a JSON object."""
        self._state[key] = json.dumps(value, sort_keys=True, allow_nan=False)

    def save_policy(self, revision: PolicyRevision) -> None:
        """Append a revision of the policy."""
        with self._lock:
            if revision.revision != len(self._policies) + 1:
                raise policy_conflict(revision.revision)
            self._policies.append(revision)

    def policies(self) -> tuple[PolicyRevision, ...]:
        """Every revision of the policy."""
        return tuple(self._policies)

    def save_report(self, report: EvaluationReport) -> str:
        """Keep a report under its fingerprint."""
        report_id = fingerprint_of(report)
        self._reports[report_id] = to_json(report)
        return report_id

    def report(self, report_id: str) -> EvaluationReport | None:
        """The report of an id."""
        text = self._reports.get(report_id)
        if text is None:
            return None
        return parsed(EvaluationReport, text, f"evaluation report {report_id[:12]}")

    def report_text(self, report_id: str) -> str | None:
        """The stored text of a report."""
        return self._reports.get(report_id)

    def report_sha256(self, report_id: str) -> str | None:
        """SHA-256 of the stored text."""
        text = self._reports.get(report_id)
        return None if text is None else text_sha256(text)

    def save_training_set(self, record: TrainingSetRecord) -> None:
        """Keep the record of a training set."""
        self._training_sets[record.model, record.fingerprint] = record

    def training_set(self, model: str, fingerprint: str) -> TrainingSetRecord | None:
        """The record of a training set."""
        return self._training_sets.get((model, fingerprint))

    def register(self, record: VersionRecord) -> VersionRecord:
        """Register, or the version that exists; an incomplete one is refused."""
        validate(record)
        with self._lock:
            known = self._versions.setdefault(record.model, [])
            for place, evaluations in reversed(list(enumerate(known))):
                if evaluations[-1].same_model_as(record):
                    again = transitions.evaluated_again(evaluations[-1], record)
                    if again != evaluations[-1]:
                        known[place] = (*evaluations, again)
                        self._append([transitions.registration(again)])
                    return again
            last_number = max(
                (self._given.get(record.model, 0), *(old[-1].version for old in known))
            )
            record = replace(record, version=last_number + 1)
            known.append((record,))
            self._append([transitions.registration(record)])
            return record

    def stored_rows(self) -> tuple[StoredRows, ...]:
        """Nothing: no other hand reaches the memory of a process."""
        return ()

    def seal_answers(self, now: datetime, waiting: Collection[date] = ()) -> tuple[date, ...]:
        """Nothing: the service answers from a database alone."""
        return ()

    def sealed_answers(self) -> SealedAnswers:
        """Nothing, as `seal_answers`."""
        return SealedAnswers(StoredRows("answers", 0, 0, ()), 0)

    def number_after(self, model: str, version: int) -> None:
        """Number from ``version`` + 1 on."""
        self._given[model] = version

    def set_mlflow_version(self, model: str, version: int, mlflow_version: str) -> None:
        """MLflow's number of a version."""
        evaluations = self.evaluations(model, version)
        known = self._versions[model]
        known[known.index(evaluations)] = tuple(
            replace(record, mlflow_version=mlflow_version) for record in evaluations
        )

    def version(self, model: str, version: int) -> VersionRecord:
        """One version."""
        return self.evaluations(model, version)[-1]

    def evaluations(self, model: str, version: int) -> tuple[VersionRecord, ...]:
        """All evaluations of a version."""
        for evaluations in self._versions.get(model, []):
            if evaluations[-1].version == version:
                return evaluations
        raise unknown(f"version {version} of {model}", "see `ml-platform status`")

    def versions(self, model: str) -> tuple[VersionRecord, ...]:
        """All versions, oldest first."""
        return tuple(evaluations[-1] for evaluations in self._versions.get(model, ()))

    def version_numbers(self, model: str) -> tuple[int, ...]:
        """Numbers of all versions, oldest first."""
        return tuple(record.version for record in self.versions(model))

    def models(self) -> tuple[str, ...]:
        """Models with a version."""
        return tuple(sorted(self._versions))

    def production(self, model: str) -> ProductionState:
        """What is in production."""
        return self._production.get(model, ProductionState(model, None, 0))

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
        """Archive and promote as one step."""
        with self._lock:
            new = self.version(model, version)
            state = self.production(model)
            if state.version == version:
                return ()
            if state.revision != expected_revision:
                raise lost(state, expected_revision)
            old = self.version(model, state.version) if state.version is not None else None
            return self._change(model, transitions.promotion(new, old, permit, at, actor))

    def change(self, model: str, drafts: Change) -> tuple[PromotionEvent, ...]:
        """Append what the change makes of the history."""
        with self._lock:
            return self._change(model, drafts(self.history(model)))

    def history(self, model: str) -> History:
        """The events of a model."""
        return History(model, self.events(model))

    def _change(self, model: str, drafts: Sequence[EventDraft]) -> tuple[PromotionEvent, ...]:
        state = require_legal(self.history(model).state, drafts)
        self._production[model] = ProductionState(model, state.production, state.revision)
        return self._append(drafts)

    def record_refusal(
        self, model: str, version: int, *, reasons: tuple[str, ...], at: datetime, actor: str
    ) -> PromotionEvent:
        """A promotion was refused."""
        with self._lock:
            draft = transitions.refusal(self.version(model, version), reasons, at, actor)
            for event in self._events:
                if transitions.same_refusal(event, draft):
                    return event
            return self._append([draft])[0]

    def events(self, model: str | None = None) -> tuple[PromotionEvent, ...]:
        """The chain."""
        return tuple(event for event in self._events if model in (None, event.model))

    def stored_events(self) -> tuple[str, ...]:
        """The chain as text."""
        return tuple(to_json(event) for event in self._events)

    def production_at(self, model: str, moment: datetime, clock: Clock = Clock.DATA) -> int | None:
        """Which version was in production."""
        return lifecycle.production_at(self._events, model, moment, clock)

    def save_baseline(self, model: str, version: str, json: str) -> None:
        """Keep a baseline."""
        self._baselines[model, version] = json

    def baseline(self, model: str, version: str) -> str | None:
        """The baseline of a version."""
        return self._baselines.get((model, version))

    def log_predictions(self, frame: "pd.DataFrame") -> int:
        """Append predictions."""
        before = len(self._predictions)
        for row in predictions_frame(frame).itertuples(index=False, name=None):
            self._predictions.setdefault(row[0], row)
        return len(self._predictions) - before

    def log_outcomes(self, frame: "pd.DataFrame") -> int:
        """Keep outcomes."""
        changed = 0
        rows = outcomes_frame(frame).itertuples(index=False, name=None)
        for model, row_id, label, known_at in rows:
            before = self._outcomes.get((model, row_id))
            if before is None or (known_at, label) > before:
                self._outcomes[model, row_id] = (known_at, label)
                changed += 1
        return changed

    def predictions(
        self, model: str, start: datetime, end: datetime, version: str | None = None
    ) -> "pd.DataFrame":
        """Predictions in [start, end) with their outcomes."""
        import pandas as pd

        rows = []
        for row in self._predictions.values():
            named = dict(zip(COLUMNS, row, strict=True))
            if named["model"] != model or version not in (None, named["version"]):
                continue
            if start <= named["occurred_at"] < end:
                known_at, label = self._outcomes.get((model, named["row_id"]), (None, None))
                rows.append({**named, "label": label, "known_at": known_at})
        rows.sort(key=lambda row: (row["occurred_at"], row["row_id"], row["version"]))
        return typed(pd.DataFrame(rows, columns=[*COLUMNS, "label", "known_at"], dtype=object))

    def joined_share(self, model: str, start: datetime, end: datetime) -> float | None:
        """Share of predictions with an outcome."""
        frame = self.predictions(model, start, end)
        return float(frame["known_at"].notna().mean()) if len(frame) else None

    def save_monitoring_report(self, report: MonitoringReport) -> None:
        """Keep a report."""
        key = (report.model, report.version, report.window_end)
        self._monitoring.pop(key, None)
        self._monitoring[key] = report

    def monitoring_reports(
        self, model: str, limit: int | None = None
    ) -> tuple[MonitoringReport, ...]:
        """Reports, newest window first."""
        latest_first = reversed(self._monitoring.values())
        reports = [report for report in latest_first if report.model == model]
        reports.sort(key=lambda report: report.window_end, reverse=True)
        return tuple(reports[:limit])

    def watched_windows(self, model: str, limit: int) -> tuple[datetime, ...]:
        """Ends of windows, the newest first."""
        ends = {report.window_end for report in self._monitoring.values() if report.model == model}
        return tuple(sorted(ends, reverse=True)[:limit])

    def save_feature_definitions(
        self, definitions: dict[str, tuple[str, str]], at: datetime
    ) -> None:
        """Make these the current features."""
        self._features = dict(definitions)

    def feature_definitions(self) -> dict[str, tuple[str, str]]:
        """The current features."""
        return dict(sorted(self._features.items()))

    def request_retraining(self, request: RetrainingRequest) -> bool:
        """Keep a request once."""
        new = request.key not in self._requests
        self._requests.setdefault(request.key, request)
        return new

    def retraining_requests(self, model: str) -> tuple[RetrainingRequest, ...]:
        """Requests, newest first."""
        requests = [request for request in self._requests.values() if request.model == model]
        requests.sort(key=lambda request: (request.requested_at, request.key), reverse=True)
        return tuple(requests)

    def feedback_count(self, model: str, since: datetime) -> int:
        """How much of `feedback` is of a model and came after a moment."""
        return sum(name == model and at > since for name, at in self.feedback)

    def save_alert(self, alert: Alert) -> bool:
        """Keep an alert once."""
        new = alert.alert_id not in self._alerts
        self._alerts.setdefault(alert.alert_id, alert)
        return new

    def alerts(self, model: str, limit: int | None = None) -> tuple[Alert, ...]:
        """Alerts, newest first."""
        alerts = [alert for alert in self._alerts.values() if alert.model == model]
        alerts.sort(key=lambda alert: (alert.at, alert.alert_id), reverse=True)
        return tuple(alerts[:limit])

    def _append(self, drafts: Any) -> tuple[PromotionEvent, ...]:
        last = self._events[-1] if self._events else None
        links = chain.extend(last, drafts, datetime.now(UTC))
        self._events.extend(links)
        return links
