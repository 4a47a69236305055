"""Measured costs of a served artifact: times and memory of every call, without a summary."""

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
    """Each call's time by the clock on the wall, which grows on a busy machine."""
    processor_milliseconds: tuple[float, ...]
    """Each call's time on the processor, which is the same however busy the machine is."""


@dataclass(frozen=True)
class InTurns:
    """Calls of the served artifact and of a variant of it, by turns on the same rows, in one process."""

    served: CallTimes
    variant: CallTimes


@dataclass(frozen=True)
class CostSample:
    """The measurements of one fresh process that loaded an artifact and scored rows, in one thread."""

    one_row: CallTimes
    """Milliseconds of each call with one row, after the warm-up."""
    batches: tuple[CallTimes, ...]
    """The calls in the order of `BATCHES`, without sizes that exceed the rows of the test part."""
    import_ms: float
    """The time to import the scoring libraries into a bare interpreter, once for each process and any model."""
    load_ms: float
    """The time to read the files, check their hashes and build the scorer."""
    first_answer_ms: float
    resident_mb: float
    """The resident memory that loading and scoring added, measured at the end."""
    model_share: float | None
    """The share of a one-row call that the ONNX graph takes; the rest is encoding. ``None`` without a graph."""
    variants: Mapping[str, tuple[InTurns, ...]]
    """The calls of each variant by its name: those with one row, then those with a hundred."""


Measure = Callable[[Artifact, Mapping[str, Artifact], "pd.DataFrame"], CostSample]
"""A function that measures the served artifact and its variants, given by name, on some rows."""


@dataclass(frozen=True)
class CostMeter:
    """The measurements that the caller of the cost dimension provides; the evaluation itself reads no clock."""

    measure: Measure
    price_per_core_hour: float
    quantise: Callable[[Artifact], Artifact | None]
    """Returns the artifact with int8 weights; ``None`` where it has no weights to quantise."""
