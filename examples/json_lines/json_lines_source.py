"""Events from a file of JSON lines, one object an event: `ml-platform run --source json-lines:FILE`."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa

from ml_platform.adapters.sources.dispatch import SourceOptions
from ml_platform.errors import SourceError
from ml_platform.events.schema import TABLES
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.pseudonym import pseudonym


class JsonLinesSource:
    """Keys are columns of the lake's ``events``; ``occurred_at`` is an ISO time with its zone.

    Names of people become ids by the key of the home; what is no column is left out.
    """

    simulated = False
    live = False

    def __init__(self, place: str, options: SourceOptions) -> None:
        self._path = Path(place)
        self._key = options.user_key
        if not self._path.is_file():
            raise SourceError(f"There is no file {place}.", remedy="correct json-lines:FILE")

    @property
    def name(self) -> str:
        """Kind and place."""
        return f"json-lines:{self._path}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """Batches of events, in the order of the lines."""
        with self._path.open(encoding="utf-8") as stream:
            lines = enumerate(stream, start=1)
            while batch := list(islice(lines, BATCH_ROWS)):
                yield "events", pa.Table.from_pylist([self._row(*line) for line in batch])

    def _row(self, number: int, line: str) -> dict[str, object]:
        try:
            content = json.loads(line)
            row = {name: content[name] for name in TABLES["events"].names if name in content}
            row["user_id"] = pseudonym(self._key, content["user_id"])
            row["occurred_at"] = datetime.fromisoformat(content["occurred_at"])
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"Line {number} of {self._path} is no event: {type(error).__name__} {error}.",
                remedy="write one JSON object a line, with user_id and occurred_at at least",
            ) from error
        return row
