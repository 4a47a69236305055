"""The inbox in memory."""

from collections.abc import Collection
from datetime import datetime

from ml_platform.events.posted import PostedRow, Waiting


class InMemoryInbox:
    """The part of `InMemoryLedger` that rows wait in. Methods: see `inbox_store.InboxStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[int, PostedRow] = {}
        """Every row by its id: where whoever tests puts them."""
        self._taken_in: dict[int, datetime] = {}

    def posted_rows(self, after: int, limit: int) -> tuple[PostedRow, ...]:
        """Waiting rows in order."""
        waiting = sorted(set(self.posted) - set(self._taken_in))
        return tuple(self.posted[each] for each in waiting if each > after)[:limit]

    def waiting(self) -> Waiting:
        """How many rows wait."""
        waiting = set(self.posted) - set(self._taken_in)
        return Waiting(len(waiting), max(waiting, default=0))

    def mark_taken_in(self, ids: Collection[int], at: datetime) -> None:
        """Rows wait no more."""
        for each in ids:
            self._taken_in.setdefault(each, at)

    def remove_posted(self, ids: Collection[int]) -> None:
        """Rows go."""
        for each in ids:
            self.posted.pop(each, None)
