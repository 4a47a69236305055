"""The inbox: rows that came by HTTP and wait to be taken into the lake."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from ml_platform.events.posted import PostedRow, Waiting


class InboxStore(Protocol):
    """The part of the ledger that rows wait in; the prediction service puts them there."""

    def posted_rows(self, after: int, limit: int) -> tuple[PostedRow, ...]:
        """The first ``limit`` of the waiting rows whose id is larger than ``after``, in the order of their ids."""
        ...

    def waiting(self) -> Waiting:
        """How many rows wait."""
        ...

    def mark_taken_in(self, ids: Collection[int], at: datetime) -> None:
        """Rows are in the lake, or refused for good, and wait no more; again, it changes nothing."""

    def remove_posted(self, ids: Collection[int]) -> None:
        """Rows go, waiting or not."""
