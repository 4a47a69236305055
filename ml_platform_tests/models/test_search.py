"""A search space refuses what cannot be searched."""

from dataclasses import replace

import pytest

from ml_platform.errors import UsageError
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.search_space import Choice, Float, Int, defaults_in


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ((), "has no search space"),
        ((Float("depth", 0, 1),), "moves depth, which the model does not have"),
        ((Float("rate", 0.2, 1),), "rate = 0.1 lies outside"),
        ((Int("rate", 0, 1),), "rate = 0.1 lies outside"),
        ((Choice("kind", ("a", "b")),), "kind = c lies outside"),
    ],
)
def test_a_space_that_does_not_fit_its_model_is_refused(space: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        defaults_in(space, {"rate": 0.1, "kind": "c"})


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"x in \[2, 1\] is no range"):
        Int("x", 2, 1)
    with pytest.raises(UsageError, match=r"\[0, 1\] on a logarithm is no range"):
        Float("x", 0, 1, log=True)
    with pytest.raises(UsageError, match="x has 1 value"):
        Choice("x", ("a", "a"))


def test_what_holds() -> None:
    assert Int("x", 1, 3).holds(3)
    assert not Int("x", 1, 3).holds(4)
    assert not Int("x", 0, 3).holds(True)
    assert Float("x", 0, 1).holds(1)
    assert not Float("x", 0, 1).holds("1")


def test_another_default_in_the_catalogue_is_seen() -> None:
    spec = replace(MODELS[0], defaults={**MODELS[0].defaults, "drawn_share": 2.0})
    with pytest.raises(UsageError, match=r"drawn_share = 2.0 lies outside"):
        defaults_in(spec.search_space, spec.defaults)
