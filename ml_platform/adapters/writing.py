"""Errors of the disk while a lake is written, as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_platform.errors import PlatformError


@contextmanager
def writing(content: str, path: Path) -> Iterator[None]:
    """Turn an error of writing into one that names the content, the path and the remedy."""
    try:
        yield
    except OSError as error:
        raise PlatformError(
            f"Could not write {content} to {path}: {error}. What was stored before is unchanged.",
            remedy="Free some space or correct the permissions, then run the same command again.",
        ) from error
