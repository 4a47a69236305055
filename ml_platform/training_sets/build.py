"""Builds a training set with a fingerprint of the rows of a feature table, and parses it again; opens no files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform import values
from ml_platform.arrays import Codes
from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.spec.data_need import MINIMUM_TRAIN_ROWS
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import (
    CHANGE_SET,
    CLUSTER,
    KEYS,
    ROW_ID,
    TIME,
    Split,
    TrainingSet,
    TrainingSetRecord,
)
from ml_platform.training_sets.canonical import as_series, canonical, places_in_time, text_columns
from ml_platform.training_sets.identity import content_sha256
from ml_platform.training_sets.stored_column import stored_column
from ml_platform.training_sets.time_split import (
    MICROSECOND,
    TimeSplit,
    split_at,
    split_by_time,
)

if TYPE_CHECKING:
    import pandas as pd

BOT = "is_bot"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeatureColumns(Protocol):
    """The columns of a feature table, each of which may be read when it is asked for; a table is one."""

    @property
    def column_names(self) -> list[str]:
        """The columns, in their order."""

    def column(self, name: str) -> pa.ChunkedArray:
        """The values of all rows."""


@dataclass(frozen=True)
class BuiltTrainingSet:
    """A training set as it is stored: the record, and the rows as a Parquet file."""

    record: TrainingSetRecord
    rows: pa.Buffer


def build(
    features: FeatureColumns,
    spec: ModelSpec,
    *,
    feature_versions: Mapping[str, str],
    source: str,
    simulated: bool,
    as_of: datetime,
) -> BuiltTrainingSet:
    """Labelled rows of people before ``as_of``, split by time.

    Duplicates of a row id, the order of rows and columns that are no feature change nothing.

    Args:
        features: the `wanted_columns` of ``spec``; one after the other is asked for, so that no more than one of
            them is in memory as it was published.
        spec: the model to train.
        feature_versions: the version of each feature of ``spec``.
        source: the label of the source of the events.
        simulated: whether the events are simulated.
        as_of: rows at or after this moment are left out.

    Raises:
        InsufficientData: too few labelled rows or classes; the message says what is missing.
    """
    known = spec.required_column or spec.label
    places = _places(features, known, as_of)
    names = [name for name in features.column_names if name != BOT]
    table = pa.table({name: canonical(name, features.column(name).take(places)) for name in names})
    _require_rows(table, spec, known)
    parts = split_by_time(
        _codes(table, CHANGE_SET), _times(table), spec.test_share, spec.label_delay
    )
    _require_positives(table, spec, parts)
    _require_variety(table, spec, parts)
    split = _describe(table, parts, spec.label_delay)
    versions = {name: str(feature_versions[name]) for name in spec.features}
    identity = (
        spec.name,
        content_sha256(table),
        versions,
        (spec.table.name, spec.label, *spec.extra_columns),
        split,
    )
    rows = _parquet(table)
    record = TrainingSetRecord(
        model=spec.name,
        fingerprint=values.fingerprint(identity),
        rows_sha256=hashlib.sha256(rows).hexdigest(),
        source=source,
        simulated=simulated,
        table=spec.table.name,
        label=spec.label,
        classes=_classes(table, spec, parts),
        features=tuple(spec.features),
        feature_versions=versions,
        split=split,
        as_of=as_of,
    )
    return BuiltTrainingSet(record, rows)


def parse(rows: bytes | pa.Buffer, record: TrainingSetRecord) -> TrainingSet:
    """The training set with this ``record``; ``rows`` is its Parquet file, whose hash the caller has checked."""
    stored, at = _stored(rows, record)
    train, test = _frames(stored, (pa.array(at.train), pa.array(at.test)))
    return TrainingSet(record, train, test)


def parse_test_rows(rows: bytes | pa.Buffer, record: TrainingSetRecord) -> "pd.DataFrame":
    """The test part alone of the training set with this ``record``, see `parse`."""
    stored, at = _stored(rows, record)
    (test,) = _frames(stored, (pa.array(at.test),))
    return test


def _stored(rows: bytes | pa.Buffer, record: TrainingSetRecord) -> tuple[pq.ParquetFile, TimeSplit]:
    """The file of a training set, and which of its rows are in which part."""
    text = text_columns(pq.ParquetFile(pa.BufferReader(rows)).schema)
    stored = pq.ParquetFile(pa.BufferReader(rows), read_dictionary=text)
    keys = stored.read(columns=[CHANGE_SET, TIME])
    at = split_at(
        _codes(keys, CHANGE_SET),
        _times(keys),
        (record.split.train_until - _EPOCH) // MICROSECOND,
        (record.split.test_from - _EPOCH) // MICROSECOND,
    )
    return stored, at


def _frames(stored: pq.ParquetFile, parts: tuple[pa.Array, ...]) -> "tuple[pd.DataFrame, ...]":
    """The rows of each of the ``parts``; column by column, since two tables at once are half a gigabyte."""
    import pandas as pd

    frames: tuple[dict[str, object], ...] = tuple({} for _ in parts)
    for name in stored.schema_arrow.names:
        column = stored_column(stored, name)
        for frame, part in zip(frames, parts, strict=True):
            frame[name] = as_series(column.filter(part))
    pa.default_memory_pool().release_unused()  # 0.4 GB of 0.9 for 330,000 rows
    return tuple(pd.DataFrame(frame) for frame in frames)


def wanted_columns(spec: ModelSpec) -> list[str]:
    """The columns of the feature table that the model needs: keys, label, other logged columns, features.

    Last come the columns by which single features are counted, where they are none of these.
    """
    known = (spec.required_column,) if spec.required_column else ()
    clusters = (each.cluster for each in spec.table.features if each.name in spec.features)
    columns = (*KEYS, BOT, spec.label, *known, *spec.extra_columns, *spec.features, *clusters)
    return list(dict.fromkeys(columns))


def require_columns(present: Sequence[str], spec: ModelSpec) -> None:
    """Check that the feature table has the `wanted_columns`, and that each feature of ``spec`` is declared.

    Raises:
        IntegrityError: a column is missing, or a feature has no declaration.
    """
    missing = [name for name in wanted_columns(spec) if name not in present]
    if missing:
        raise IntegrityError(
            f"The table {spec.table.name} lacks {', '.join(missing)}.",
            remedy="build the features again: the stored table and the feature catalogue differ",
        )
    declared = {feature.name for feature in spec.table.features}
    undeclared = [name for name in spec.features if name not in declared]
    if undeclared:
        raise IntegrityError(
            f"Features without a declaration: {', '.join(undeclared)}.",
            remedy=f"declare them in the feature table {spec.table.name}",
        )


def require_any_row(count: int, spec: ModelSpec) -> None:
    """Check that the feature table has rows at all.

    Raises:
        InsufficientData: ``count`` is 0; the message says what a row is.
    """
    if count == 0:
        raise InsufficientData(
            f"There is no row of {spec.table.name} ({spec.table.title.rstrip('.')}): this source has no "
            f"{' or '.join(spec.needed_tables)} that give one.",
            remedy="ingest a longer or fuller history; the other models do not wait for it",
        )


def _places(features: FeatureColumns, known: str, as_of: datetime) -> pa.Array:
    """The places of the rows of people with a value in ``known``, as `places_in_time` orders them."""
    times = features.column(TIME)
    keep = pc.and_(pc.is_valid(features.column(known)), pc.invert(features.column(BOT)))
    kept = pc.indices_nonzero(pc.and_(keep, pc.less(times, pa.scalar(as_of, type=times.type))))
    return kept.take(places_in_time(times.take(kept), features.column(ROW_ID).take(kept)))


def _parquet(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _require_rows(table: pa.Table, spec: ModelSpec, known: str) -> None:
    if table.num_rows < MINIMUM_TRAIN_ROWS:
        raise InsufficientData(
            f"{table.num_rows} rows of {spec.table.name} of people have a {known}; "
            f"at least {MINIMUM_TRAIN_ROWS} are needed.",
            remedy=f"ingest labelled rows: the column {known} is empty in this source, or nearly so",
        )


def _require_positives(table: pa.Table, spec: ModelSpec, parts: TimeSplit) -> None:
    positive = spec.task.positive
    if not positive:
        return
    label = table.column(spec.label).filter(pa.array(parts.test))
    known = len(label) - label.null_count
    if not pc.any(pc.equal(label, positive)).as_py():
        raise InsufficientData(
            f"None of the {len(label):,} test rows has {positive!r} in {spec.label} ({known:,} have a value); "
            "at least 1 is needed to tell what is found and what is missed.",
            remedy="ingest a longer history, or more reports",
        )


def _require_variety(table: pa.Table, spec: ModelSpec, parts: TimeSplit) -> None:
    """Refuse a label that is nearly constant, before minutes are spent on a fit that can only repeat it."""
    if spec.largest_class_share >= 1.0:
        return
    learned = table.column(spec.label).filter(pa.array(parts.train)).drop_null()
    counts = pc.value_counts(learned).to_pylist()
    if not counts:
        return
    most = max(counts, key=lambda entry: int(entry["counts"]))
    share = most["counts"] / len(learned)
    if share > spec.largest_class_share:
        raise InsufficientData(
            f"{spec.label} is {most['values']!r} in {share:.1%} of the {len(learned):,} training rows: above "
            f"{spec.largest_class_share:.0%} there is nothing to learn but to say it always.",
            remedy="a source with more varied work; the other models do not wait for it",
        )


def _classes(table: pa.Table, spec: ModelSpec, parts: TimeSplit) -> tuple[str, ...]:
    """The classes that the model declares; else the values of the label, or the name of a numeric label."""
    label = table.column(spec.label)
    learned, rows = label.filter(pa.array(parts.train)), int(parts.train.sum())
    values = len(_values(learned))
    enough = 1 if spec.classes else 2
    if rows < MINIMUM_TRAIN_ROWS or (values < enough and not spec.required_column):
        raise InsufficientData(
            f"The training part has {rows} rows of {values} value(s) of {spec.label}; "
            f"at least {MINIMUM_TRAIN_ROWS} rows and {enough} value(s) are needed.",
            remedy="ingest a longer or more varied labelled history",
        )
    if spec.classes:
        return spec.classes
    if pa.types.is_floating(label.type):
        return (spec.label,)
    return (*sorted(_values(label)), *spec.task.extra_classes)


def _values(label: pa.ChunkedArray) -> set[str]:
    """Distinct values, of lists those in them."""
    if pa.types.is_list(label.type):
        label = pc.list_flatten(label)
    return set(label.unique().drop_null().to_pylist())


def _describe(table: pa.Table, parts: TimeSplit, gap: timedelta) -> Split:
    clusters = _codes(table, CLUSTER)
    return Split(
        train_until=_moment(parts.train_until_us),
        test_from=_moment(parts.test_from_us),
        gap=gap,
        rows_train=int(parts.train.sum()),
        rows_gap=int((~parts.train & ~parts.test).sum()),
        rows_test=int(parts.test.sum()),
        clusters_train=len(np.unique(clusters[parts.train])),
        clusters_test=len(np.unique(clusters[parts.test])),
    )


def _codes(table: pa.Table, column: str) -> Codes:
    array = table.column(column).combine_chunks()
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes: Codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _times(table: pa.Table) -> Codes:
    times: Codes = table.column(TIME).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    return times


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
