"""The process that answers in shadow: what a version would have said, logged beside what was answered.

It is apart from the workers, has its own bound of memory and the lowest priority: whatever a version does that is
tried out, nobody who waits for an answer notices it.
"""

import asyncio
import logging
import math
import os
import resource
import signal
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ml_platform.adapters.serving.answer_log import AnswerLog
from ml_platform.adapters.serving.asked_marks import ASKED, AskedMarks
from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.adapters.serving.model_store import ModelStore
from ml_platform.adapters.serving.shadow_queue import MOST_BYTES, ShadowRow, listen, read_row
from ml_platform.adapters.serving.spool import Spool
from ml_platform.adapters.serving.state_file import StateFollower
from ml_platform.api.options import WorkerOptions
from ml_platform.api.worker import LOG_SECONDS, LOOK_EVERY
from ml_platform.errors import PlatformError
from ml_platform.prediction_log.one_row import Answer, RowAnswers
from ml_platform.serving.answer_row import AnswerRow, Origin
from ml_platform.serving.router import ServedArm
from ml_platform.serving.table import ServedVersion

MOST_MEMORY = 4 << 30
"""Bytes of address space that the process may have; a version that takes more ends it, and another one begins."""
ROW_SECONDS = 2.0
"""How long a version may take for a row before it counts as failed."""
MOST_WRITING = 64
"""Rows of a worker that may wait for the log at once: committed together, and lost if the process is killed."""
SLOW_MS = 20.0
"""An answer that took longer is in the log before the next row is asked: nothing else goes on meanwhile."""
_LOG = logging.getLogger(__name__)
_FEATURES = msgspec.json.Decoder(dict[str, float | str | list[str] | None])
_ENCODER = msgspec.json.Encoder()


class TookTooLong(Exception):
    """A version did not answer in time."""


def run_shadow(options: WorkerOptions) -> None:
    """Answer in shadow until SIGTERM, or the end of the supervisor."""
    from ml_platform.adapters.processes import end_with

    end_with(*options.supervisor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _give_up)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s shadow {os.getpid()} %(message)s")
    asyncio.run(_Shadow(options).run())


def _give_up(_signal: int, _frame: object) -> None:
    raise TookTooLong


class _Shadow:
    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._store = ModelStore(options.home, options.tasks)
        self._marks = AskedMarks(options.folder / ASKED)
        self._postgres = AsyncPostgres("", seconds=LOG_SECONDS)
        self._log = AnswerLog(
            self._postgres, AsyncPostgres("", seconds=LOG_SECONDS), Spool(options.folder / "spool")
        )

    async def run(self) -> None:
        self._log.start()
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        listening = listen(self._options.folder)
        tasks = [
            asyncio.create_task(self._follow(), name="follow"),
            asyncio.create_task(self._accept(listening), name="accept"),
        ]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await self._log.stop()

    async def _follow(self) -> None:
        follower = StateFollower(self._options.folder)
        while True:
            state = follower.changed()
            own = state is not None and state.home == str(self._options.home)
            if state is not None and own and state.database != self._postgres.dsn:
                self._postgres.move_to(state.database)
            await asyncio.sleep(LOOK_EVERY)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        readers = set[asyncio.Task[None]]()
        while True:
            connection, _ = await loop.sock_accept(listening)
            connection.setblocking(False)
            reader = asyncio.create_task(self._read(connection))
            readers.add(reader)
            reader.add_done_callback(readers.discard)

    async def _read(self, connection: socket.socket) -> None:
        """Answer row after row; those that wait for the log are committed together."""
        loop = asyncio.get_running_loop()
        writing = set[asyncio.Task[None]]()
        with connection:
            while content := await loop.sock_recv(connection, MOST_BYTES):
                try:
                    row = await self._answer(read_row(content))
                except PlatformError as error:
                    _LOG.warning("a row in shadow was not answered: %s", error)
                    continue
                task = asyncio.create_task(self._write(row))
                writing.add(task)
                task.add_done_callback(writing.discard)
                await asyncio.sleep(0)  # the next row may be there already: let this one go first
                if len(writing) >= MOST_WRITING or row.milliseconds > SLOW_MS:
                    await asyncio.wait(writing)

    async def _write(self, row: AnswerRow) -> None:
        try:
            await self._log.write(row)
        except PlatformError as error:
            _LOG.warning("a row in shadow was not logged: %s", error)

    async def _answer(self, asked: ShadowRow) -> AnswerRow:
        since = time.perf_counter()
        prediction, confidence, scores, failed = "", 0.0, "[]", ""
        version = ServedVersion(asked.version, asked.artifact_sha256, asked.artifact_path)
        try:
            answer = await self._answered(asked, version)
            if not all(map(math.isfinite, (answer.confidence, *answer.scores))):
                raise ArithmeticError("a score is no finite number")
            prediction, confidence = answer.prediction, answer.confidence
            scores = _ENCODER.encode(answer.scores).decode()
        except Exception as error:
            failed = type(error).__name__
        return AnswerRow(
            day=asked.row.day,
            prediction_id=asked.row.prediction_id,
            model=asked.row.model,
            version=asked.version,
            arm=ServedArm.SHADOW,
            origin=Origin.SHADOW,
            user_id=asked.row.user_id,
            key_id=asked.row.key_id,
            row_id=asked.row.row_id,
            predicted_at=datetime.now(UTC),
            milliseconds=(time.perf_counter() - since) * 1e3,
            prediction=prediction,
            confidence=confidence,
            fallback=f"failed: {failed}" if failed else "",
            failed_version=asked.version if failed else "",
            data_version=asked.data_version,
            feature_version=asked.feature_version,
            features="",
            scores=scores,
        )

    async def _answered(self, asked: ShadowRow, version: ServedVersion) -> Answer:
        """The answer of the version; where there is no memory for it, the process ends, as it would in a worker."""
        with self._marks.asking(version.artifact_sha256):
            try:
                scorer = await self._store.load(asked.row.model, version)
                return _answer_in_time(scorer, _FEATURES.decode(asked.row.features))
            except MemoryError:
                _LOG.critical("%s %s takes too much memory", asked.row.model, version.version)
                os._exit(1)


def _answer_in_time(scorer: RowAnswers, values: Mapping[str, object]) -> Answer:
    signal.setitimer(signal.ITIMER_REAL, ROW_SECONDS)
    try:
        return scorer.answer(values)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
