"""What the platform knows of each kind of artifact: one declaration a kind, and the look-up by its name.

Each model family declares its own kinds in a module that imports nothing heavy. A plug-in registers its kinds with
`register_artifact_kind` in the module that its entry point names, so that they are known once it is loaded.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    from ml_platform.spec.model import Scorer


class TreeSum(StrEnum):
    """How the trees of an ensemble make one prediction, which says what leaving some of them out does."""

    NO_TREES = "no_trees"
    MEAN = "mean"
    """Trees are averaged: those that stay weigh more."""
    SUM = "sum"
    """Trees are summed, as in boosting: those that stay weigh the same."""


@dataclass(frozen=True)
class ArtifactKindSpec:
    """One kind of artifact: what loads it, and what other stages must know of it."""

    name: str
    """The name that stands in the manifest of an artifact."""
    scorer: str
    """``module:Class``, imported when it is asked for; its class method ``of`` takes the artifact."""
    files: str
    """What the files are."""
    trees: TreeSum = TreeSum.NO_TREES
    """An ensemble of trees has a cheaper variant with half of them."""
    fast_scoring: bool = False
    """A row of a batch takes less than ten microseconds, so that explanations may look at more rows."""
    fast_fit: bool = False
    """2,000 rows are fitted in about a second, so that explanations of a second fit can be compared."""


BUILT_IN = (
    "ml_platform.models.rules",
    "ml_platform.models.random_forest.artifact_kinds",
    "ml_platform.models.gradient_boosting.artifact_kinds",
    "ml_platform.models.isolation_forest.artifact_kinds",
    "ml_platform.models.start_times.artifact_kinds",
    "ml_platform.models.recommenders.artifact_kinds",
    "ml_platform.models.sequences.artifact_kinds",
)
"""Modules with ``KINDS``, imported at the first look-up."""
_REGISTERED: dict[str, ArtifactKindSpec] = {}


def register_artifact_kind(kind: ArtifactKindSpec) -> None:
    """Make ``kind`` known; registering the same declaration again changes nothing.

    Raises:
        UsageError: another kind of that name is known already.
    """
    known = _REGISTERED.setdefault(kind.name, kind)
    if known != kind:
        raise UsageError(
            f"The artifact kind {kind.name!r} is registered already, loaded by {known.scorer}.",
            remedy="give the new kind another name",
        )


def artifact_kinds() -> tuple[ArtifactKindSpec, ...]:
    """All kinds that are known so far, the built-in ones first."""
    for module in BUILT_IN:
        for kind in import_module(module).KINDS:
            register_artifact_kind(kind)
    return tuple(_REGISTERED.values())


def is_artifact_kind(name: str) -> bool:
    """Whether a kind called ``name`` is known so far."""
    return any(kind.name == name for kind in artifact_kinds())


def artifact_kind(name: str) -> ArtifactKindSpec:
    """The kind called ``name``.

    Raises:
        IntegrityError: no kind of that name is known.
    """
    if not is_artifact_kind(name):
        raise IntegrityError(
            f"The artifact is of kind {name!r}, which nothing here can load; known are "
            f"{', '.join(sorted(_REGISTERED))}.",
            remedy="install the package that made it, or train and register the model again",
        )
    return _REGISTERED[name]


class ScorerClass(Protocol):
    """The class of a served scorer, which reads itself from the files of an artifact."""

    def of(self, artifact: Artifact) -> "Scorer":
        """The scorer of the files of ``artifact``."""
        ...


def import_scorer(name: str) -> ScorerClass:
    """The class of the scorer of kind ``name``, imported."""
    module, class_name = artifact_kind(name).scorer.split(":")
    scorer: ScorerClass = getattr(import_module(module), class_name)
    return scorer


def scorer_of(artifact: Artifact) -> "Scorer":
    """The scorer of ``artifact``, by the files that the artifact holds.

    Raises:
        IntegrityError: the kind of the artifact is unknown.
    """
    return import_scorer(artifact.kind).of(artifact)
