"""The protocol of a source of events: a name, its kind, and batches of rows."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import pyarrow as pa

BATCH_ROWS = 50_000
"""Rows of a batch, at most, so that a source of any size is read in bounded memory (15 MB or so)."""


class Source(Protocol):
    """A place that events are read from.

    ``batches`` may be called again and then gives the same rows. Rows carry the column names of
    `ml_platform.events.schema.TABLES`; columns that may be null may be missing, ``received_at``,
    ``change_set_id``, ``source`` and ``is_bot`` have defaults (`ml_platform.events.quality`); nothing is
    validated yet.
    """

    @property
    def name(self) -> str:
        """Kind and place, such as ``git:/srv/project.git``: it is stored with every row."""

    @property
    def simulated(self) -> bool:
        """Whether the events are simulated: every figure that follows is then labelled SIMULATED."""

    @property
    def live(self) -> bool:
        """Whether new events keep coming: a newest event that is too old then fails, else it is a note."""

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """Pairs of a table's name and some of its rows, `BATCH_ROWS` at most.

        Raises:
            SourceError: it cannot be read; the message has the field, the value and the remedy.
        """


@runtime_checkable
class WithCheck(Protocol):
    """A source that can be looked at before it is read, and before any server is started for it."""

    def check(self) -> None:
        """See whether what it names is there, and whether its map fits.

        Raises:
            SourceError: it cannot be read; the message has the field, the value and the remedy.
        """


@runtime_checkable
class WithNotes(Protocol):
    """A source that has notes for a person once its batches were read, such as the limits of a shallow clone."""

    @property
    def notes(self) -> tuple[str, ...]:
        """One line each, for a person."""


@runtime_checkable
class WithContent(Protocol):
    """A source that can tell in a moment whether it is what it was when it was read."""

    def content(self) -> str:
        """A hash of everything that reading it would see: the same hash, the same rows.

        Raises:
            SourceError: it cannot be read; the message has the field, the value and the remedy.
        """
