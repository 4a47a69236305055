"""Decision tables: rows in order, of which the first one that applies to the signals decides.

Promotion, retraining and experiments are decided by such a table. It is total by construction: its last
row applies to everything, and no row before it does, so that no combination of signals is left without
an outcome and no row is unreachable because of a catch-all above it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

SignalsT = TypeVar("SignalsT")
OutcomeT = TypeVar("OutcomeT")


def always(_: Any) -> bool:
    """The condition of the last row of every table."""
    return True


@dataclass(frozen=True)
class Row(Generic[SignalsT, OutcomeT]):
    """One row of a decision table."""

    name: str
    """What people read as the reason of the decision; stored with it, and unique in its table."""
    applies: Callable[[SignalsT], bool]
    outcome: OutcomeT


@dataclass(frozen=True)
class DecisionTable(Generic[SignalsT, OutcomeT]):
    """A total function from signals to an outcome, written as rows.

    Raises:
        ValueError: when it is built, if the last row is not the catch-all `always`, another row is,
            or two rows have the same name.
    """

    rows: tuple[Row[SignalsT, OutcomeT], ...]

    def __post_init__(self) -> None:
        catch_all = [row.name for row in self.rows if row.applies is always]
        if not self.rows or catch_all != [self.rows[-1].name]:
            raise ValueError(
                f"The last row of a decision table, and no other, applies always; here: {catch_all}."
            )
        names = [row.name for row in self.rows]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"Rows of a decision table have names of their own: {repeated}.")

    def __iter__(self) -> Iterator[Row[SignalsT, OutcomeT]]:
        return iter(self.rows)

    def first_match(self, signals: SignalsT) -> Row[SignalsT, OutcomeT]:
        """The first row that applies to ``signals``; there is one for every value."""
        return next(row for row in self.rows if row.applies(signals))
