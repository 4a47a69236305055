"""The rows that a model needs of the lake, declared so that a run can say beforehand what a source lacks."""

from dataclasses import dataclass

MINIMUM_TRAIN_ROWS = 50
"""Rows that a training part has at least; fewer say nothing about any model."""


@dataclass(frozen=True)
class DataNeed:
    """Rows of one table of the lake without which there is nothing to learn from."""

    table: str
    column: str = ""
    """The column in which these rows must have a value; empty: any row counts."""
    rows: int = 1
    """The least number of such rows; of events only those of people count."""
    values: int = 1
    """The least number of distinct values of ``column`` in them."""

    def __str__(self) -> str:
        """The need in words, such as ``50 events with workflow_category (2 values)``."""
        column = f" with {self.column}" if self.column else ""
        values = f" ({self.values} values)" if self.values > 1 else ""
        return f"{self.rows:,} {self.table}{column}{values}"


ANY_EVENTS = DataNeed("events", rows=MINIMUM_TRAIN_ROWS)
"""Events of people, whatever they say."""
