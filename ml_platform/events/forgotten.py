"""People who were forgotten: their rows are never taken in again, and none of their ids is stored.

What is kept of a person is a keyed hash. Without the key of the home nobody can try out ids against it; with it the
rows of a source are told apart before anything of them is stored, be it in the lake or in quarantine.
"""

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.events.coerce import Mask, to_type
from ml_platform.events.schema import IDENTITY, TABLES

USER_ID = "user_id"
ROW_IDS = tuple(
    sorted({name for names in IDENTITY.values() for name in names} - {USER_ID, "target"})
)
SHARED_IDS = ("session_id", "change_set_id")
"""Columns that name what several rows, and perhaps several people, belong to."""
_PIECES = re.compile(r"[\s,;|]+")
_OUTER = "\"'"


def tombstone(key: bytes, user_id: str) -> str:
    """HMAC-SHA256 of a user id, 64 hexadecimal digits: all that is kept of somebody who was forgotten.

    >>> tombstone(b"k" * 32, "ann") == tombstone(b"k" * 32, "ann"), tombstone(b"l" * 32, "ann")[:8]
    (True, 'b5d5f3e3')
    """
    return hmac.new(key, b"forgotten\0" + user_id.encode(), "sha256").hexdigest()


@dataclass(frozen=True)
class Forgotten:
    """Those whose rows are left out; nobody by default."""

    key: bytes = field(default=b"", repr=False)
    tombstones: frozenset[str] = frozenset()

    def is_one(self, text: str) -> bool:
        """Whether a text is the id of one of them."""
        return tombstone(self.key, text) in self.tombstones

    def owns(self, table: str, rows: pa.Table) -> Mask:
        """The rows of a source that are theirs, by their user id as the lake would store it."""
        mask: Mask = np.zeros(len(rows), bool)
        if not self.tombstones or USER_ID not in rows.column_names:
            return mask
        ids = to_type(rows.column(USER_ID), TABLES[table].field(USER_ID), table).values
        theirs = [each for each in pc.unique(ids).drop_null().to_pylist() if self.is_one(each)]
        if theirs:
            mask |= pc.is_in(ids, value_set=pa.array(theirs, ids.type)).to_numpy(
                zero_copy_only=False
            )
        return mask

    def named_in(self, refused: pa.Table) -> Mask:
        """The refused rows (`quality.REFUSED`) that are theirs.

        A row that has a user is that user's. Of one without, such as a line that could not be read, each value and
        each word may be the id.
        """
        named: Mask = np.zeros(len(refused), bool)
        if not self.tombstones:
            return named
        for place, text in enumerate(refused.column("row").to_pylist()):
            row = json.loads(text)
            user = row.get(USER_ID)
            named[place] = (
                any(self._names_one(each) for each in _texts(row))
                if user in (None, "")
                else self.is_one(str(user))
            )
        return named

    def _names_one(self, text: str) -> bool:
        pieces = {text, text.strip(), *(piece.strip(_OUTER) for piece in _PIECES.split(text))}
        return any(self.is_one(piece) for piece in pieces)


class LeftOut:
    """The rows of forgotten people that one reading of a source has met: how many, and their ids.

    Ceilings name no person but a row; they wait until all other rows have come.
    """

    def __init__(self, forgotten: Forgotten) -> None:
        self._forgotten = forgotten
        self._row_ids: set[str] = set()
        self.rows: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._forgotten.tombstones)

    def without_theirs(self, table: str, rows: pa.Table) -> pa.Table:
        """The rows of everybody else."""
        theirs = self._forgotten.owns(table, rows)
        self._row_ids |= row_ids_of(rows.filter(pa.array(theirs)))
        return self._kept(table, rows, theirs)

    def without_named(self, table: str, refused: pa.Table) -> pa.Table:
        """The refused rows that name none of them."""
        return self._kept(table, refused, self._forgotten.named_in(refused))

    def without_their_ceilings(self, rows: pa.Table) -> pa.Table:
        """The ceilings of the rows of everybody else."""
        theirs = ceilings_of(rows.column("row_id"), self._row_ids, self._forgotten.is_one)
        return self._kept("ceilings", rows, theirs)

    def _kept(self, table: str, rows: pa.Table, theirs: Mask) -> pa.Table:
        self.rows[table] += int(theirs.sum())
        return rows.filter(pa.array(~theirs)) if theirs.any() else rows


def ceilings_of(named: pa.ChunkedArray, row_ids: Set[str], is_one: Callable[[str], bool]) -> Mask:
    """The ceilings of somebody's rows: those that name one, ``row:alternative`` or ``user@day``, as features do."""
    mask: Mask = np.zeros(len(named), bool)
    users: dict[str, bool] = {}
    for place, name in enumerate(named.to_pylist()):
        row, user = str(name).rpartition(":")[0], str(name).rpartition("@")[0]
        if user and user not in users:
            users[user] = is_one(user)
        mask[place] = name in row_ids or row in row_ids or users.get(user, False)
    return mask


def row_ids_of(rows: pa.Table) -> set[str]:
    """The ids by which other tables name rows, their sessions and their change sets."""
    names = [name for name in (*ROW_IDS, *SHARED_IDS) if name in rows.column_names]
    found: set[str] = set()
    for name in names:
        found |= {str(value) for value in rows.column(name).to_pylist() if value is not None}
    return found


def _texts(value: object) -> list[str]:
    """Every text in a value of JSON; the names of its fields aside."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [] if value is None else [str(value)]
