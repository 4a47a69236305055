"""Files that are named by their hash: nothing is parsed before its bytes have been checked."""

import hashlib
from pathlib import Path

from ml_platform.errors import IntegrityError


def checked_bytes(path: Path, sha256: str, remedy: str) -> bytes:
    """The content of ``path``, whose SHA-256 must be ``sha256``.

    Raises:
        IntegrityError: the file is missing, or holds other bytes; ``remedy`` says what to do then.
    """
    if not path.is_file():
        raise IntegrityError(f"{path} is missing.", remedy=remedy)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise IntegrityError(
            f"{path} has SHA-256 {digest[:12]}..., expected {sha256[:12]}....", remedy=remedy
        )
    return content
