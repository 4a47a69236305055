"""What the service has answered for a person: rows and payloads, answers to repeated requests, spools."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from ml_platform import files
from ml_platform.adapters.ledger.answer_seals import FIXED, change_seals
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving.spool import held, left_spools, line_of, lines_in, refused_files
from ml_platform.adapters.serving.state_file import read_state, remove_state
from ml_platform.errors import IntegrityError
from ml_platform.retention.mentions import Mentions
from ml_platform.serving.answer_row import AnswerRow
from ml_platform.settings import Settings

_THEIRS = "(user_id = :user OR row_id <> '' AND row_id = ANY(:rows))"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_COUNTED = f"SELECT count(*) FROM answers WHERE {_THEIRS}"
_REQUESTS = f"""
FROM repeated_requests r WHERE EXISTS (
    SELECT FROM regexp_matches(r.response, '{_UUID}', 'g') AS named(ids)
    WHERE CAST(named.ids[1] AS uuid) IN (SELECT prediction_id FROM answers WHERE {_THEIRS})
)
"""
_PAYLOADS = f"""
DELETE FROM answer_payloads p USING answers a
WHERE p.day = a.day AND p.prediction_id = a.prediction_id AND {_THEIRS}
"""
# The id of a row is what a client has sent: of an outcome it counts where it is nobody else's.
_OUTCOMES = """
DELETE FROM outcomes o WHERE (o.model, o.row_id) IN (
    SELECT model, row_id FROM answers WHERE user_id = :user AND row_id <> ''
    EXCEPT SELECT model, row_id FROM answers WHERE user_id <> :user
    EXCEPT SELECT model, row_id FROM predictions WHERE user_id <> :user
)
"""
_ANSWERS = f"""
WITH gone AS (DELETE FROM answers WHERE {_THEIRS} RETURNING *)
SELECT day, -count(*) AS rows, -sum(row_hash(gone::text)) AS digest FROM gone GROUP BY day
"""


class AnswerRows:
    """The tables of answers, as somebody who is to be forgotten sees them."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def count(self, user_id: str, row_ids: frozenset[str]) -> int:
        """How many answers are the person's, with those that are kept for repeated requests."""
        asked = {"user": user_id, "rows": sorted(row_ids)}
        queries = (_COUNTED, f"SELECT count(*) {_REQUESTS}")
        with self._engine.connect() as connection:
            return sum(int(connection.scalar(sa.text(query), asked)) for query in queries)

    def remove(self, user_id: str, row_ids: frozenset[str]) -> None:
        """Delete them with all that hangs on them, and subtract them from the seals of their days: all or nothing.

        A seal is changed by the hashes of the rows that go, so whatever else was done to a day is seen as before.
        """
        asked = {"user": user_id, "rows": sorted(row_ids)}
        with self._engine.begin() as connection:
            connection.execute(sa.text(FIXED))
            for query in (f"DELETE {_REQUESTS}", _PAYLOADS, _OUTCOMES):
                connection.execute(sa.text(query), asked)
            gone = connection.execute(sa.text(_ANSWERS), asked).all()
            change_seals(connection, ((row.day, row.rows, row.digest) for row in gone))


class ServiceFiles:
    """The folder of the service, as somebody who is to be forgotten sees it."""

    def __init__(self, settings: Settings) -> None:
        self._folder, self._spool = settings.serving, settings.spool

    def spooled(self, user_id: str, row_ids: frozenset[str], mentions: Mentions) -> int:
        """How many answers in spools, and beside them, are the person's; those being written included."""
        theirs = _whose(user_id, row_ids, mentions)
        return sum(theirs(row) for row in lines_in(self._spool))

    def remove_spooled(self, user_id: str, row_ids: frozenset[str], mentions: Mentions) -> None:
        """Write spools again without the person's answers, but for those that are being written at this moment."""
        theirs = _whose(user_id, row_ids, mentions)
        for left in left_spools(self._spool, wait=True):
            rows: list[AnswerRow | bytes] = [*left.rows, *left.unreadable]
            _write_others(left.path, rows, theirs)
        with held(self._spool):
            for path, lines in refused_files(self._spool):
                _write_others(path, lines, theirs)

    def state_names(self, user_id: str, mentions: Mentions) -> bool:
        """Whether the state that workers follow names the person: as the holder of an API key, or in one."""
        try:
            state = read_state(self._folder)
        except IntegrityError:
            return True
        if state is None:
            return False
        keys = msgspec.json.encode(state.keys).decode()
        return any(key.user_id == user_id for key in state.keys) or mentions.count(keys) > 0

    def remove_state(self) -> None:
        """Remove that state: the service reads it again from the ledger."""
        remove_state(self._folder)


def _whose(
    user_id: str, row_ids: frozenset[str], mentions: Mentions
) -> Callable[[AnswerRow | bytes], bool]:
    """Whether an answer is the person's; a line that is none is theirs if it names them."""

    def theirs(row: AnswerRow | bytes) -> bool:
        if isinstance(row, AnswerRow):
            return row.user_id == user_id or (row.row_id != "" and row.row_id in row_ids)
        return mentions.count(row.decode(errors="surrogateescape")) > 0

    return theirs


def _write_others(
    path: Path, rows: Sequence[AnswerRow | bytes], theirs: Callable[[AnswerRow | bytes], bool]
) -> None:
    """Write a file again without the rows that are theirs; one that has no others goes."""
    others = [row for row in rows if not theirs(row)]
    if len(others) == len(rows):
        return
    if not others:
        path.unlink()
        return
    with files.replacing(path) as beside:
        beside.touch(mode=0o600)
        beside.write_bytes(
            b"".join(line_of(row) if isinstance(row, AnswerRow) else row for row in others)
        )
