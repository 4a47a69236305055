"""What came by HTTP goes from the inbox into the lake, as the rows of every source do."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.events.forgotten import Forgotten
from ml_platform.events.posted import SOURCE, PostedRow, completed_rows, whole_rows
from ml_platform.serving.feedback import FEEDBACK
from ml_platform.serving.reported_labels import KnownOutcome, meaning
from ml_platform.spec.label_place import LabelPlace

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_platform.events.ingest import TableCount

PATIENCE = timedelta(days=30)
"""How long a value waits for the row that it completes."""
_PAGE = 1_000
"""Rows read at once: with the largest that a request may have some 100 MB."""


def take_in(
    platform: Connections, forgotten: Forgotten, now: datetime, progress: Callable[[str], None]
) -> "tuple[TableCount, ...]":
    """Take the rows that wait into the lake; what became of them, by table.

    Rows are marked once the lake has them for good: killed before, the next one reads them again and they are
    repeats. A value that completes a row which is not there waits on, for `PATIENCE`.
    """
    from ml_platform.events.ingest import merge_rows

    if not platform.ledger.waiting().rows:
        return ()
    taking = _Taking(platform, forgotten, _label_places())

    def merged(batches: "Iterator[tuple[str, pa.Table]]") -> "tuple[TableCount, ...]":
        return merge_rows(
            batches,
            platform.lake,
            source=SOURCE,
            now=now,
            progress=lambda line: progress(f"by HTTP: {line}"),
            forgotten=forgotten,
        )

    counts = (*merged(taking.whole_rows()), *merged(taking.completed_rows()))
    _log(platform, taking.outcomes)
    given_up = [row.id for row in taking.without_row if now - row.received_at > PATIENCE]
    if given_up:
        progress(
            f"by HTTP: {len(given_up):,} values given up, whose rows have not come in {PATIENCE.days} days"
        )
    if left := len(taking.without_row) - len(given_up):
        progress(f"by HTTP: {left:,} values wait for their rows")
    platform.ledger.remove_posted(taking.of_forgotten)
    platform.ledger.mark_taken_in([*taking.done, *given_up], now)
    return counts


def _label_places() -> dict[str, LabelPlace | None]:
    from ml_platform.adapters.plugins import installed_catalogue

    return {spec.name: spec.label_place for spec in installed_catalogue().models}


def _log(platform: Connections, outcomes: list[KnownOutcome]) -> None:
    """Keep outcomes of rows whose label the lake has no place for, so that monitoring counts them."""
    import pandas as pd

    if outcomes:
        platform.ledger.log_outcomes(pd.DataFrame([asdict(each) for each in outcomes]))


@dataclass
class _Taking:
    """One reading of the inbox, from its beginning to its end."""

    platform: Connections
    forgotten: Forgotten
    places: dict[str, LabelPlace | None]
    outcomes: list[KnownOutcome] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    of_forgotten: list[int] = field(default_factory=list)
    without_row: list[PostedRow] = field(default_factory=list)
    _completing: dict[str, list[PostedRow]] = field(default_factory=lambda: defaultdict(list))

    def whole_rows(self) -> "Iterator[tuple[str, pa.Table]]":
        """Every whole row; what completes others is put aside."""
        after = 0
        while page := self.platform.ledger.posted_rows(after, _PAGE):
            after = page[-1].id
            for row in page:
                if self.forgotten.tombstones and self.forgotten.is_one(row.user_id):
                    self.of_forgotten.append(row.id)
                elif row.table == FEEDBACK:
                    self._take_report(row)
                elif row.completes:
                    self._completing[row.table].append(row)
                else:
                    self.done.append(row.id)
            yield from whole_rows(page)

    def _take_report(self, row: PostedRow) -> None:
        meant = meaning(row, self.places)
        if isinstance(meant, PostedRow):
            self._completing[meant.table].append(meant)
            return
        if meant is not None:
            self.outcomes.append(meant)
        self.done.append(row.id)

    def completed_rows(self) -> "Iterator[tuple[str, pa.Table]]":
        """The stored rows with the values that complete them; to be asked for once whole rows can be read."""
        for table, waiting in self._completing.items():
            for start in range(0, len(waiting), _PAGE):
                posted = waiting[start : start + _PAGE]
                stored = self.platform.lake.rows_of(table, {row.row_id for row in posted})
                rows, found = completed_rows(table, stored, posted)
                self.done.extend(found)
                self.without_row.extend(row for row in posted if row.id not in found)
                if len(rows):
                    yield table, rows
