"""The online state of a home: goes on from its snapshot with what is new in the lake, and keeps a new one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml_platform import values
from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.imported_code import imported_code
from ml_platform.adapters.lake_in_time import TOLD, LakeInTime
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.online_snapshots import MadeOf, OnlineSnapshots
from ml_platform.errors import IntegrityError
from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import DAY
from ml_platform.features.online.live_features import LiveFeatures
from ml_platform.settings import Settings

_CODE = "ml_platform.features.online.live_features"
_NEVER_KEPT = "no snapshot was kept"
_TOLD_EVERY = 1_000
"""Things after which the progress is told."""


@dataclass(frozen=True)
class CaughtUp:
    """What it took to know all that the lake knows."""

    from_snapshot: bool
    """Whether a snapshot was gone on from, or what was known already; else everything was read from the lake."""
    why: str
    """Why everything was read; empty where it was not."""
    days: int
    """Files of the lake, one a table and day, that were told."""
    told: int
    """Events, suggestions and executions in them, their outcomes and ends counted apart."""
    newest: datetime | None
    """The time of the newest event; ``None`` before the first."""


class OnlineState:
    """The state of one process: ``live`` answers what features are as of now.

    `catch_up` tells it what has come to the lake since; `keep` writes the snapshot from which the next process
    goes on. A snapshot is not used, and the whole lake is read instead, if other SQL or other code made it, if its
    bytes have changed, or if a day of the lake is gone or has events that came more than a day late.
    """

    def __init__(self, settings: Settings) -> None:
        """Compile the features; nothing is known yet."""
        texts = PLATFORM_PROJECT.sql_by_model()
        self._settings = settings
        self._sql = DbtSql(texts)
        self._definition = values.fingerprint(
            (sorted(texts.items()), imported_code([_CODE]).version)
        )
        self._snapshots = OnlineSnapshots(settings)
        self._days: dict[str, str] | None = None
        self.live = LiveFeatures(self._sql)

    def catch_up(self, progress: Callable[[float], None] = lambda share: None) -> CaughtUp:
        """Tell ``live`` what the lake knows and it does not.

        Args:
            progress: Is told the share of it that is done, in [0, 1].

        Raises:
            IntegrityError: a file of the lake is not what was stored.
        """
        stored = self._stored_days()
        why = "" if self._days is not None else self._go_on_from_the_snapshot()
        why = why or self._out_of_reach(stored)
        if why:
            self.live = LiveFeatures(self._sql)
            self._days = {}
        assert self._days is not None
        changed = [name for name, sha256 in stored.items() if self._days.get(name) != sha256]
        told = self._tell(changed, progress)
        self._days = stored
        newest = self.live.events.newest
        return CaughtUp(
            from_snapshot=not why,
            why=why,
            days=len(changed),
            told=told,
            newest=datetime.fromtimestamp(newest / 1e6, UTC) if newest else None,
        )

    def keep(self) -> int:
        """Write the snapshot; returns its bytes.

        Raises:
            UsageError: the disk is full, or the home cannot be written to.
        """
        return self._snapshots.write(MadeOf(self._definition, self._days or {}), self.live.packed())

    def _go_on_from_the_snapshot(self) -> str:
        """Take what the snapshot knows; the reason where it cannot be used."""
        try:
            found = self._snapshots.read()
            if found is None:
                return _NEVER_KEPT
            made_of, arrays = found
            if made_of.definition != self._definition:
                return "the snapshot was made by other SQL or other code"
            self.live.unpack(arrays)
        except IntegrityError as error:
            return f"the snapshot is damaged: {error.message}"
        self._days = made_of.days
        return ""

    def _out_of_reach(self, stored: dict[str, str]) -> str:
        """Why what is known cannot go on: what has changed is older than what may come late."""
        known = self._days or {}
        gone = sorted(known.keys() - stored.keys())
        if gone:
            return f"{gone[0]} is not in the lake any more"
        horizon = self.live.events.newest - self.live.events.slack
        for name in sorted(stored if known else ()):
            has_changed = known.get(name) != stored[name]
            if has_changed and name.startswith("events/") and _end_of(name) <= horizon:
                return f"{name} has changed, of more than a day before the newest event"
        return ""

    def _tell(self, names: list[str], progress: Callable[[float], None]) -> int:
        lake = self._settings.lake
        days = {
            table: [lake / name for name in names if name.startswith(f"{table}/")] for table in TOLD
        }
        Manifest(self._settings.home).require(*(path for of in days.values() for path in of))
        live, told = self.live, 0
        lake_in_time = LakeInTime(self._sql, lake, days=days)
        size = lake_in_time.size()
        tell = {"event": live.event, "suggestion": live.suggestion, "execution": live.execution}
        for happened in lake_in_time.happened(iter(())):
            tell[happened.kind](happened.row)
            told += 1
            if told % _TOLD_EVERY == 0:
                progress(told / size)
        return told

    def _stored_days(self) -> dict[str, str]:
        """The files of days with their hashes, as the manifest has them."""
        manifest, lake = Manifest(self._settings.home), self._settings.lake
        found = {}
        for table in TOLD:
            for name, file in manifest.stored(lake / table).items():
                path = Path(manifest.home / name)
                if "/day=" in name and path.exists():
                    known = file.sha256 if file.announced is None else None
                    found[path.relative_to(lake).as_posix()] = known or values.file_sha256(path)
        return found


def _end_of(name: str) -> int:
    """The end of the day of a file, in microseconds since 1970."""
    day = name.partition("day=")[2].partition("/")[0]
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() * 1e6) + DAY
