"""The file by which all workers follow what is in production; it stays for a start without a database.

Its first line is the hash of the rest: a half-written or damaged file is not used.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ml_platform import files, values
from ml_platform.errors import IntegrityError
from ml_platform.serving.state import ServiceState

_NAME = "state.json"


def write_state(folder: Path, state: ServiceState) -> None:
    """Replace the state, for the owner's eyes alone: it says where the database is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = values.to_json(state)
    with files.replacing(folder / _NAME) as beside:
        beside.touch(mode=0o600)
        beside.write_text(f"{values.text_sha256(text)}\n{text}")


def remove_state(folder: Path) -> None:
    """Take the state away: workers go on with the one that they have, until it is written again."""
    (folder / _NAME).unlink(missing_ok=True)


def read_state(folder: Path) -> ServiceState | None:
    """The state; ``None`` before it was written for the first time.

    Raises:
        IntegrityError: the file is not what was written.
    """
    try:
        sha256, _, text = (folder / _NAME).read_text().partition("\n")
        if values.text_sha256(text) != sha256:
            raise ValueError("its hash is another one")
        return values.from_json(ServiceState, text)
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError) as error:
        raise IntegrityError(
            f"{folder / _NAME} is damaged: {str(error).splitlines()[0]}.",
            remedy="delete it: it is written again from the ledger",
        ) from error


@dataclass
class StateFollower:
    """Tells of a new state once it is there; a look costs one look at the file's name."""

    folder: Path
    seen: tuple[int, int] | None = None

    def changed(self) -> ServiceState | None:
        """The state if it is another one than at the last look, else ``None``.

        Raises:
            IntegrityError: see `read_state`.
        """
        try:
            status = (self.folder / _NAME).stat()
        except FileNotFoundError:
            return None
        mark = (status.st_ino, status.st_mtime_ns)
        if mark == self.seen:
            return None
        self.seen = mark
        return read_state(self.folder)
