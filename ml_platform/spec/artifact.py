"""What is registered, hashed and served: named files under a manifest whose SHA-256 is its identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ml_platform import files

MANIFEST = "manifest.json"
FORMAT = 1


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
    PROPORTION_RULES = "share_rules"
    """``share_rules.json``: acceptance rates, smoothed by declared constants."""
    START_TIME = "launch"
    """``design.json`` makes columns of the rows, ``model.onnx`` scores them."""
    NETWORK = "network"
    """``encoding.json`` makes arrays of a row's last steps, ``model.onnx`` scores them."""
    START_TIME_RULES = "launch_rules"
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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
