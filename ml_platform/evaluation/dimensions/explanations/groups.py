"""Groups of features that are explained together: redundant ones and, where there are many, those of one kind."""

from collections.abc import Sequence
from dataclasses import dataclass

MANY = 24
"""Features from which on those whose names begin alike are one group."""
_CIRCLE = ("_sin", "_cos")
_NO_KIND = frozenset({"is", "has"})
_TWO_WORDS = "change_set"
"""A kind that is named by two words; every other one is named by the first word of its features."""


@dataclass(frozen=True)
class FeatureGroup:
    """A group of features that are shuffled, given or withheld together."""

    name: str
    features: tuple[str, ...]


def explained_features(declared: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    """Return the features that an artifact takes: first those of the training set, ``declared``, in its order."""
    return (
        *(name for name in declared if name in taken),
        *(name for name in taken if name not in declared),
    )


def feature_groups(features: Sequence[str]) -> tuple[FeatureGroup, ...]:
    """Groups in the order of their first feature.

    Sine and cosine of a number belong to it always: each alone could be recovered from the others. Among more
    than 24 features those with the same first word (``user_rows``, ``user_kinds``) are one group, named
    ``user_*``.
    """
    keys = {name: _number(name, features) for name in features}
    if len(features) > MANY:
        keys = {name: _kind(key) for name, key in keys.items()}
    members: dict[str, list[str]] = {}
    for name in features:
        members.setdefault(keys[name], []).append(name)
    return tuple(
        FeatureGroup(names[0] if len(names) == 1 else f"{key}_*", tuple(names))
        for key, names in members.items()
    )


def _number(name: str, features: Sequence[str]) -> str:
    for ending in _CIRCLE:
        stem = name.removesuffix(ending)
        if stem != name and any(
            f"{stem}{other}" in features for other in _CIRCLE if other != ending
        ):
            return stem
    return name


def _kind(name: str) -> str:
    if name.startswith(f"{_TWO_WORDS}_"):
        return _TWO_WORDS
    first, _, rest = name.partition("_")
    return name if not rest or first in _NO_KIND else first
