"""The fingerprint of rows: SHA-256 over their values, the same however they arrived or are stored."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def content_sha256(table: pa.Table) -> str:
    """SHA-256, 64 hexadecimal digits, of the values of ``table`` in the order of its rows and columns.

    It does not depend on chunks, dictionary codes, what lies under a null, the sign of zero or the
    payload of a NaN (NaN and null are both "missing").
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"{name}\0{table.num_rows}\0".encode())
        for part in _canonical(table.column(name)):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _canonical(column: pa.ChunkedArray) -> list[np.ndarray]:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy().astype(np.int64)
        return [lengths, *_text(pc.list_flatten(column))]
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text(column)
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
        return [column.is_valid().to_numpy(), pc.fill_null(column, 0).to_numpy()]
    values = column.cast(pa.float64()).to_numpy().astype(np.float64) + 0.0
    missing = np.isnan(values)
    return [missing, np.where(missing, 0.0, values)]


def _text(column: pa.ChunkedArray) -> list[np.ndarray]:
    """Codes into the sorted distinct strings (-1 for null), then those strings, length first."""
    array: Any = column
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    words = array.dictionary.to_pylist()
    codes = pc.fill_null(array.indices, -1).to_numpy().astype(np.int64)
    used = np.unique(codes[codes >= 0])
    ordered = sorted({words[i] for i in used.tolist()})
    rank = {word: position for position, word in enumerate(ordered)}
    place = np.array([rank.get(word, -1) for word in words] + [-1], dtype=np.int64)
    blob = b"".join(len(w.encode()).to_bytes(4, "big") + w.encode() for w in ordered)
    return [place[codes], np.frombuffer(blob, dtype=np.uint8)]
