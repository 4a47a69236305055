"""Trainings that no person starts: drift or a loss asks for one, much feedback has come, or the last one is old.

One cause gives one training. Where the cause goes on after it, a person has to look, and none follows until
somebody has acknowledged that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_platform.clock import duration, last_boundary
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.retraining.decide import Action

AGE = "age"
"""Cause of a training that is due because the last one is old."""
FEEDBACK = "feedback"
"""Cause of a training that is due because people have reported much since the last one."""
_RETRAINS = (Action.RETRAIN_URGENT.value, Action.RETRAIN.value)


@dataclass(frozen=True)
class RetrainingPolicy:
    """The policy of trainings that no person starts."""

    maximum_age: timedelta = timedelta(days=30)
    cooldown: timedelta = timedelta(hours=24)
    """The time without another training after one was started, and between attempts for one cause."""
    attempts: int = 3
    """Trainings that are asked for, for one cause, while none of them registers a version."""
    budget: int = 4
    """Trainings that are asked for, for whatever cause, in `budget_time`."""
    budget_time: timedelta = timedelta(days=30)
    feedback: int = 1_000
    """Outcomes and other feedback of people since the last training that ask for another one."""


@dataclass(frozen=True)
class Training:
    """A training of a model that was started, whether or not it succeeded."""

    model: str
    version: str
    """The version in production when it was asked for, or the version that it has registered."""
    at: datetime
    registered: bool = False
    """Whether it has registered a version; else it was asked for, and nothing more is known here."""


@dataclass(frozen=True)
class RetrainingRequest:
    """One training to start; schedulers keep run keys for ever, so equal keys start one run."""

    model: str
    version: str
    window: datetime
    """The time at which the cause began, or began again a cooldown later, and not that of its report."""
    cause: str

    @property
    def run_key(self) -> str:
        """``model:version:window:cause``: one cause gives one run, the same cause later another."""
        return f"{self.model}:{self.version}:{self.window.strftime('%Y%m%dT%H%M%SZ')}:{_slug(self.cause)}"


@dataclass(frozen=True)
class HandOver:
    """An incident whose cause goes on although it was trained for: a person has to look."""

    incident_id: str
    reason: str


@dataclass(frozen=True)
class RetrainingDue:
    """What follows for all models: trainings to start, and incidents to hand over."""

    requests: tuple[RetrainingRequest, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()


RETRAINING_POLICY = RetrainingPolicy()


def retraining_due(
    reports: Sequence[MonitoringReport],
    trainings: Sequence[Training],
    *,
    now: datetime,
    incidents: Sequence[Incident] = (),
    feedback: Mapping[str, int] | None = None,
    policy: RetrainingPolicy = RETRAINING_POLICY,
) -> RetrainingDue:
    """The trainings that are due now, at most one request a model, and the incidents that they do not help.

    A model is asked for when its newest report says retrain and no training was started within the cooldown;
    only reports whose window ends after the cooldown count, since earlier ones are what that training answered.
    Where a version was registered since the cause began, `RetrainingPolicy.attempts` trainings have registered
    none, or the budget is spent, the incident is handed over in its place. Otherwise a model is asked for when
    people have reported enough since its last version, or that is older than the policy's age. A cause that
    lasts keeps its key until a cooldown has passed, so that a failed run is tried again, once a cooldown.

    Args:
        reports: Decided reports, newest first, of any models.
        trainings: The last trainings, those that were asked for and those that have registered a version.
        now: The clock of the home.
        incidents: The open incidents of performance: what the row of a decision that retrains rests on. Without one
            the cause began with the first of the reports in a row that say the same.
        feedback: Feedback since the last registered version, by model.
        policy: Ages, cooldown, attempts, budget and volume.
    """
    models = sorted({report.model for report in reports} | {entry.model for entry in trainings})
    found: list[RetrainingRequest | HandOver | None] = []
    for model in models:
        case = _Case(
            model,
            [report for report in reports if report.model == model],
            [entry for entry in trainings if entry.model == model],
            next((each for each in incidents if each.model == model and each.is_open), None),
            now,
            policy,
        )
        found.append(case.due((feedback or {}).get(model, 0)))
    return RetrainingDue(
        tuple(each for each in found if isinstance(each, RetrainingRequest)),
        tuple(each for each in found if isinstance(each, HandOver)),
    )


@dataclass(frozen=True)
class _Case:
    """One model at one moment."""

    model: str
    reports: Sequence[MonitoringReport]
    """Newest first."""
    trainings: Sequence[Training]
    incident: Incident | None
    now: datetime
    policy: RetrainingPolicy

    def due(self, feedback: int) -> RetrainingRequest | HandOver | None:
        """What is due of this model."""
        last = self._last()
        if last is not None and self.now - last.at < self.policy.cooldown:
            return None
        return self._by_report(last) or self._by_feedback(feedback) or self._by_age(last)

    def _by_report(self, last: Training | None) -> RetrainingRequest | HandOver | None:
        since = None if last is None else last.at + self.policy.cooldown
        recent = [report for report in self.reports if since is None or report.window_end >= since]
        recent = [report for report in recent if report.window_end <= self.now]
        if not recent or recent[0].action not in _RETRAINS:
            return None
        newest = recent[0]
        began = _began(recent)
        if self.incident is not None:
            if self.incident.handed_over_at is not None:
                return None
            began = self.incident.released_at or self.incident.opened_at
            began = max(began, self.incident.opened_at)
            if newest.window_end < began:
                return None
            reason = self._in_vain(began)
            if reason:
                return HandOver(self.incident.incident_id, reason)
        if self._spent():
            return None
        window = _attempt(began, newest.window_end, self.policy.cooldown)
        return RetrainingRequest(self.model, newest.version, window, newest.decision_row)

    def _in_vain(self, began: datetime) -> str:
        """Why another training for a cause that began then is of no use; empty where it may be."""
        asked = [each for each in self.trainings if not each.registered and each.at >= began]
        made = [
            each
            for each in self.trainings
            if each.registered
            and (each.at > began or any(each.at >= last_boundary(one.at) for one in asked))
        ]
        if made:
            newest = max(made, key=_at)
            return f"version {newest.version} was trained since then, and the loss goes on"
        if len(asked) >= self.policy.attempts:
            return f"{len(asked)} trainings were asked for since then, and none has registered a version"
        if self._spent():
            return f"{self.policy.budget} trainings were asked for in {duration(self.policy.budget_time)}"
        return ""

    def _by_feedback(self, feedback: int) -> RetrainingRequest | None:
        made = max((each for each in self.trainings if each.registered), key=_at, default=None)
        if made is None or feedback < self.policy.feedback or self._spent():
            return None
        window = _attempt(made.at, self.now, self.policy.cooldown)
        return RetrainingRequest(self.model, self._version(made), window, FEEDBACK)

    def _by_age(self, last: Training | None) -> RetrainingRequest | None:
        if last is None or self.now - last.at < self.policy.maximum_age or self._spent():
            return None
        window = _attempt(last.at + self.policy.maximum_age, self.now, self.policy.cooldown)
        return RetrainingRequest(self.model, self._version(last), window, AGE)

    def _spent(self) -> bool:
        """Whether the budget of trainings is spent."""
        since = self.now - self.policy.budget_time
        asked = [each for each in self.trainings if not each.registered and each.at > since]
        return len(asked) >= self.policy.budget

    def _last(self) -> Training | None:
        return max(self.trainings, key=_at, default=None)

    def _version(self, otherwise: Training) -> str:
        """The version in production by the newest report, if there is one."""
        return self.reports[0].version if self.reports else otherwise.version


def _began(recent: Sequence[MonitoringReport]) -> datetime:
    """The end of the first of the newest reports in a row that have the row and the version of the newest."""
    newest, began = recent[0], recent[0].window_end
    for report in recent:
        if (report.decision_row, report.version) != (newest.decision_row, newest.version):
            break
        began = report.window_end
    return began


def _attempt(began: datetime, now: datetime, cooldown: timedelta) -> datetime:
    """Start of the attempt that ``now`` falls in: the beginning, or whole cooldowns after it."""
    return began + (now - began) // cooldown * cooldown


def _at(training: Training) -> datetime:
    return training.at


def _slug(cause: str) -> str:
    return "-".join(cause.replace(",", " ").split())
