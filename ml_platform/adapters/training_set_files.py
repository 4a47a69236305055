"""Training sets as Parquet files under their fingerprint, and windows of published features."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform import values
from ml_platform.adapters.checked_files import checked_bytes
from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.adapters.manifest import manifest_beside
from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import ROW_ID, TIME, TrainingSet, TrainingSetRecord
from ml_platform.training_sets import build
from ml_platform.training_sets.canonical import frame, in_order, series_of, text_columns
from ml_platform.training_sets.stored_column import stored_column

if TYPE_CHECKING:
    import pandas as pd

ROWS_FILE = "rows.parquet"
RECORD_FILE = "record.json"
_REMEDY = "delete the folder of that training set and materialise it again"


def build_training_set(
    features: Path,
    spec: ModelSpec,
    *,
    feature_versions: Mapping[str, str],
    source: str,
    simulated: bool,
    as_of: datetime,
    folder: Path,
) -> TrainingSet:
    """The training set of a published feature table, stored in ``<folder>/<model>/<fingerprint>/``.

    ``features`` is the folder of the table, or a single Parquet file of its rows. See
    `ml_platform.training_sets.build.build` for the other arguments.

    Raises:
        InsufficientData: no features, or too few labelled rows or classes; nothing is written then.
        IntegrityError: a column is missing.
    """
    built = build.build(
        _feature_columns(features, spec),
        spec,
        feature_versions=feature_versions,
        source=source,
        simulated=simulated,
        as_of=as_of,
    )
    path = rows_path(folder, built.record)
    manifest = manifest_beside(folder)
    with manifest.replacing(path, path.parent / RECORD_FILE) as (rows_beside, record_beside):
        _write_once(rows_beside, built.rows, built.record.rows_sha256, folder)
        record_beside.write_text(values.to_json(built.record), encoding="utf-8")
    record = built.record
    del built
    pa.default_memory_pool().release_unused()
    return load_training_set(folder, record)


def _write_once(place: Path, rows: pa.Buffer, sha256: str, folder: Path) -> None:
    """Write the rows, or link to the file of another training set with the same: models of one table share it."""
    manifest = manifest_beside(folder)
    for name, stored in manifest.stored(folder).items():
        known = manifest.home / name
        if stored.sha256 == sha256 and known.name == ROWS_FILE:
            with suppress(OSError):  # it is gone, or the file system has no links
                if values.file_sha256(known) == sha256:
                    place.hardlink_to(known)
                    return
    place.write_bytes(rows)


def load_training_set(folder: Path, record: TrainingSetRecord) -> TrainingSet:
    """The training set that ``record`` names, its bytes checked before they are parsed.

    Raises:
        IntegrityError: the rows are gone, or are not the ones of the record.
    """
    return build.parse(_checked_rows(folder, record), record)


def load_test_rows(folder: Path, record: TrainingSetRecord) -> "pd.DataFrame":
    """The test part alone of the training set that ``record`` names, see `load_training_set`."""
    return build.parse_test_rows(_checked_rows(folder, record), record)


def _checked_rows(folder: Path, record: TrainingSetRecord) -> bytes:
    path = rows_path(folder, record)
    if not path.exists():
        raise IntegrityError(
            f"The rows of training set {record.fingerprint[:12]} are gone ({path}).",
            remedy="materialise the training set again",
        )
    return checked_bytes(path, record.rows_sha256, _REMEDY)


def rows_path(folder: Path, record: TrainingSetRecord) -> Path:
    """The Parquet file of a training set below ``folder``."""
    return folder / record.model / record.fingerprint / ROWS_FILE


def read_window(features: Path, spec: ModelSpec, start: datetime, end: datetime) -> "pd.DataFrame":
    """Rows of people in ``[start, end)`` of a feature table, in the shape that the model was trained on.

    The columns are keys, label (missing where unknown), other logged columns and features.

    Raises:
        IntegrityError: no features file, or columns are missing.
    """
    paths = _published(features)
    build.require_columns(pq.read_schema(paths[0]).names, spec)
    within = (pc.field(TIME) >= pa.scalar(start)) & (pc.field(TIME) < pa.scalar(end))
    people = within & ~pc.field(build.BOT)
    table = pq.read_table(
        list(paths), columns=build.wanted_columns(spec), filters=people, partitioning=None
    )
    return frame(in_order(table.drop_columns([build.BOT])))


@dataclass(frozen=True)
class StoredWindow:
    """Rows of people in some time of a feature table, of which a column is read when it is asked for.

    They are those of `read_window`, in the same order and in the same types.
    """

    parts: tuple[tuple[pq.ParquetFile, pa.Array], ...]
    """Each file of the table, and which of its rows are meant."""

    @property
    def columns(self) -> list[str]:
        """The columns of the table."""
        return list(self.parts[0][0].schema_arrow.names)

    def __getitem__(self, name: str, /) -> "pd.Series[Any]":
        """The values of a column."""
        columns = [stored_column(file, name).filter(rows) for file, rows in self.parts]
        chunks = [chunk for column in columns for chunk in column.chunks]
        return series_of(name, pa.chunked_array(chunks, columns[0].type))


def stored_window(features: Path, start: datetime, end: datetime) -> StoredWindow:
    """The rows of people in ``[start, end)`` of a feature table.

    Raises:
        IntegrityError: no features file.
    """
    paths = _published(features)
    text = text_columns(pq.ParquetFile(paths[0]).schema)
    parts = []
    for path in paths:
        file = pq.ParquetFile(path, read_dictionary=text)
        keys = file.read(columns=[TIME, build.BOT])
        rows = pc.and_(
            pc.and_(pc.greater_equal(keys[TIME], start), pc.less(keys[TIME], end)),
            pc.invert(keys[build.BOT]),
        )
        parts.append((file, rows.combine_chunks()))
    return StoredWindow(tuple(parts))


def read_key(features: Path, key: str, start: datetime, end: datetime) -> "pd.Series[Any]":
    """One key (cluster, source) of each row in ``[start, end)`` of a feature table, under the row's id.

    Raises:
        IntegrityError: no features file.
    """
    paths = _published(features)
    within = (pc.field(TIME) >= pa.scalar(start)) & (pc.field(TIME) < pa.scalar(end))
    table = pq.read_table(list(paths), columns=[ROW_ID, key], filters=within, partitioning=None)
    keys: pd.Series[Any] = table.to_pandas().set_index(ROW_ID)[key]
    return keys


def _published(features: Path) -> tuple[Path, ...]:
    paths = parquet_files(features)
    if not paths:
        raise IntegrityError(
            f"There are no features ({features}).", remedy="materialise the features"
        )
    return paths


def newest_moment(features: Path) -> datetime | None:
    """The time of the newest row of a feature table; ``None`` where it has no row, or is not published."""
    paths = parquet_files(features)
    if not paths:
        return None
    newest: datetime | None = pc.max(pq.read_table(paths[-1], columns=[TIME])[TIME]).as_py()
    return newest


@dataclass(frozen=True)
class _StoredColumns:
    """The columns of a published feature table, each read when it is asked for."""

    files: tuple[pq.ParquetFile, ...]
    """The parts of the table, each opened once."""
    column_names: list[str]

    def column(self, name: str) -> pa.ChunkedArray:
        """The values of all rows."""
        parts = [stored_column(file, name) for file in self.files]
        return pa.chunked_array([chunk for part in parts for chunk in part.chunks], parts[0].type)


def _feature_columns(features: Path, spec: ModelSpec) -> _StoredColumns:
    """The columns that ``spec`` needs of a published feature table."""
    paths = parquet_files(features)
    if not paths:
        raise InsufficientData(
            f"There are no features to train {spec.name} on ({features}).",
            remedy="materialise the features first; a source without events has none",
        )
    parquet = pq.ParquetFile(paths[0])
    build.require_columns(parquet.schema_arrow.names, spec)
    text = text_columns(parquet.schema)
    files = tuple(pq.ParquetFile(path, read_dictionary=text) for path in paths)
    build.require_any_row(sum(file.metadata.num_rows for file in files), spec)
    return _StoredColumns(files, build.wanted_columns(spec))
