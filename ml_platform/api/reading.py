"""Reads of the ledger for routes: in threads of their own, a few at once, so that no prediction waits for one."""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ml_platform.api.problems import Kind, Refused
from ml_platform.application.connections import Connections, ServedHome
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.settings import Settings, read_settings

if TYPE_CHECKING:
    from ml_platform.adapters.serving.answer_reader import AnswerReader
    from ml_platform.api.worker import Worker

T = TypeVar("T")
AT_ONCE = 2
"""Reads that run at the same time."""
SWITCH_SECONDS = 0.001
"""How long a read may compute before a prediction has its turn; Python's own 5 ms would show in every latency."""
MOST_WAITING = 30
"""Reads that run or wait; of more, the next one is refused."""
READ_SECONDS = 5.0
"""How long a request waits for its read."""
_STATEMENT_MS = 4_000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """What a read may look at."""

    platform: Connections
    """The ledger of the home; nothing is ever started for it."""
    answers: "AnswerReader"


class Reading:
    """The reads of one worker."""

    def __init__(
        self,
        settings: Settings,
        database: Callable[[], str],
        *,
        at_once: int = AT_ONCE,
        seconds: float = READ_SECONDS,
    ) -> None:
        """Nothing is opened before the first read.

        Args:
            settings: The home.
            database: Where the ledger is now, as libpq reads it; empty while that is not known.
            at_once: Reads that run at the same time.
            seconds: How long a request waits for its read.
        """
        self._seconds = seconds
        self._settings = settings
        self._database = database
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="reading")
        self._lock = threading.Lock()
        self._waiting = 0
        self._opened: tuple[str, Sources | None] = ("", None)

    @classmethod
    def of(
        cls, worker: "Worker", *, at_once: int = AT_ONCE, seconds: float = READ_SECONDS
    ) -> "Reading":
        """The reads of a worker, at the address that it follows."""
        sys.setswitchinterval(SWITCH_SECONDS)
        settings = replace(read_settings(), home=worker.options.home)
        return cls(settings, lambda: worker.state.database, at_once=at_once, seconds=seconds)

    async def ask(self, read: Callable[[Sources], T]) -> T:
        """What ``read`` returns.

        Raises:
            Refused: too many read, it took too long, or the ledger does not answer or is damaged.
        """
        if self._waiting >= MOST_WAITING:
            raise _unavailable(f"{MOST_WAITING} reads of the ledger wait already.")
        self._waiting += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._read, read)
        work.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(work)
        except TimeoutError as error:
            raise _unavailable(f"It took more than {self._seconds:g} seconds.") from error
        except ServiceError as error:
            _LOG.warning("%s", error)
            raise _unavailable("The ledger does not answer.") from error
        except IntegrityError as error:
            raise Refused(Kind.UNAVAILABLE, error.message, remedy=error.remedy) from error

    def close(self) -> None:
        """Give threads and connections back; a read that runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: "asyncio.Future[T]") -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()

    def _read(self, read: Callable[[Sources], T]) -> T:
        return read(self._sources())

    def _sources(self) -> Sources:
        """The sources at the present address of the ledger."""
        from ml_platform.adapters.serving.answer_reader import AnswerReader

        database = self._database()
        with self._lock:
            known, sources = self._opened
            if sources is not None and known == database:
                return sources
            if not database:
                raise ServiceError(
                    "Where the ledger is has not been read yet.", remedy="ask again in a moment"
                )
            url = _bounded(database)
            sources = Sources(ServedHome(self._settings, url), AnswerReader(url))
            self._opened = (database, sources)
            return sources


def _bounded(database: str) -> str:
    """The address for SQLAlchemy, with limits of time for connecting and for each statement."""
    url = database.replace("postgresql://", "postgresql+psycopg2://", 1)
    limits = f"connect_timeout=3&options=-c%20statement_timeout%3D{_STATEMENT_MS}"
    return f"{url}{'&' if '?' in url else '?'}{limits}"


def _unavailable(detail: str) -> Refused:
    return Refused(
        Kind.UNAVAILABLE,
        detail,
        remedy="ask again in a moment; `ml-platform doctor` looks at the database",
        retry_after=2,
    )
