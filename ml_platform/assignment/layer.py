"""Layers: comparisons in one layer share no unit; comparisons in different layers are independent of each other.

Source: Tang, Agarwal, O'Brien and Meyer (2010), "Overlapping experiment infrastructure: more, better, faster
experimentation".
"""

from dataclasses import dataclass

from ml_platform.assignment.buckets import BUCKETS, bucket_of
from ml_platform.errors import UsageError


@dataclass(frozen=True)
class Slot:
    """The part of a layer that one comparison has."""

    name: str
    first: int
    """The first bucket of the layer that belongs to it."""
    count: int
    """How many buckets, from there on."""


@dataclass(frozen=True)
class Layer:
    """A population, hashed by the layer's name, cut into slots that do not overlap."""

    name: str
    slots: tuple[Slot, ...] = ()

    def __post_init__(self) -> None:
        end = 0
        for slot in sorted(self.slots, key=lambda slot: slot.first):
            if slot.first < end or slot.count < 1 or slot.first + slot.count > BUCKETS:
                raise UsageError(
                    f"The slot {slot.name} (buckets {slot.first} to {slot.first + slot.count - 1}) "
                    f"does not fit into the layer {self.name}.",
                    remedy=f"slots lie within buckets 0 to {BUCKETS - 1} and do not overlap",
                )
            end = slot.first + slot.count

    def slot_of(self, unit: str) -> Slot | None:
        """The slot of a unit; ``None`` where nothing is compared."""
        bucket = bucket_of(unit, self.name)
        for slot in self.slots:
            if slot.first <= bucket < slot.first + slot.count:
                return slot
        return None
