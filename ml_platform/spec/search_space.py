"""Search spaces as data: which of a model's parameters a search may move, and how far.

A space is small on purpose: a few parameters that matter, in ranges that keep the artifact's size and the cost of a
fit within a few times those of the defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.errors import UsageError

Value = str | int | float | bool


@dataclass(frozen=True)
class Float:
    """A number in [low, high]; with ``log`` it is drawn evenly on a logarithmic scale."""

    name: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _require_range(self.name, self.low, self.high, self.log)

    def holds(self, value: Value) -> bool:
        """Return whether ``value`` lies in the range."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= float(value) <= self.high


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high]; with ``log`` it is drawn evenly on a logarithmic scale."""

    name: str
    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _require_range(self.name, self.low, self.high, self.log)

    def holds(self, value: Value) -> bool:
        """Return whether ``value`` is a whole number of the range."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= int(value) <= self.high


@dataclass(frozen=True)
class Choice:
    """One of a few values without an order."""

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if len(set(self.values)) < 2:
            raise UsageError(
                f"{self.name} has {len(set(self.values))} value(s) to choose from; "
                "at least 2 different ones are needed.",
                remedy="give another value, or leave the parameter out of the search",
            )

    def holds(self, value: Value) -> bool:
        """Return whether ``value`` is one of the values."""
        return value in self.values


Dimension = Float | Int | Choice
Space = tuple[Dimension, ...]


def defaults_in(space: Space, defaults: Mapping[str, Value]) -> dict[str, Value]:
    """Return the default of each parameter that ``space`` moves: the first point that is tried.

    Raises:
        UsageError: no space at all, a parameter that the model does not have, or a default outside its range.
    """
    if not space:
        raise UsageError(
            "The model has no search space.",
            remedy="give its ModelSpec a `search_space`, or do not tune it",
        )
    for dimension in space:
        if dimension.name not in defaults:
            raise UsageError(
                f"The search space moves {dimension.name}, which the model does not have.",
                remedy=f"choose of {', '.join(sorted(defaults))}",
            )
        if not dimension.holds(defaults[dimension.name]):
            raise UsageError(
                f"The default {dimension.name} = {defaults[dimension.name]} lies outside {dimension}.",
                remedy="widen the range, so that the default can be tried like any other value",
            )
    return {dimension.name: defaults[dimension.name] for dimension in space}


def _require_range(name: str, low: float, high: float, log: bool) -> None:
    if not low < high or (log and low <= 0):
        raise UsageError(
            f"{name} in [{low}, {high}]{' on a logarithm' if log else ''} is no range.",
            remedy="low must be less than high, and above 0 on a logarithm",
        )
