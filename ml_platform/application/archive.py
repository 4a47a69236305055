"""The archive of an earlier format inside a home: its manifest, and whether everything in it still holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_platform import files, values
from ml_platform.registry.chain import breaks
from ml_platform.registry.verify import Finding
from ml_platform.settings import Settings

MANIFEST = "manifest.json"
"""SHA-256 of every other file of an archive, by its path in it."""
ARCHIVED = ("artifacts", "training_sets", "reports", "records")
"""Folders that go to the archive as they are."""


def archive_name(format_number: int) -> str:
    """The folder, and with an underscore the database schema, of the archive of a format."""
    return f"format-{format_number}"


def archives(settings: Settings) -> tuple[Path, ...]:
    """The archives of the home, oldest format first."""
    return tuple(sorted(settings.archive.glob("format-*[0-9]"), key=_number))


def _number(archive: Path) -> int:
    return int(archive.name.rpartition("-")[2])


def archived_rows(archive: Path, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table of the ledger, as they were exported; none of a table that it did not have."""
    path = archive / "ledger" / f"{table}.jsonl"
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield json.loads(line)


def write_manifest(archive: Path) -> None:
    """Write the manifest of a complete archive, once."""
    if not (archive / MANIFEST).exists():
        files.write_text(archive / MANIFEST, json.dumps(_hashes(archive), indent=1, sort_keys=True))


def verify_archives(settings: Settings) -> tuple[Finding, ...]:
    """Check every archive of the home: its files are those of its manifest, and its chain of events holds."""
    return tuple(
        finding
        for archive in archives(settings)
        for finding in (_verify_files(archive), _verify_chain(archive))
    )


def _hashes(archive: Path) -> dict[str, str]:
    return {
        path.relative_to(archive).as_posix(): values.file_sha256(path)
        for path in sorted(archive.rglob("*"))
        if path.is_file() and path != archive / MANIFEST
    }


def _verify_files(archive: Path) -> Finding:
    subject = f"archive {archive.name} files"
    try:
        recorded: dict[str, str] = json.loads((archive / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        return Finding(subject, False, f"{MANIFEST} cannot be read: {error}")
    present = _hashes(archive)
    faults = [
        *(f"{name} is missing" for name in sorted(recorded.keys() - present.keys())),
        *(f"{name} is not in the manifest" for name in sorted(present.keys() - recorded.keys())),
        *(
            f"{name} was changed"
            for name in sorted(recorded.keys() & present.keys())
            if recorded[name] != present[name]
        ),
    ]
    return Finding(subject, not faults, "; ".join(faults) or f"{len(present)} files, unchanged")


def _verify_chain(archive: Path) -> Finding:
    """The chain as its texts were stored: rows of an export are in the order of their sequence."""
    subject = f"archive {archive.name} chain"
    try:
        stored = [row["body"] for row in archived_rows(archive, "promotion_events")]
    except (OSError, ValueError, KeyError) as error:
        return Finding(subject, False, f"the events cannot be read: {error}")
    faults = breaks(stored)
    return Finding(subject, not faults, "; ".join(faults) or f"{len(stored)} events, unbroken")
