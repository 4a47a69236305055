"""Rows by key as flat arrays: what a snapshot of the online state is written as, without pickle.

A value that is no whole number stands once in a vocabulary, which is JSON, and is a place in it everywhere else; so
are keys. Times and whole numbers are arrays as they are.
"""

import json
from array import array
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import IntegrityError
from ml_platform.features.online.past_rows import NO_TALLIES, PastRows, Tallies

Arrays = Mapping[str, Array]
_VOCABULARY = "vocabulary"


class Packer:
    """Collects the arrays of a snapshot, and the vocabulary that they share."""

    def __init__(self) -> None:
        """Begin without arrays."""
        self.arrays: dict[str, Array] = {}
        self._places: dict[tuple[type, Hashable], int] = {}

    def rows(self, name: str, rows: Mapping[Any, PastRows], columns: Iterable[str]) -> None:
        """Take the rows of every key, each with the ``columns``."""
        self.arrays[f"{name}/keys"] = self._coded(rows)
        self.arrays[f"{name}/sizes"] = np.array([len(each) for each in rows.values()], np.int64)
        self.arrays[f"{name}/times"] = _joined([each.times for each in rows.values()])
        for column in columns:
            values = [value for each in rows.values() for value in each.columns[column]]
            whole = all(type(value) is int for value in values)
            taken: Array = np.array(values, np.int64) if whole else self._coded(values)
            self.arrays[f"{name}/{column}{'' if whole else '/coded'}"] = taken

    def number(self, name: str, value: int) -> None:
        """Take a whole number."""
        self.arrays[name] = np.array([value], np.int64)

    def finished(self) -> dict[str, Array]:
        """All arrays, the vocabulary among them as the bytes of its JSON."""
        words = json.dumps([_as_list(word) for _, word in self._places])
        return self.arrays | {_VOCABULARY: np.frombuffer(words.encode(), np.uint8)}

    def _coded(self, values: Iterable[Hashable]) -> Array:
        places = self._places  # with their types: True is no 1, and 1 no 1.0
        codes = [places.setdefault((type(value), value), len(places)) for value in values]
        return np.array(codes, np.int64)


class Unpacker:
    """Gives back what a `Packer` has taken."""

    def __init__(self, arrays: Arrays) -> None:
        """Read the vocabulary of ``arrays``.

        Raises:
            IntegrityError: there is none.
        """
        self._arrays = arrays
        self._words = vocabulary(arrays)

    def rows(
        self, name: str, columns: Iterable[str], tallies: Tallies = NO_TALLIES
    ) -> dict[Any, PastRows]:
        """The rows of every key."""
        names = tuple(columns)
        keys = self._decoded(f"{name}/keys")
        ends = np.cumsum(self._array(f"{name}/sizes")).tolist()
        times = self._array(f"{name}/times")
        values = {column: self._column(f"{name}/{column}") for column in names}
        found: dict[Any, PastRows] = {}
        begin = 0
        for key, end in zip(keys, ends, strict=True):
            kept = {column: of[begin:end] for column, of in values.items()}
            found[key] = PastRows.of(array("q", times[begin:end].tobytes()), kept, tallies)
            begin = end
        return found

    def number(self, name: str) -> int:
        """A whole number."""
        return int(self._array(name)[0])

    def _column(self, name: str) -> list[Any]:
        if name in self._arrays:
            whole: list[Any] = self._arrays[name].tolist()
            return whole
        return self._decoded(f"{name}/coded")

    def _decoded(self, name: str) -> list[Any]:
        words = self._words
        return [words[code] for code in self._array(name).tolist()]

    def _array(self, name: str) -> Array:
        return _named(self._arrays, name)


def vocabulary(arrays: Arrays) -> list[Any]:
    """Every value and key of a snapshot that is no whole number, each once.

    Raises:
        IntegrityError: the arrays have none.
    """
    return [_as_tuple(word) for word in json.loads(_named(arrays, _VOCABULARY).tobytes())]


def _named(arrays: Arrays, name: str) -> Array:
    if name not in arrays:
        raise IntegrityError(
            f"The snapshot of the online state has no {name}.",
            remedy="delete it; the state is then read from the lake",
        )
    return arrays[name]


def _joined(times: "list[array[int]]") -> Array:
    flat = array("q")
    for each in times:
        flat.extend(each)
    return np.frombuffer(flat, np.int64) if flat else np.zeros(0, np.int64)


def _as_list(value: Any) -> Any:
    return [_as_list(each) for each in value] if isinstance(value, tuple) else value


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(each) for each in value) if isinstance(value, list) else value
