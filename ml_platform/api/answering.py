"""The hot path: a valid request to a logged answer, without a query on the way."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from ml_platform.adapters.serving.answer_log import AnswerLog, FirstResponse, Repeatable
from ml_platform.adapters.serving.model_store import ModelStore
from ml_platform.adapters.serving.shadow_queue import ShadowSender
from ml_platform.adapters.serving.traces import NO_TRACES, Traces
from ml_platform.api.bounded_threads import BoundedThreads
from ml_platform.api.compared import COMPARED, ComparedArms
from ml_platform.api.given_answer import Asker, Given, message_of, row_of, shadow_row_of
from ml_platform.api.messages import PredictAnswer, PredictRequest
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.sent_features import Value, values_of
from ml_platform.api.telemetry import ANSWERS, SECONDS
from ml_platform.errors import PlatformError, RowRefused, ServiceError, UsageError
from ml_platform.prediction_log.one_row import Answer, RowAnswers
from ml_platform.serving.answer_row import AnswerRow, Origin
from ml_platform.serving.loaded import RecentlyUsed
from ml_platform.serving.router import Fallback, Route, ServedArm, route
from ml_platform.serving.table import ServedModel, ServedVersion

CACHE_SECONDS, CACHED_ANSWERS = 300.0, 20_000
CACHED_BYTES = 4_096
"""The longest features whose answer is kept: a worker holds at most 80 MB of them."""
REPEAT_SECONDS, REPEATS = 3_600.0, 2_000
"""For how long a worker knows of a request that it has answered without asking PostgreSQL, and of how many."""
REASON_THREADS, REASON_SECONDS = 2, 10.0
"""Threads for reasons (the first ones of boosted trees take a second), and how long a request waits for its own."""
MOST_WAITING = 200
"""Requests that wait for reasons at the same time."""
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class _Made:
    """An answer with its row, and the version that is to answer the same in shadow."""

    row: AnswerRow
    message: PredictAnswer
    shadow: ServedVersion | None


class Answering:
    """Answers requests in one worker by the versions that are in production."""

    def __init__(
        self,
        store: ModelStore,
        log: AnswerLog,
        shadow: ShadowSender,
        compared: ComparedArms,
        traces: Traces = NO_TRACES,
    ) -> None:
        """Nothing can be answered before `follow` was told of a model.

        Args:
            store: Loads versions.
            log: Takes every answer before it leaves.
            shadow: Takes rows for a version that answers unseen.
            compared: Asks the versions of rollouts.
            traces: Take how long a request is scored and logged; rows of a batch have no spans of their own.
        """
        self.models: dict[str, ServedModel] = {}
        self._store = store
        self._log = log
        self._shadow = shadow
        self._traces = traces
        self._last_good: dict[str, ServedVersion] = {}
        self._cache = RecentlyUsed[tuple[str, bytes], Answer](CACHED_ANSWERS, CACHE_SECONDS)
        self._reasons = BoundedThreads("reasons", REASON_THREADS, REASON_SECONDS, MOST_WAITING)
        self._compared = compared
        self._repeats = RecentlyUsed[tuple[str, str], FirstResponse](REPEATS, REPEAT_SECONDS)

    @property
    def cache(self) -> RecentlyUsed[tuple[str, bytes], Answer]:
        """The answers that are kept for rows that come again."""
        return self._cache

    async def follow(self, model: ServedModel) -> None:
        """Let this be what answers for a model, from when its versions are loaded or cannot be.

        A model that nothing has answered for waits for none: who asks first waits for its version.
        """
        self.models.setdefault(model.name, model)
        wanted = [model.champion, model.rollout.version if model.rollout else None, model.rules]
        for version in wanted:
            if version is None:
                continue
            try:
                await self._loaded(model, version)
            except PlatformError:
                continue
            if version is model.champion:
                self._last_good[model.name] = version
        self.models[model.name] = model

    def forget(self, model: str) -> None:
        """Answer for a model no more."""
        self.models.pop(model, None)

    async def answer(
        self, request: PredictRequest, asker: Asker, origin: Origin, since: float
    ) -> PredictAnswer:
        """The answer to a request, logged.

        Args:
            request: One row for one model.
            asker: Who asks, and for whom.
            origin: How the answer is logged.
            since: `time.perf_counter` when the request had arrived.

        Raises:
            Refused: the model or the row is refused, or nothing can answer.
            SpoolFull: the answer could not be logged, and must not be given.
        """
        traces = NO_TRACES if origin is Origin.BATCH else self._traces
        with traces.stage("score"):
            made = await self._made(request, asker, origin, since)
        with traces.stage("log"):
            await self._log.write(made.row)
        self._given_out(made, since, traces)
        return made.message

    async def answer_once(
        self, request: PredictRequest, asker: Asker, since: float, repeat: Repeatable
    ) -> bytes:
        """The answer as JSON; to a request that was answered before, that answer, of whichever worker.

        Raises:
            Refused: as `answer`; or another request was answered under this key before.
            SpoolFull: see `answer`.
        """
        first = self._repeats.get((repeat.key_id, repeat.idempotency_key), time.monotonic())
        if first is None:
            try:
                with self._traces.stage("score"):
                    made = await self._made(request, asker, Origin.SERVED, since)
            except Refused:
                first = await self._answered_before(repeat)
                if first is None:
                    raise
                return _repeated(first, repeat)
            response = _ENCODER.encode(made.message)
            with self._traces.stage("log"):
                first = await self._log.write_once(made.row, repeat, response.decode())
            if first is None:
                self._repeats.put(
                    (repeat.key_id, repeat.idempotency_key),
                    FirstResponse(repeat.request_sha256, response.decode()),
                    time.monotonic(),
                )
                self._given_out(made, since, self._traces)
                return response
        return _repeated(first, repeat)

    async def _answered_before(self, repeat: Repeatable) -> FirstResponse | None:
        """What was answered to a request before; ``None`` if nothing was, or PostgreSQL is away."""
        try:
            return await self._log.first_response(repeat)
        except ServiceError:
            return None

    async def _made(
        self, request: PredictRequest, asker: Asker, origin: Origin, since: float
    ) -> _Made:
        """An answer that is not logged yet."""
        model = self.models.get(request.model)
        if model is None:
            raise self.unknown(request.model)
        now = datetime.now(UTC)
        asked = route(model, asker.user_id, now)
        given = await self._given(model, asked, request)
        row = row_of(request, asker, origin, given, now, since)
        return _Made(row, message_of(request, row, given, self._store), asked.shadow)

    def _given_out(self, made: _Made, since: float, traces: Traces) -> None:
        """An answer is logged and leaves: it is counted, and handed to the version in shadow."""
        row = made.row
        traces.answered(row)
        ANSWERS.labels(row.model, row.arm, row.fallback).inc()
        SECONDS.labels(row.model).observe(time.perf_counter() - since)
        if made.shadow is not None:
            self._shadow.send(shadow_row_of(row, made.shadow))

    async def _given(self, model: ServedModel, asked: Route, request: PredictRequest) -> Given:
        """The answer of the first version that can give one."""
        failed, fallback = "", Fallback.NONE
        for version, arm in self._in_turn(model, asked):
            try:
                answer, cached = await self._asked(model, version, arm, request)
            except Refused:
                raise
            except Exception as error:
                if isinstance(error, UsageError) and arm is not ServedArm.CANARY:
                    raise _refused(error) from error
                failed = failed or version.version
                fallback = _cause(arm, error)
                continue
            if version.is_rules and not fallback:
                fallback = Fallback.NO_CHAMPION
            return Given(answer, version, arm, fallback, failed, cached)
        raise Refused(
            Kind.UNAVAILABLE,
            f"Nothing can answer for {model.name}: {fallback or Fallback.NO_CHAMPION}.",
            remedy="`ml-platform verify` says whether its artifacts are what was registered",
            retry_after=5,
        )

    def _in_turn(self, model: ServedModel, asked: Route) -> list[tuple[ServedVersion, ServedArm]]:
        """Who is asked in turn: behind the champion the last one that was loaded, and the one before."""
        chosen = list(asked.chosen)
        if model.champion is not None:
            place = next(i for i, (version, _) in enumerate(chosen) if version is model.champion)
            good = dict.fromkeys((self._last_good.get(model.name), model.before))
            chosen[place + 1 : place + 1] = [
                (version, ServedArm.CHAMPION)
                for version in good
                if version is not None and version != model.champion
            ]
        return chosen

    async def _loaded(self, model: ServedModel, version: ServedVersion) -> RowAnswers:
        """The version, in memory; whether loading one that is being rolled out ends the process will be known."""
        is_tried = model.rollout is not None and version == model.rollout.version
        if is_tried and self._store.at_hand(version) is None:
            with self._compared.trying(version):
                return await self._store.load(model.name, version)
        return await self._store.load(model.name, version)

    async def _asked(
        self, model: ServedModel, version: ServedVersion, arm: ServedArm, request: PredictRequest
    ) -> tuple[Answer, bool]:
        """The answer of one version, and whether it is one that was given before."""
        scorer = await self._loaded(model, version)
        sent = bytes(request.features)
        key = (version.artifact_sha256, sent)
        if not (request.explain or arm in COMPARED):
            known = self._cache.get(key, time.monotonic())
            if known is not None:
                return known, True
        values = values_of(sent)
        if version.is_rules:
            values = _for_rules(values, scorer)
        ask = partial(scorer.answer, values, reasons=request.explain)
        if arm is ServedArm.CANARY or (arm is ServedArm.CONTROL and not request.explain):
            answer = await self._compared.ask(arm, version, ask)
        elif request.explain:
            answer = await self._with_reasons(ask)
        else:
            answer = scorer.answer(values)
        if not (math.isfinite(answer.confidence) and all(map(math.isfinite, answer.scores))):
            raise ArithmeticError("a score is no finite number")
        if not request.explain and len(sent) <= CACHED_BYTES:
            self._cache.put(key, answer, time.monotonic())
        return answer, False

    async def _with_reasons(self, ask: Callable[[], Answer]) -> Answer:
        """An answer with its reasons, made where it holds up no other request.

        Raises:
            Refused: it takes too long, or too many wait.
        """
        try:
            return await self._reasons.run(ask)
        except TimeoutError as error:
            raise Refused(
                Kind.UNAVAILABLE,
                "The reasons cannot be given in time.",
                remedy="ask again in a moment, or without `explain`",
                retry_after=2,
            ) from error

    def first_version(self, name: str) -> ServedVersion:
        """The version that is asked first for a model: the champion, or the rules without one.

        Raises:
            Refused: nothing answers for it.
        """
        model = self.models.get(name)
        version = (model.champion or model.rules) if model is not None else None
        if version is None:
            raise self.unknown(name)
        return version

    def unknown(self, name: str) -> Refused:
        """The refusal of a model that nothing answers for."""
        if not self.models:
            return Refused(
                Kind.UNAVAILABLE,
                "What is in production has not been read yet.",
                remedy="ask again in a moment; `GET /ready` says when the service is ready",
                retry_after=1,
            )
        return Refused(
            Kind.NOT_FOUND,
            f"There is no model {name[:80]!r} that could answer.",
            remedy=f"ask one of {', '.join(sorted(self.models))}",
        )


def _repeated(first: FirstResponse, repeat: Repeatable) -> bytes:
    """The answer that a request has got before.

    Raises:
        Refused: that was another request.
    """
    if first.request_sha256 != repeat.request_sha256:
        raise Refused(
            Kind.CONFLICT,
            "Another request was answered under this Idempotency-Key.",
            remedy="send each request with a key of its own",
        )
    return first.response.encode()


def _cause(arm: ServedArm, error: Exception) -> Fallback:
    if arm is ServedArm.CANARY:
        return Fallback.CANARY_FAILED
    unusable = isinstance(error, PlatformError)
    return Fallback.CHAMPION_UNUSABLE if unusable else Fallback.CHAMPION_FAILED


def _refused(error: UsageError) -> Refused:
    problems = error.problems if isinstance(error, RowRefused) else ()
    return Refused(Kind.REFUSED, error.message, remedy=error.remedy, errors=problems)


def _for_rules(values: dict[str, Value], scorer: RowAnswers) -> dict[str, Value]:
    """The features that the rules read; what they do not get is missing."""
    return {name: values.get(name) for name in scorer.one_row.fields.kinds}
