"""`POST /api/ml/schedules/should-run`: whether a workflow with a predictive schedule starts now."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Request, Response

from ml_platform.api.access import asker, require_name
from ml_platform.api.bodies import body_of, json_response, require_key
from ml_platform.api.given_answer import Asker
from ml_platform.api.messages import PredictAnswer, PredictRequest
from ml_platform.api.problems import Kind, Refused
from ml_platform.errors import UsageError
from ml_platform.serving.answer_row import Origin
from ml_platform.serving.keys import ApiKey, Scope
from ml_platform.serving.schedules import ScheduleRule, StartChance, may_be_moved, should_run

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

MODEL = "trigger_predictor"
MOST_TIMES = 48
MOST_HOURS = 8_784.0
"""366 days."""
_FURTHEST = timedelta(days=8)
_CLOCKS_DIFFER = timedelta(minutes=5)
"""By how much the clock of a scheduler may be ahead of ours."""
_NONE = msgspec.Raw(b"null")
_ABSENT = (Kind.NOT_FOUND, Kind.UNAVAILABLE)

Hours = Annotated[float, msgspec.Meta(ge=0.0, le=MOST_HOURS)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """`ml_platform.serving.schedules.ScheduleRule` as it stands in JSON."""

    every_hours: Hours | None = None
    """Hours between starts; or instead of it times of day."""
    at: Annotated[list[str], msgspec.Meta(max_length=96)] = []
    """Times of day, such as 09:00."""
    weekdays: tuple[int, ...] = tuple(range(7))
    """Days on which those times count; 0 is Monday."""
    zone: str = "UTC"
    early_hours: Hours = 0.0
    postpone_hours: Hours = 24.0
    threshold: float = 0.5
    unsure: float = 0.05


class StartTime(msgspec.Struct, forbid_unknown_fields=True):
    """A time at which the workflow could start, with the features of the trigger predictor for a start then."""

    at: Moment
    features: msgspec.Raw


class ShouldRunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A question of a scheduler."""

    workflow_id: str
    rule: Rule
    last_run: Moment | None = None
    """Its last start; left out where there was none."""
    since: Moment | None = None
    """From when the schedule counts while the workflow has not run; without both it starts now."""
    user_id: str | None = None
    features: msgspec.Raw = _NONE
    """Those of a start now. Without them and ``times``, those of now and of the hours ahead are computed here."""
    times: Annotated[list[StartTime], msgspec.Meta(max_length=MOST_TIMES)] = []
    """Later times at which it could start."""
    horizon_hours: Annotated[float, msgspec.Meta(ge=0.0, le=168.0)] = 24.0
    """How far ahead a better time is looked for."""


class ShouldRunAnswer(msgspec.Struct, omit_defaults=True):
    """Whether to start now, and who says so."""

    run: bool
    why: str
    """model or rule."""
    because: str
    due: datetime
    """When the rule alone starts it."""
    confidence: float | None = None
    """The chance that a start now succeeds; left out where the model does not say."""
    best_time: datetime | None = None
    prediction_ids: list[str] = []
    """The logged predictions, one a time that was asked for."""


@dataclass(frozen=True)
class _Asked:
    """One time and what the service answered for it; ``None``: nothing could."""

    at: datetime
    answer: PredictAnswer | None


_Question = tuple[datetime, PredictRequest]


def schedule_router(worker: "Worker") -> APIRouter:
    """The route of schedulers."""
    router = APIRouter(tags=["schedules"])

    @router.post("/api/ml/schedules/should-run", operation_id="should_run")
    async def ask(request: Request) -> Response:
        """Whether a workflow with a predictive schedule starts now; each time asked for is a logged prediction."""
        since = time.perf_counter()
        key = require_key(worker.access, request, Scope.PREDICT)
        asked = await body_of(request, ShouldRunRequest)
        require_name("workflow_id", asked.workflow_id)
        who, now = asker(key, asked.user_id), datetime.now(UTC)
        rule = _rule(asked.rule)
        last_run = _last_run(asked, now)
        asking = _Asking(worker, asked, key, who, now)
        answers = await asking.answers(rule, last_run, since)
        decided = should_run(
            [_chance(each.at, each.answer, now) for each in answers if each.answer is not None],
            rule,
            now,
            last_run,
            timedelta(hours=asked.horizon_hours),
        )
        return json_response(
            ShouldRunAnswer(
                decided.run,
                decided.why,
                decided.because,
                decided.due,
                decided.confidence,
                decided.best_time,
                [each.answer.prediction_id for each in answers if each.answer is not None],
            )
        )

    return router


