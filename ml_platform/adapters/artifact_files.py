"""Artifacts, and the probabilities of estimators, as files under their hash."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import files
from ml_platform.adapters.checked_files import checked_bytes
from ml_platform.models.artifact_kinds import import_scorer, is_artifact_kind, scorer_of
from ml_platform.models.one_row import OneRow, one_row_of
from ml_platform.models.probabilities import KnownProbabilities, probabilities_bytes
from ml_platform.spec.artifact import MANIFEST, Artifact, artifact_of, file_hashes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml_platform.spec.model import Scorer

_REMEDY = "restore the artifact from a backup, or train and register the model again"


def write_artifact(artifact: Artifact, folder: Path) -> None:
    """Fill ``folder`` (named by the caller, as a rule by the artifact's SHA-256) whole or not at all."""
    with files.replacing_folder(folder) as beside:
        for name, content in artifact.files.items():
            (beside / name).write_bytes(content)
        (beside / MANIFEST).write_bytes(artifact.manifest)


def read_artifact(folder: Path, expected_sha256: str) -> Artifact:
    """The artifact in ``folder``; every hash is checked before anything but the manifest is parsed.

    Raises:
        IntegrityError: a file is missing, or is not the one that ``expected_sha256`` stands for.
    """
    manifest = checked_bytes(folder / MANIFEST, expected_sha256, _REMEDY)
    contents = {
        name: checked_bytes(folder / name, sha256, _REMEDY)
        for name, sha256 in file_hashes(manifest).items()
    }
    return artifact_of(manifest, contents)


def load_scorer(folder: Path, expected_sha256: str) -> "Scorer":
    """`read_artifact`, then its scorer: nothing is parsed before its hash has been checked."""
    artifact = read_artifact(folder, expected_sha256)
    import_kind(artifact.kind)
    return scorer_of(artifact)


def load_one_row(folder: Path, expected_sha256: str) -> OneRow:
    """What answers rows of plain values by the artifact in ``folder``, whose hashes are checked first."""
    artifact = read_artifact(folder, expected_sha256)
    import_kind(artifact.kind)
    return one_row_of(artifact)


def import_kind(kind: str) -> None:
    """Import the code that scores artifacts of ``kind``; plug-ins are loaded where it is not a built-in kind.

    Raises:
        IntegrityError: neither the platform nor an installed plug-in has a kind of that name.
    """
    if not is_artifact_kind(kind):
        from ml_platform.adapters.plugins import installed_catalogue

        installed_catalogue()
    import_scorer(kind)


def save_probabilities(folder: Path, rows: "pd.DataFrame", probabilities: "np.ndarray") -> str:
    """Write the row ids of ``rows`` and ``probabilities`` (rows, classes) under their SHA-256, which it returns."""
    content = probabilities_bytes(rows, probabilities)
    digest = hashlib.sha256(content).hexdigest()
    files.write_bytes(folder / f"{digest}.npz", content)
    return digest


def load_probabilities(folder: Path, sha256: str, classes: tuple[str, ...]) -> KnownProbabilities:
    """The probabilities kept under ``sha256``; their bytes are checked before they are parsed.

    Raises:
        IntegrityError: the file is missing or its bytes have changed.
    """
    path = folder / f"{sha256}.npz"
    content = checked_bytes(path, sha256, "materialise the candidate again")
    return KnownProbabilities.from_bytes(content, classes)
