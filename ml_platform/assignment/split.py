"""A population split into treatment and control, of equal size while both grow; nobody changes arm."""

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.assignment.buckets import BUCKETS, bucket_of
from ml_platform.errors import UsageError


class Arm(StrEnum):
    """What a unit is in a comparison."""

    TREATMENT = "treatment"
    CONTROL = "control"
    NEITHER = "neither"
    """It gets what the control gets, and is not compared."""


@dataclass(frozen=True)
class Split:
    """The shares of a population that are treated and compared; who is which follows from salt and unit alone.

    Treatment takes buckets from the lowest on, control from the highest down. So a share that grows adds units to
    an arm and takes none out of the other, up to one half.
    """

    salt: str
    """Names the comparison: another salt draws the arms anew."""
    treatment: float
    """Share of all units, from 0 to 1, in steps of one in 10,000."""
    control: float

    def __post_init__(self) -> None:
        if min(self.treatment, self.control) < 0 or self.treatment + self.control > 1 + 1e-9:
            raise UsageError(
                f"Treatment {self.treatment:g} and control {self.control:g} are not parts of one population.",
                remedy="give two shares of at least 0 that sum to 1 at most",
            )

    def arm_of(self, unit: str) -> Arm:
        """The arm of a unit, the same at every call."""
        return self.arm_of_bucket(bucket_of(unit, self.salt))

    def arm_of_bucket(self, bucket: int) -> Arm:
        """The arm of all units of a bucket."""
        if bucket < round(self.treatment * BUCKETS):
            return Arm.TREATMENT
        if bucket >= BUCKETS - round(self.control * BUCKETS):
            return Arm.CONTROL
        return Arm.NEITHER


def grown_to(salt: str, share: float, left_behind: float) -> Split:
    """The split of a rollout at ``share``: as many are compared as are treated, while there are as many.

    Above one half the rest is the control; of the whole, ``left_behind`` stays with what was before, so that there
    is somebody to compare with until the end.

    Args:
        salt: Names the rollout.
        share: Of the population, from 0 to 1, that should get the new version.
        left_behind: The least share of the control while there is any treatment.
    """
    treatment = min(share, 1 - left_behind)
    return Split(salt, treatment, max(left_behind, min(treatment, 1 - treatment)) if share else 0.0)
