"""Arms that grow together take nobody out of the other, and are of equal size up to one half."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.assignment.buckets import BUCKETS
from ml_platform.assignment.layer import Layer, Slot
from ml_platform.assignment.split import Arm, Split, grown_to
from ml_platform.errors import UsageError

SHARES = st.integers(0, BUCKETS // 2).map(lambda buckets: buckets / BUCKETS)


def sizes(split: Split) -> Counter[Arm]:
    return Counter(split.arm_of_bucket(bucket) for bucket in range(BUCKETS))


@pytest.mark.parametrize(
    ("share", "treated", "compared", "rest"),
    [
        (0.0, 0, 0, 10_000),
        (0.01, 100, 500, 9_400),
        (0.1, 1_000, 1_000, 8_000),
        (0.5, 5_000, 5_000, 0),
    ],
)
def test_the_steps_of_a_ramp(share: float, treated: int, compared: int, rest: int) -> None:
    count = sizes(grown_to("salt", share, left_behind=0.05))
    assert (count[Arm.TREATMENT], count[Arm.CONTROL], count[Arm.NEITHER]) == (
        treated,
        compared,
        rest,
    )


def test_of_the_whole_some_stay_behind_until_the_end() -> None:
    assert sizes(grown_to("salt", 1.0, left_behind=0.05)) == {
        Arm.TREATMENT: 9_500,
        Arm.CONTROL: 500,
    }
    assert sizes(grown_to("salt", 1.0, left_behind=0.0)) == {Arm.TREATMENT: 10_000}


@given(SHARES, SHARES)
def test_nobody_changes_arm_while_both_grow(first: float, second: float) -> None:
    less, more = (grown_to("salt", share, left_behind=0.0) for share in sorted((first, second)))
    for bucket in range(0, BUCKETS, 7):
        before = less.arm_of_bucket(bucket)
        assert before is Arm.NEITHER or more.arm_of_bucket(bucket) is before


def test_a_unit_is_where_its_bucket_is() -> None:
    split = grown_to("salt", 0.5, left_behind=0.0)
    arms = Counter(split.arm_of(f"user-{number}") for number in range(2_000))
    assert 900 < arms[Arm.TREATMENT] < 1_100
    assert arms[Arm.NEITHER] == 0


@pytest.mark.parametrize("shares", [(-0.1, 0.5), (0.6, 0.5)])
def test_shares_that_are_no_parts_of_one_population_are_refused(
    shares: tuple[float, float],
) -> None:
    with pytest.raises(UsageError, match="not parts of one population"):
        Split("salt", *shares)


def test_a_layer_gives_a_unit_to_one_slot_at_most() -> None:
    layer = Layer("page", (Slot("first", 0, 3_000), Slot("second", 5_000, 5_000)))
    slots = Counter(layer.slot_of(f"user-{number}") for number in range(10_000))
    assert 2_800 < slots[layer.slots[0]] < 3_200
    assert 4_800 < slots[layer.slots[1]] < 5_200
    assert 1_800 < slots[None] < 2_200


@pytest.mark.parametrize(
    "slots",
    [
        (Slot("first", 0, 3_000), Slot("second", 2_999, 10)),
        (Slot("first", 9_999, 2),),
        (Slot("first", 0, 0),),
    ],
)
def test_slots_that_do_not_fit_are_refused(slots: tuple[Slot, ...]) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        Layer("page", slots)
