"""The fingerprint of rows: SHA-256 over their values, the same however they arrived or are stored."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CODES_AT_ONCE = 1 << 20
"""Words that are looked up at a time: lists of a million rows have two hundred million."""


def content_sha256(table: pa.Table) -> str:
    """SHA-256, 64 hexadecimal digits, of the values of ``table`` in the order of its rows and columns.

    It does not depend on chunks, dictionary codes, what lies under a null, the sign of zero or the
    payload of a NaN (NaN and null are both "missing").
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"{name}\0{table.num_rows}\0".encode())
        for part in _canonical(table.column(name)):
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _canonical(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield pc.fill_null(pc.list_value_length(column), -1).to_numpy().astype(np.int64)
        yield from _text(pc.list_flatten(column))
    elif pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from _text(column)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
        yield column.is_valid().to_numpy()
        yield pc.fill_null(column, 0).to_numpy()
    else:
        values = column.cast(pa.float64()).to_numpy().astype(np.float64) + 0.0
        missing = np.isnan(values)
        yield missing
        yield np.where(missing, 0.0, values)


def _text(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    """Codes into the sorted distinct strings (-1 for null), some at a time, then those strings, length first."""
    array: Any = column
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    words = array.dictionary.to_pylist()
    ordered = sorted({words[i] for i in array.indices.drop_null().unique().to_pylist()})
    rank = {word: position for position, word in enumerate(ordered)}
    place = np.array([rank.get(word, -1) for word in words] + [-1], dtype=np.int64)
    for start in range(0, len(array), CODES_AT_ONCE):
        codes = pc.fill_null(array.indices.slice(start, CODES_AT_ONCE), -1)
        yield place[codes.to_numpy()]
    blob = b"".join(len(w.encode()).to_bytes(4, "big") + w.encode() for w in ordered)
    yield np.frombuffer(blob, dtype=np.uint8)
