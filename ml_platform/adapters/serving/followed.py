"""Whether a service runs in a home, and since when it knows the keys as they now are."""

import fcntl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_platform.adapters.serving.state_file import read_state
from ml_platform.errors import IntegrityError
from ml_platform.serving.keys import ApiKey

WORKERS_SECONDS = 0.3
"""How long workers may take to see a state that is there; they look ten times a second."""
_EVERY = 0.05
_LOCK = "running.lock"


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Say that a service runs on this folder of a home, until the process ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def runs(folder: Path) -> bool:
    """Whether a service runs on this folder of a home."""
    try:
        with (folder / _LOCK).open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def wait_until_followed(folder: Path, keys: Collection[ApiKey], seconds: float = 5.0) -> bool:
    """Return when every worker of a running service goes by these keys; at once where no service runs.

    Args:
        folder: Where the state of the service lies.
        keys: As the ledger has them now.
        seconds: How long to wait at the most.

    Returns:
        Whether nobody goes by other keys now: false if a running service has not followed in time.
    """
    until = time.monotonic() + seconds
    while runs(folder):
        if _known(folder) == frozenset(keys):
            time.sleep(WORKERS_SECONDS)
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_EVERY)
    return True


def _known(folder: Path) -> frozenset[ApiKey]:
    try:
        state = read_state(folder)
    except IntegrityError:
        return frozenset()
    return frozenset(state.keys if state is not None else ())
