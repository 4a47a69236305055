"""The process that knows features as of now: the online state of the home, and who asks for rows of it."""

import asyncio
import gc
import logging
import os
import signal
import time

import msgspec

from ml_platform.adapters.serving.feature_socket import LINE_BYTES, Question, Reply, make_room
from ml_platform.adapters.serving.traces import traces_from
from ml_platform.api.options import WorkerOptions
from ml_platform.application.live_rows import LiveRows
from ml_platform.errors import PlatformError, UsageError
from ml_platform.settings import read_settings

CATCH_UP_EVERY = 20.0
"""Seconds between looks for what is new in the lake."""
HAPPENED = "events"
"""In the place of a table: an event that has happened is told."""
_LOG = logging.getLogger(__name__)
_QUESTION = msgspec.json.Decoder(Question)
_ENCODE = msgspec.json.Encoder().encode


def run_features(options: WorkerOptions) -> None:
    """Answer until SIGTERM, or the end of the supervisor."""
    from ml_platform.adapters.processes import end_with

    end_with(*options.supervisor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s features {os.getpid()} %(message)s"
    )
    logging.getLogger("sqlglot").setLevel(logging.WARNING)
    gc.set_threshold(50_000, 20, 100)
    asyncio.run(_Features(options).run())


class _Stopped(Exception):
    """The process is to end; what was read so far is given up."""


class _Features:
    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._rows = LiveRows(read_settings())
        self._knows = False
        self._began = time.monotonic()
        self._share = 0.0
        self._stopped = False
        self._turn = asyncio.Lock()
        self._traces = traces_from(os.environ, "features")

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        path = make_room(self._options.folder)
        server = await asyncio.start_unix_server(self._serve, str(path), limit=LINE_BYTES)
        async with server:
            following = asyncio.create_task(self._follow())
            await stop.wait()
            self._stopped = True
            following.cancel()
        self._traces.close()

    async def _follow(self) -> None:
        while True:
            began = time.monotonic()
            try:
                async with self._turn:
                    caught_up = await asyncio.to_thread(self._rows.catch_up, self._read_so_far)
                if not self._knows:
                    _LOG.info(
                        "features as of now are at hand after %.1f s", time.monotonic() - began
                    )
                    gc.freeze()
                elif caught_up.told:
                    _LOG.info("%d things are new in the lake", caught_up.told)
                self._knows = True
            except PlatformError as error:
                _LOG.warning("%s", error)
            await asyncio.sleep(CATCH_UP_EVERY)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line = await reader.readuntil(b"\n")
                writer.write(_ENCODE(await self._reply(_QUESTION.decode(line))) + b"\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the worker has ended or has lost patience, or this process ends
        finally:
            writer.close()

    async def _reply(self, question: Question) -> Reply:
        if not self._knows:
            return self._not_yet()
        with self._traces.elsewhere("compute features", question.trace):
            async with self._turn:
                return self._answer(question)

    def _read_so_far(self, share: float) -> None:
        if self._stopped:
            raise _Stopped
        self._share = share

    def _not_yet(self) -> Reply:
        share = self._share
        if share == 0:
            return Reply(
                unknown="Features as of now are not at hand yet.", remedy="ask again in a moment"
            )
        left = (time.monotonic() - self._began) / share * (1 - share)
        return Reply(
            unknown=f"Features as of now are being read from the lake, {share:.0%} so far.",
            remedy=f"ask again in about {max(left, 1):.0f} seconds; the next start goes on from a snapshot",
        )

    def _answer(self, question: Question) -> Reply:
        try:
            if question.table == HAPPENED:
                self._rows.tell_event(question.about)
                return Reply()
            return Reply(self._rows.rows(question.table, question.about))
        except UsageError as error:
            return Reply(refused=error.message, remedy=error.remedy)
        except Exception as error:
            _LOG.error("a question was not answered", exc_info=error)
            return Reply(unknown=f"Features as of now cannot be told: {type(error).__name__}.")
