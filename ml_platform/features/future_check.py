"""What a search for looks into the future found: per column, rows compared and rows that differ.

A feature is honest when its value does not change once everything after the row's moment is taken out of the
lake and no outcome that became known later is known. The values here say how far that was so; who rebuilds the
features is `ml_platform.adapters.future_check`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ml_platform.features.leakage_report import LeakageFinding, LeakageLevel

WRONG_SHARE = 0.01
"""The search is laid out to find a column that is wrong in this share of its rows."""
POWER = 0.95
"""The probability with which such a column is to be found."""
ENOUGH_ROWS = 299
"""The sampled rows that are enough for both: ``1 - (1 - WRONG_SHARE) ** ENOUGH_ROWS >= POWER``."""
LAST_DIGITS = 1e-12
"""Relative difference up to which two numbers differ in their last digits alone: in the order of a sum."""


@dataclass(frozen=True)
class Comparison:
    """One column in two builds: how many rows were compared, how many differ, and the first of these."""

    rows: int
    differ: int
    last_digits: int
    """Rows that differ by `LAST_DIGITS` at most; they are not in ``differ``."""
    example: str
    """The first row that differs, by its id, with both values; empty where none does."""


@dataclass(frozen=True)
class ColumnCheck:
    """One feature: with and without a future, published and rebuilt, and what came in late."""

    column: str
    future: Comparison
    """Sampled rows, each at its own moment: the lake with another future against the lake cut at the moment."""
    published: Comparison
    """All rows up to one moment: what training saw against the lake as it was at that moment."""
    arrival: Comparison | None
    """Sampled rows: the cut lake against what had come in by the row's moment; ``None`` where nobody knows it."""


@dataclass(frozen=True)
class FutureCheck:
    """The search in one feature table."""

    table: str
    features_sha256: str
    """The SHA-256 of the published file that was searched."""
    rows: int
    """Rows of the published table."""
    histories: int
    """Sampled rows that could be compared at their moment, each with a history of its own."""
    cut: datetime
    """The moment at which the lake was cut to be compared with what training saw."""
    columns: tuple[ColumnCheck, ...]
    training_set: str = ""
    """The fingerprint of the training set that was built from the file, once there is one."""

    @property
    def rows_published(self) -> int:
        """Rows of the published file that were compared with the lake of an earlier moment."""
        return max((of.published.rows for of in self.columns), default=0)

    @property
    def delayed(self) -> tuple[str, ...]:
        """The columns that arrival alone delays: known late rows would have changed them in a sampled row."""
        return tuple(of.column for of in self.columns if of.arrival and of.arrival.differ)

    @property
    def power(self) -> float:
        """The probability with which a column that is wrong in `WRONG_SHARE` of its rows was found."""
        if self.histories >= self.rows:
            return 1.0
        return float(1 - (1 - WRONG_SHARE) ** self.histories)

    def findings(self, features: Collection[str]) -> tuple[LeakageFinding, ...]:
        """What was found in the columns ``features``, which a model sees; and too few rows, where they are."""
        columns = [column for column in self.columns if column.column in features]
        findings = [finding for column in columns for finding in self._of(column)]
        return (*findings, *self._too_few())

    def _of(self, column: ColumnCheck) -> tuple[LeakageFinding, ...]:
        name = f"{self.table}.{column.column}"
        sides = (
            ("future", column.future, "without what came after the row"),
            ("rebuilt", column.published, f"rebuilt from the lake as of {self.cut.isoformat()}"),
        )
        findings = []
        for check, compared, how in sides:
            sentence = f"of {compared.rows} rows of {name} differ {how}: {compared.example}"
            if compared.differ:
                share = compared.differ / compared.rows
                text = f"{compared.differ} {sentence}"
                findings.append(_finding(check, column.column, LeakageLevel.DANGEROUS, share, text))
            elif compared.last_digits:
                share = compared.last_digits / compared.rows
                text = f"{compared.last_digits} {sentence} (in the last digits)"
                findings.append(_finding(check, column.column, LeakageLevel.WARNING, share, text))
        return tuple(findings)

    def _too_few(self) -> tuple[LeakageFinding, ...]:
        if self.power >= POWER:
            return ()
        text = (
            f"INSUFFICIENT: {self.histories} of {self.rows} rows of {self.table} could be compared with and "
            f"without their future, {ENOUGH_ROWS} are needed: a column wrong in {WRONG_SHARE:.0%} of its rows "
            f"is found with a power of {self.power:.0%}"
        )
        return (
            LeakageFinding("future", self.table, LeakageLevel.WARNING, self.power, POWER, text),
        )


def _finding(
    check: str, column: str, level: LeakageLevel, share: float, explanation: str
) -> LeakageFinding:
    return LeakageFinding(check, column, level, share, 0.0, explanation)
