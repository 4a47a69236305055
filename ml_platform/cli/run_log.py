"""What libraries print and log while a command runs goes to ``<home>/logs/run.log``; standard error is for people.

Shown are the lines of progress, and the warnings of the platform itself.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO

from ml_platform.defs.progress import shown_on

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def _opened(home: Path) -> Iterator[IO[str]]:
    path = home / "logs" / "run.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", buffering=1) as log:
        yield log


@contextmanager
def prints_to_a_log(home: Path) -> Iterator[None]:
    """Send what is printed to the log (dbt's hundred lines, Dagster's notes); progress stays on standard error."""
    with (
        _opened(home) as log,
        shown_on(sys.stderr),
        redirect_stdout(log),
        redirect_stderr(log),
    ):
        yield


@contextmanager
def messages_to_a_log(home: Path) -> Iterator[None]:
    """Send log records and warnings of libraries to the log; those of the platform are shown as well."""
    root, own = logging.getLogger(), logging.getLogger("ml_platform")
    libraries, shown = root.handlers, logging.StreamHandler(sys.stderr)
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter("%(message)s"))
    with _opened(home) as log, warnings.catch_warnings():
        handler = logging.StreamHandler(log)
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.handlers = [handler]
        own.addHandler(shown)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            own.removeHandler(shown)
            root.handlers = libraries
