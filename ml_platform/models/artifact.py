"""What is registered, hashed and served: named files under a manifest whose SHA-256 is its identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform import files
from ml_platform.errors import IntegrityError

if TYPE_CHECKING:
    from ml_platform.models.spec import Scorer

MANIFEST = "manifest.json"
FORMAT = 1
_REMEDY = "restore the artifact from a backup, or train and register the model again"


class ArtifactKind(StrEnum):
    """How the files of an artifact answer."""

    FOREST = "forest"
    """``encoding.json`` and ``evidence.npy`` make a matrix of the rows, ``model.onnx`` scores it."""
    NGRAM = "ngram"
    """``ngram.json`` and arrays of counts by context."""
    RULES = "rules"
    """``rules.json``: class shares by declared keys."""
    POPULARITY = "popularity"
    """``popularity.json``: the share of every item."""
    FACTORS = "factors"
    """``user_vectors.json`` and ``content.npy`` make a vector of a user, ``factors.npy`` answers it."""
    ITEM_WEIGHTS = "item_weights"
    """The same with ``item_weights.npy``."""
    BOOSTING = "boosting"
    """``encoding.json`` makes a matrix of the rows, ``model.onnx`` scores it, ``trees.npy`` explains it."""
    SHARE_RULES = "share_rules"
    """``share_rules.json``: acceptance rates, smoothed by declared constants."""
    LAUNCH = "launch"
    """``design.json`` makes columns of the rows, ``model.onnx`` scores them."""
    NETWORK = "network"
    """``encoding.json`` makes arrays of a row's last steps, ``model.onnx`` scores them."""
    LAUNCH_RULES = "launch_rules"
    """``launch_rules.json``: success rates by workflow and part of the day."""
    ISOLATION = "isolation"
    """``deviations.json`` scales the rows, ``model.onnx`` isolates them, ``alarm.json`` says from where on."""
    DETECTION_RULES = "detection_rules"
    """``detection_rules.json``: means and standard deviations of a few features."""


@dataclass(frozen=True)
class Artifact:
    """Files by name, and what the manifest says of them. Equal inputs, seed and code: equal bytes."""

    kind: ArtifactKind
    classes: tuple[str, ...]
    """In the order of the columns of the probabilities."""
    features: Mapping[str, str]
    """Input columns and their kinds ('number', 'category', 'tokens')."""
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> bytes:
        """Canonical JSON: format, kind, classes, features, and the SHA-256 of every file."""
        content = {
            "format": FORMAT,
            "kind": self.kind.value,
            "classes": list(self.classes),
            "features": dict(self.features),
            "files": {name: _sha256(self.files[name]) for name in sorted(self.files)},
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    @property
    def sha256(self) -> str:
        """Identity of the artifact: SHA-256, 64 hexadecimal digits, of its manifest."""
        return _sha256(self.manifest)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together, the manifest left out."""
        return sum(len(content) for content in self.files.values())

    def write(self, folder: Path) -> None:
        """Fill ``folder`` (named by the caller, as a rule by `sha256`) whole or not at all."""
        with files.replacing_folder(folder) as beside:
            for name, content in self.files.items():
                (beside / name).write_bytes(content)
            (beside / MANIFEST).write_bytes(self.manifest)


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
    ArtifactKind.FOREST: "ml_platform.models.forests.scorer:ForestScorer",
    ArtifactKind.NGRAM: "ml_platform.models.sequences.ngram:NgramScorer",
    ArtifactKind.NETWORK: "ml_platform.models.sequences.scorer:NetworkScorer",
    ArtifactKind.RULES: "ml_platform.models.rules:RulesScorer",
    ArtifactKind.POPULARITY: "ml_platform.models.recommending.popularity:PopularityScorer",
    ArtifactKind.FACTORS: "ml_platform.models.recommending.item_factors:FactorsScorer",
    ArtifactKind.ITEM_WEIGHTS: "ml_platform.models.recommending.item_weights:ItemWeightsScorer",
    ArtifactKind.BOOSTING: "ml_platform.models.boosted.scorer:BoostingScorer",
    ArtifactKind.SHARE_RULES: "ml_platform.models.boosted.rules:ShareRules",
    ArtifactKind.LAUNCH: "ml_platform.models.launches.scorer:LaunchScorer",
    ArtifactKind.LAUNCH_RULES: "ml_platform.models.launches.rules:LaunchRules",
    ArtifactKind.ISOLATION: "ml_platform.models.isolating.scorer:IsolationScorer",
    ArtifactKind.DETECTION_RULES: "ml_platform.models.isolating.rules:DetectionRules",
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
