"""What is registered, hashed and served: named files under a manifest whose SHA-256 is the artifact's identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ml_platform.errors import IntegrityError

MANIFEST = "manifest.json"
FORMAT = 2
"""The format of the manifest. In format 1 kinds and files had other names."""


@dataclass(frozen=True)
class Artifact:
    """Files by name, and what the manifest says of them. Equal inputs, seed and code: equal bytes."""

    kind: str
    """The name of its kind, which says how the files become a scorer (`ml_platform.models.artifact_kinds`)."""
    classes: tuple[str, ...]
    """The classes, in the order of the columns of the predictions."""
    features: Mapping[str, str]
    """Input columns and their kinds ('number', 'category', 'tokens')."""
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> bytes:
        """Canonical JSON: format, kind, classes, features, and the SHA-256 of every file."""
        content = {
            "format": FORMAT,
            "kind": self.kind,
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


def file_hashes(manifest: bytes) -> dict[str, str]:
    """The SHA-256 of every file of an artifact, by name, as its ``manifest`` has it.

    Raises:
        IntegrityError: the manifest is of another format than this version reads.
    """
    content = json.loads(manifest)
    if content["format"] != FORMAT:
        raise IntegrityError(
            f"{MANIFEST} has format {content['format']}; this version reads {FORMAT}.",
            remedy="train the model again, or load it with the version of the platform that wrote it",
        )
    hashes: dict[str, str] = content["files"]
    return hashes


def artifact_of(manifest: bytes, files: Mapping[str, bytes]) -> Artifact:
    """The artifact with this ``manifest`` and these ``files``, whose hashes the caller has checked."""
    content = json.loads(manifest)
    return Artifact(
        kind=content["kind"],
        classes=tuple(content["classes"]),
        features=MappingProxyType(content["features"]),
        files=MappingProxyType(dict(files)),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
