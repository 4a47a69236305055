"""Trainings that no person starts: a decision asks for one, or the last one is old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_platform.monitoring.report import MonitoringReport
from ml_platform.retraining.decide import Action

AGE = "age"
"""Cause of a training that is due because the last one is old."""
_RETRAINS = (Action.RETRAIN_URGENT.value, Action.RETRAIN.value)


@dataclass(frozen=True)
class RetrainingPolicy:
    """The policy of trainings that no person starts: maximal age and cooldown."""

    maximum_age: timedelta = timedelta(days=30)
    cooldown: timedelta = timedelta(hours=24)
    """The time without another training after one was started, and between attempts for one cause."""


@dataclass(frozen=True)
class Training:
    """A training of a model that was started, whether or not it succeeded."""

    model: str
    version: str
    """The version in production when it was started."""
    at: datetime


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


RETRAINING_POLICY = RetrainingPolicy()


def retraining_requests(
    reports: Sequence[MonitoringReport],
    trainings: Sequence[Training],
    *,
    now: datetime,
    policy: RetrainingPolicy = RETRAINING_POLICY,
) -> tuple[RetrainingRequest, ...]:
    """The trainings that are due now, at most one request a model.

    ``reports`` are decided ones, newest first, of any models; ``trainings`` the last ones. A model is
    asked for when its newest report says retrain and no training was started within the cooldown; only
    reports whose window ends after the cooldown count, since earlier ones are what that training
    answered. Otherwise when its last training is older than the policy's age. A cause that lasts keeps
    its key until a cooldown has passed, so that a failed run is tried again, once a cooldown.
    """
    models = sorted({report.model for report in reports} | {entry.model for entry in trainings})
    requests = []
    for model in models:
        last = max((entry for entry in trainings if entry.model == model), key=_at, default=None)
        if last is not None and now - last.at < policy.cooldown:
            continue
        model_reports = [report for report in reports if report.model == model]
        request = _by_report(model_reports, last, now, policy) or _by_age(
            model_reports, last, now, policy
        )
        if request is not None:
            requests.append(request)
    return tuple(requests)


def _by_report(
    reports: Sequence[MonitoringReport],
    last: Training | None,
    now: datetime,
    policy: RetrainingPolicy,
) -> RetrainingRequest | None:
    since = None if last is None else last.at + policy.cooldown
    recent = [report for report in reports if since is None or report.window_end >= since]
    recent = [report for report in recent if report.window_end <= now]
    if not recent or recent[0].action not in _RETRAINS:
        return None
    newest, began = recent[0], recent[0].window_end
    for report in recent:
        if (report.decision_row, report.version) != (newest.decision_row, newest.version):
            break
        began = report.window_end
    window = _attempt(began, newest.window_end, policy.cooldown)
    return RetrainingRequest(newest.model, newest.version, window, newest.decision_row)


def _by_age(
    reports: Sequence[MonitoringReport],
    last: Training | None,
    now: datetime,
    policy: RetrainingPolicy,
) -> RetrainingRequest | None:
    if last is None or now - last.at < policy.maximum_age:
        return None
    version = reports[0].version if reports else last.version
    window = _attempt(last.at + policy.maximum_age, now, policy.cooldown)
    return RetrainingRequest(last.model, version, window, AGE)


def _attempt(began: datetime, now: datetime, cooldown: timedelta) -> datetime:
    """Start of the attempt that ``now`` falls in: the beginning, or whole cooldowns after it."""
    return began + (now - began) // cooldown * cooldown


def _at(training: Training) -> datetime:
    return training.at


def _slug(cause: str) -> str:
    return "-".join(cause.replace(",", " ").split())
