"""What the supervisor of the service does beside its workers: follows the ledger, keeps the log, guards rollouts.

Nothing here is needed for the first answers: it is imported while workers start.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.job_files import remove_old_jobs
from ml_platform.adapters.serving.ledger_mark import LedgerMark
from ml_platform.adapters.serving.state_file import read_state, write_state
from ml_platform.application.connections import Connections
from ml_platform.application.serving_table import read_serving_table
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.serving.state import ServiceState
from ml_platform.settings import Settings

READ_AT_LEAST_EVERY = 30.0
TIDY_EVERY = 3_600.0
"""Seconds between looks for days of answers to seal, and for old requests."""
_LOG = logging.getLogger(__name__)


class FollowLedger:
    """Writes the state of the service whenever the ledger has changed."""

    def __init__(self, settings: Settings, database: Callable[[], str]) -> None:
        self._settings = settings
        self._database = database
        self._models = [spec.name for spec in installed_catalogue().models]
        self._mark: LedgerMark | None = None
        self._platform = Connections(settings)
        self._seen: tuple[object, ...] = ()
        self._read_at = 0.0

    def __call__(self) -> None:
        """Look once.

        Raises:
            ServiceError: the ledger is not there.
        """
        try:
            if self._mark is None:
                self._url = self._database()
                self._mark = LedgerMark(self._url)
                self._platform = Connections(self._settings)
                self._seen = ()
            self._follow(self._mark)
        except ServiceError:
            if self._mark is not None:
                self._mark.close()
                self._mark = None
            raise

    def _follow(self, mark: LedgerMark) -> None:
        found = mark.read()
        if found == self._seen and time.monotonic() - self._read_at < READ_AT_LEAST_EVERY:
            return
        table = read_serving_table(self._platform, self._models, datetime.now(UTC))
        keys = self._platform.ledger.api_keys()
        state = ServiceState(
            table=table,
            keys=keys,
            home=str(self._settings.home),
            database=_libpq(self._url),
        )
        if not _same(_known(self._settings.serving), state):
            write_state(self._settings.serving, state)
        self._seen, self._read_at = found, time.monotonic()


class GuardRollouts:
    """Looks at the rollouts; what it needs for that is imported when the workers have been started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._look: Callable[[], None] | None = None

    def __call__(self) -> None:
        """Look once."""
        if self._look is None:
            from ml_platform.api.guarding import Guarding

            self._look = Guarding(self._settings)
        self._look()


class KeepLog:
    """Keeps the tables of answers ready, and takes spools back into them."""

    def __init__(self, settings: Settings, database: Callable[[], str]) -> None:
        self._settings = settings
        self._database = database
        self._days: AnswerDays | None = None
        self._prepared = ""
        self._tidy_at = 0.0

    def __call__(self) -> None:
        """Look once.

        Raises:
            ServiceError: the database is not there.
        """
        try:
            if self._days is None:
                self._days, self._prepared = AnswerDays(self._database()), ""
            self._keep(self._days)
        except ServiceError:
            if self._days is not None:
                self._days.close()
                self._days = None
            raise

    def _keep(self, days: AnswerDays) -> None:
        today = datetime.now(UTC).date()
        if self._prepared != str(today):
            days.prepare(today)
            self._prepared = str(today)
        spool = self._settings.spool
        drained = days.drain(spool)
        if drained:
            _LOG.info("%d answers went from the local disk to PostgreSQL", drained)
        if time.monotonic() >= self._tidy_at:
            now = datetime.now(UTC)
            for day in days.seal(spool, now):
                _LOG.info("the answers of %s are sealed", day)
            days.forget_requests(now)
            remove_old_jobs(self._settings.serving)
            self._tidy_at = time.monotonic() + TIDY_EVERY


def _known(folder: Path) -> ServiceState | None:
    """The state as it is stored; ``None`` of one that is damaged, too: it is written again."""
    try:
        return read_state(folder)
    except IntegrityError:
        return None


def _same(stored: ServiceState | None, state: ServiceState) -> bool:
    """Whether a state says nothing but what is stored; when it was read does not count."""
    if stored is None:
        return False
    return replace(stored, table=replace(stored.table, read_at=state.table.read_at)) == state


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)
