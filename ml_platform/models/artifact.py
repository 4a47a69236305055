"""Artifacts read from their folder, every hash checked first, and what scores by them."""

import hashlib
import json
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.errors import IntegrityError
from ml_platform.spec.artifact import FORMAT, MANIFEST, Artifact, ArtifactKind

if TYPE_CHECKING:
    from ml_platform.spec.model import Scorer

_REMEDY = "restore the artifact from a backup, or train and register the model again"


def read_artifact(folder: Path, expected_sha256: str) -> Artifact:
    """The artifact in ``folder``; every hash is checked before anything but the manifest is parsed.

    Raises:
        IntegrityError: a file is missing, or is not the one that ``expected_sha256`` stands for.
    """
    manifest = _read(folder / MANIFEST)
    _require(folder / MANIFEST, _sha256(manifest), expected_sha256)
    content = json.loads(manifest)
    if content["format"] != FORMAT:
        raise IntegrityError(
            f"{folder / MANIFEST} has format {content['format']}; this version reads {FORMAT}.",
            remedy="load it with the version of the platform that wrote it",
        )
    loaded: dict[str, bytes] = {}
    for name, expected in content["files"].items():
        loaded[name] = _read(folder / name)
        _require(folder / name, _sha256(loaded[name]), expected)
    return Artifact(
        kind=ArtifactKind(content["kind"]),
        classes=tuple(content["classes"]),
        features=MappingProxyType(content["features"]),
        files=MappingProxyType(loaded),
    )


LOADERS: dict[ArtifactKind, str] = {
    ArtifactKind.FOREST: "ml_platform.models.random_forest.scorer:ForestScorer",
    ArtifactKind.NGRAM: "ml_platform.models.sequences.ngram:NgramScorer",
    ArtifactKind.NETWORK: "ml_platform.models.sequences.scorer:NetworkScorer",
    ArtifactKind.RULES: "ml_platform.models.rules:RulesScorer",
    ArtifactKind.POPULARITY: "ml_platform.models.recommenders.popularity:PopularityScorer",
    ArtifactKind.FACTORS: "ml_platform.models.recommenders.item_factors:FactorsScorer",
    ArtifactKind.ITEM_WEIGHTS: "ml_platform.models.recommenders.item_weights:ItemWeightsScorer",
    ArtifactKind.BOOSTING: "ml_platform.models.gradient_boosting.scorer:BoostingScorer",
    ArtifactKind.PROPORTION_RULES: "ml_platform.models.gradient_boosting.rules:ShareRules",
    ArtifactKind.START_TIME: "ml_platform.models.start_times.scorer:StartTimeScorer",
    ArtifactKind.START_TIME_RULES: "ml_platform.models.start_times.rules:StartTimeRules",
    ArtifactKind.ISOLATION: "ml_platform.models.isolation_forest.scorer:IsolationScorer",
    ArtifactKind.DETECTION_RULES: "ml_platform.models.isolation_forest.rules:DetectionRules",
}
"""Module and class of what answers, by kind; its ``of`` takes the artifact. Imported when asked for."""


def scorer_of(artifact: Artifact) -> "Scorer":
    """What answers by the files of ``artifact``."""
    module, name = LOADERS[artifact.kind].split(":")
    scorer: Scorer = getattr(import_module(module), name).of(artifact)
    return scorer


def load_scorer(folder: Path, expected_sha256: str) -> "Scorer":
    """`read_artifact`, then `scorer_of`: nothing is parsed before its hash has been checked."""
    return scorer_of(read_artifact(folder, expected_sha256))


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise IntegrityError(f"{path} is missing.", remedy=_REMEDY)
    return path.read_bytes()


def _require(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise IntegrityError(
            f"{path} has SHA-256 {found[:12]}..., expected {expected[:12]}....", remedy=_REMEDY
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
