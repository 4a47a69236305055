"""What is built from events and names their users in a column: feature tables, training sets, recommendations."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.training_set_files import RECORD_FILE, ROWS_FILE
from ml_platform.events.forgotten import USER_ID
from ml_platform.settings import Settings

_ROW_ID = "row_id"


@dataclass(frozen=True)
class HoldingSet:
    """A training set with rows of a person."""

    model: str
    fingerprint: str
    rows: int
    bytes: int


class BuiltFiles:
    """The Parquet files of a home that are made of its lake."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._manifest = Manifest(settings.home)

    def row_ids(self, user_id: str) -> frozenset[str]:
        """The ids that features and training sets give the person's rows: some are made up there."""
        found = set[str]()
        for path in (*self._feature_files(), *self._set_files()):
            rows = _of_user(path, user_id, (_ROW_ID,))
            if rows is not None:
                found |= set(rows.column(_ROW_ID).cast(pa.string()).drop_null().to_pylist())
        return frozenset(found)

    def feature_rows(self, user_id: str) -> int:
        """How many rows of published features are the person's."""
        return sum(_count(path, user_id) for path in self._feature_files())

    def holding_sets(self, user_id: str) -> tuple[HoldingSet, ...]:
        """The training sets with rows of the person."""
        return tuple(
            HoldingSet(path.parent.parent.name, path.parent.name, rows, path.stat().st_size)
            for path in self._set_files()
            if (rows := _count(path, user_id))
        )

    def remove_set(self, holding: HoldingSet) -> None:
        """Remove a training set whole: with other rows it would be another one."""
        folder = self._settings.training_sets / holding.model / holding.fingerprint
        self._manifest.remove(folder / ROWS_FILE, folder / RECORD_FILE)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def remove_features(self) -> None:
        """Remove published features and the warehouse: others' rows look back on those of the person, too.

        The features come last: by their rows a removal that was killed is known not to be at its end.
        """
        shutil.rmtree(self._settings.warehouse.parent, ignore_errors=True)
        features, home = self._settings.features, self._manifest.home
        stored = sorted(home / name for name in self._manifest.stored(features))
        self._manifest.remove(*stored, *(set(features.glob("*/*.parquet")) - set(stored)))
        for folder in features.glob("*"):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def probabilities(self, kept: Iterable[str]) -> tuple[Path, ...]:
        """Estimators' answers, row by row, but for those of the hashes ``kept``."""
        known = set(kept)
        folder = self._settings.home / "estimator_probabilities"
        return tuple(path for path in sorted(folder.glob("*.npz")) if path.stem not in known)

    def page_rows(self, user_id: str) -> dict[Path, int]:
        """Tables beside the pages, such as the recommendations of everybody, with rows of the person."""
        files = sorted(self._settings.reports.glob("**/*.parquet"))
        return {path: rows for path in files if (rows := _count(path, user_id))}

    def remove_page_rows(self, path: Path, user_id: str) -> None:
        """Write such a table without the person's rows."""
        rows = pq.read_table(path, partitioning=None)
        kept = rows.filter(pc.not_equal(rows.column(USER_ID).cast(pa.string()), user_id))
        with self._manifest.replacing(path) as (beside,):
            pq.write_table(kept, beside)

    def _feature_files(self) -> Iterator[Path]:
        yield from sorted(self._settings.features.glob("*/*.parquet"))

    def _set_files(self) -> Iterator[Path]:
        yield from sorted(self._settings.training_sets.glob(f"*/*/{ROWS_FILE}"))


def _count(path: Path, user_id: str) -> int:
    rows = _of_user(path, user_id, ())
    return 0 if rows is None else len(rows)


def _of_user(path: Path, user_id: str, names: tuple[str, ...]) -> pa.Table | None:
    """The person's rows of a file with these columns; ``None`` where it lacks one of them."""
    wanted = (USER_ID, *names)
    if not set(wanted) <= set(pq.read_schema(path).names):
        return None
    rows = pq.read_table(path, columns=list(wanted), partitioning=None)
    return rows.filter(pc.equal(rows.column(USER_ID).cast(pa.string()), user_id))
