"""What was measured of an artifact where it is served: times and memory as they came, nothing summarised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    import pandas as pd

BATCHES = (10, 100, 1_000)


@dataclass(frozen=True)
class CallTimes:
    """Calls of one kind: so many rows each, and the milliseconds that each took."""

    rows: int
    milliseconds: tuple[float, ...]


@dataclass(frozen=True)
class InTurns:
    """Calls of the served artifact and of a variant of it, by turns on the same rows, in one process."""

    served: CallTimes
    variant: CallTimes


@dataclass(frozen=True)
class CostSample:
    """One fresh process that loaded an artifact and answered; one thread, libraries already imported."""

    one_row: CallTimes
    """After warm-up."""
    batches: tuple[CallTimes, ...]
    """In the order of `BATCHES`, without those that the test part has too few rows for."""
    import_ms: float
    """Libraries that answer, imported into a bare interpreter; paid once a process, whatever the model."""
    load_ms: float
    """Files read, hashes checked, scorer made."""
    first_answer_ms: float
    resident_mb: float
    """Resident memory that loading and answering added, at its end."""
    model_share: float | None
    """Of the time of a one-row call, what the ONNX graph takes; the rest encodes. ``None`` without a graph."""
    variants: Mapping[str, tuple[InTurns, ...]]
    """By name of the variant: one row a call, then a hundred."""


Measure = Callable[[Artifact, Mapping[str, Artifact], "pd.DataFrame"], CostSample]
"""The served artifact, variants of it by name, and rows to answer."""


@dataclass(frozen=True)
class CostMeter:
    """What the examination of cost is given by whoever has a clock."""

    measure: Measure
    price_per_core_hour: float
    quantise: Callable[[Artifact], Artifact | None]
    """The same with int8 weights; ``None`` where nothing in it can be quantised."""
