"""Rows by key, the keys in the order in which they were last added to: those that are out of reach go."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.past_rows import NO_TALLIES, PastRows, Tallies

_SWEPT = 2
"""Keys that are looked at with every row that is added: more than come, so that none waits for ever."""


class KeyedRows:
    """The rows of every key, each kept for ``reach`` microseconds at least."""

    def __init__(self, names: tuple[str, ...], reach: int, tallies: Tallies = NO_TALLIES) -> None:
        """Begin without rows; each has the columns ``names``, of which some have ``tallies``."""
        self.reach = reach
        self._names = names
        self._tallies = tallies
        self._rows: dict[Hashable, PastRows] = {}
        self._none = PastRows(names, tallies)

    def pack(self, packer: Packer, name: str) -> None:
        """Give all rows to a snapshot."""
        packer.rows(name, self._rows, self._names)

    def unpack(self, unpacker: Unpacker, name: str) -> None:
        """Go on with the rows of a snapshot."""
        self._rows = unpacker.rows(name, self._names, self._tallies)

    def items(self) -> Iterable[tuple[Any, PastRows]]:
        """Every key with its rows, the one that was added to last at the end."""
        return self._rows.items()

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, key: Hashable) -> PastRows:
        """The rows of a key; none of a key that has none. Not to be changed."""
        return self._rows.get(key, self._none)

    def add(self, key: Hashable, t: int, row: Mapping[str, Any], newest: int) -> PastRows:
        """Add a row to its key, and drop what is out of reach of ``newest``, the newest time of all."""
        rows = self._rows.pop(key, None)
        if rows is None:
            rows = PastRows(self._names, self._tallies)
        self._rows[key] = rows
        rows.add(t, row)
        horizon = newest - self.reach
        rows.forget_before(horizon)
        for _ in range(_SWEPT):
            oldest = next(iter(self._rows))
            if self._rows[oldest].times[-1] >= horizon:
                break
            del self._rows[oldest]
        return rows
