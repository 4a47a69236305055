"""The files of a home are held against its manifest, and artifacts against the hash that is their name."""

from collections.abc import Collection
from pathlib import Path

from ml_platform import values
from ml_platform.adapters.manifest import FOLDERS, Manifest
from ml_platform.application.stored_evidence import artifact_sha256_now
from ml_platform.errors import UsageError
from ml_platform.registry.verify import Finding, verify_bytes
from ml_platform.settings import Settings


def verify_files(settings: Settings) -> tuple[Finding, ...]:
    """Check every file of lake, quarantine, features, training sets, pages and records against the manifest."""
    manifest, findings = Manifest(settings.home), list[Finding]()
    for name in FOLDERS:
        folder = settings.home / name
        faults = manifest.faults(folder)
        findings += [
            Finding(str(fault.path.relative_to(manifest.home)), False, fault.detail)
            for fault in faults
        ]
        if not faults:
            unchanged = len(manifest.stored(folder))
            findings.append(Finding(f"{name} files", True, f"{unchanged:,} unchanged"))
    return tuple(findings)


def verify_other_artifacts(settings: Settings, verified: Collection[str]) -> tuple[Finding, ...]:
    """Check what is named by its hash: estimators' probabilities, and artifacts whose hash is not in ``verified``.

    Artifacts of versions are verified with their version.
    """
    artifacts = [path for path in settings.artifacts.glob("*") if path.name not in verified]
    sha256_by_path = {path: artifact_sha256_now(path, path.name) for path in artifacts}
    probabilities = (settings.home / "estimator_probabilities").glob("*.npz")
    sha256_by_path |= {path: values.file_sha256(path) for path in probabilities}
    faults = tuple(
        verify_bytes(str(path.relative_to(settings.home)), sha256, path.stem)
        for path, sha256 in sorted(sha256_by_path.items())
        if sha256 != path.stem
    )
    return faults or (Finding("other artifacts", True, f"{len(sha256_by_path):,} unchanged"),)


def forget_file(settings: Settings, path: Path) -> str:
    """Let the manifest forget a damaged or lost file, so that it can be made or ingested again; says what was done.

    The file itself, where it is there, is moved to a folder of the home and never deleted.

    Raises:
        UsageError: the path lies outside the folders that the manifest lists.
        IntegrityError: the manifest does not know the file.
    """
    place = path if path.is_absolute() else settings.home / path
    if not any(place.resolve().is_relative_to(settings.home / name) for name in FOLDERS):
        raise UsageError(
            f"{path} is not in a folder of {settings.home} that the manifest lists.",
            remedy=f"name a file in {', '.join(FOLDERS)}, as `ml-platform verify` prints it",
        )
    moved = Manifest(settings.home).forget(place)
    return f"forgotten; the file is now {moved}" if moved else "forgotten; the file was gone"
