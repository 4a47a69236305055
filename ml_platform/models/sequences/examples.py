"""Encoded rows with both labels as tensors, and the chunks in which they pass a network in training.

This module imports torch, so only fits import it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ml_platform.models.sequences.chunks import NO_ROW
from ml_platform.models.sequences.encoding import PAD, EncodedRows


@dataclass(frozen=True)
class Examples:
    """Encoded rows with both labels."""

    steps: torch.Tensor
    """(rows, L, C) int32."""
    numbers: torch.Tensor
    """(rows, N) float32."""
    next_step: torch.Tensor
    """(rows,) int64."""
    soon: torch.Tensor
    """(rows,) float32, NaN where it is not known."""

    def __len__(self) -> int:
        return len(self.steps)

    def to(self, device: torch.device) -> "Examples":
        """The examples with their tensors on ``device``."""
        parts = (self.steps, self.numbers, self.next_step, self.soon)
        return Examples(*(part.to(device) for part in parts))

    @classmethod
    def of(cls, rows: EncodedRows, next_step: np.ndarray, soon: np.ndarray) -> "Examples":
        """Tensors over the same memory where the type allows it."""
        return cls(
            torch.from_numpy(rows.steps),
            torch.from_numpy(rows.numbers),
            torch.from_numpy(next_step.astype(np.int64)),
            torch.from_numpy(soon.astype(np.float32)),
        )


@dataclass(frozen=True)
class Batch:
    """Chunks that are learned from in one step of the optimiser."""

    steps: torch.Tensor
    """(B, L - 1 + T, C) int64: the window of each chunk's first row, then the newest step of each other row."""
    answered: torch.Tensor
    """(B, T) bool: whether the chunk has a row that ends at this step; `PAD` stands where it has none."""
    rows: torch.Tensor
    """Places of the rows among the examples, in the order of ``answered``."""


@dataclass(frozen=True)
class Chunks:
    """Examples to learn from, and which of them pass the network together."""

    examples: Examples
    places: torch.Tensor
    """(chunks, T) int64: places of the rows of each chunk, `NO_ROW` after the last one."""

    def to(self, device: torch.device) -> "Chunks":
        """The chunks with their tensors on ``device``."""
        return Chunks(self.examples.to(device), self.places.to(device))

    def batches(self, size: int) -> Iterator[Batch]:
        """All chunks in a shuffled order, drawn on the CPU whatever the device, about ``size`` rows at a time."""
        places = self.places[torch.randperm(len(self.places)).to(self.places.device)]
        rows = (places != NO_ROW).sum(dim=1)
        batch = (rows.cumsum(0) - rows) // size
        chunks = torch.unique_consecutive(batch, return_counts=True)[1].tolist()
        for part in torch.split(places, chunks):
            yield self._batch(part)

    def _batch(self, places: torch.Tensor) -> Batch:
        longest = int((places != NO_ROW).sum(dim=1).max())
        places = places[:, :longest]
        answered = places != NO_ROW
        steps = self.examples.steps
        others = steps[places[:, 1:], -1].masked_fill(~answered[:, 1:, None], PAD)
        steps = torch.cat([steps[places[:, 0]], others], dim=1).long()
        return Batch(steps, answered, places[answered])