@dataclass(frozen=True)
class _Asking:
    """The questions to the trigger predictor that a request comes to."""

    worker: "Worker"
    asked: ShouldRunRequest
    key: ApiKey
    who: Asker
    now: datetime

    async def answers(
        self, rule: ScheduleRule, last_run: datetime | None, since: float
    ) -> Sequence[_Asked]:
        """What the trigger predictor says of each time; nothing where it cannot be asked.

        Raises:
            Refused: the features of a time cannot be used, or it is nowhere near now.
        """
        questions = self._sent()
        if not questions and may_be_moved(rule, self.now, last_run):
            questions = await self._computed()
        return await asyncio.gather(*(self._one(*question, since) for question in questions))

    def _sent(self) -> list[_Question]:
        """A question for each time whose features came with the request."""
        times = [(each.at, each.features) for each in self.asked.times]
        for place, (at, _) in enumerate(times):
            if not self.now - _CLOCKS_DIFFER <= at <= self.now + _FURTHEST:
                raise Refused(
                    Kind.REFUSED,
                    f"times[{place}] is {at:%Y-%m-%dT%H:%M%z}, and it is {self.now:%Y-%m-%dT%H:%MZ}.",
                    remedy="send times from now on, up to a week ahead",
                )
        if bytes(self.asked.features) != bytes(_NONE):
            times.insert(0, (self.now, self.asked.features))
        return [(at, PredictRequest(MODEL, features=features)) for at, features in times]

    async def _computed(self) -> list[_Question]:
        """A question for now and for each full hour within the horizon, with features as of now; or none."""
        full = self.now.replace(minute=0, second=0, microsecond=0)
        hours = (full + timedelta(hours=k) for k in range(1, MOST_TIMES))
        end = self.now + timedelta(hours=self.asked.horizon_hours)
        times = [self.now, *(hour for hour in hours if hour <= end)]
        about = {
            "workflow_id": self.asked.workflow_id,
            "decided_at": self.now.isoformat(),
            "starts": [each.isoformat() for each in times],
        }
        request = PredictRequest(MODEL, about=about, user_id=self.who.user_id)
        try:
            _, requests = await self.worker.asking.requests(request, self.key)
        except Refused as error:
            if error.kind in _ABSENT:
                return []
            raise
        return list(zip(times, requests, strict=True))

    async def _one(self, at: datetime, request: PredictRequest, since: float) -> _Asked:
        row_id = f"{self.asked.workflow_id}@{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        request = msgspec.structs.replace(request, user_id=self.who.user_id, row_id=row_id)
        answering = self.worker.answering
        try:
            return _Asked(at, await answering.answer(request, self.who, Origin.SERVED, since))
        except Refused as error:
            if error.kind in _ABSENT:
                return _Asked(at, None)
            raise


def _chance(at: datetime, answer: PredictAnswer, now: datetime) -> StartChance:
    """What an answer says of its time: its confidence is the probability of success."""
    return StartChance(at, answer.confidence, now, answer.fallback)


def _rule(sent: Rule) -> ScheduleRule:
    try:
        return ScheduleRule(
            every=None if sent.every_hours is None else timedelta(hours=sent.every_hours),
            at=tuple(map(_time_of_day, sent.at)),
            weekdays=frozenset(sent.weekdays),
            zone=sent.zone,
            early=timedelta(hours=sent.early_hours),
            postpone=timedelta(hours=sent.postpone_hours),
            threshold=sent.threshold,
            unsure=sent.unsure,
        )
    except UsageError as error:
        raise Refused(Kind.REFUSED, error.message, remedy=error.remedy) from error


def _time_of_day(text: str) -> time_of_day:
    try:
        return time_of_day.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:40]!r} is no time of day.", remedy="give times of day such as 09:00"
        ) from error


def _last_run(asked: ShouldRunRequest, now: datetime) -> datetime | None:
    """The moment from which the schedule counts.

    Raises:
        Refused: it is not over yet, so that the workflow would wait for as long as it lies ahead.
    """
    moment = asked.last_run or asked.since
    field = "last_run" if asked.last_run is not None else "since"
    if moment is None or datetime(1970, 1, 2, tzinfo=UTC) < moment <= now + _CLOCKS_DIFFER:
        return moment
    raise Refused(
        Kind.REFUSED,
        f"{field} is {moment:%Y-%m-%dT%H:%M%z}, and it is {now:%Y-%m-%dT%H:%MZ}.",
        remedy="send the last start of the workflow, or leave it out",
    )
