"""What libraries print and log while a command runs goes to ``<home>/logs/run.log``; standard error is for people.

Shown are the lines of progress, and the warnings of the platform itself.
"""

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
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
    """Send what is printed to the log, by libraries in C and by processes that are started meanwhile as well.

    Those are dbt's hundred lines and Dagster's notes; progress stays on standard error.
    """
    with ExitStack() as stack:
        log = stack.enter_context(_opened(home))
        terminal = stack.enter_context(_beside(sys.stderr))
        for number in (1, 2):
            stack.enter_context(_sent(number, log.fileno()))
        stack.enter_context(shown_on(terminal))
        stack.enter_context(redirect_stdout(log))
        stack.enter_context(redirect_stderr(log))
        yield


@contextmanager
def _beside(stream: IO[str]) -> Iterator[IO[str]]:
    """A stream to where ``stream`` writes now, wherever its file descriptor leads later."""
    try:
        number = os.dup(stream.fileno())
    except (io.UnsupportedOperation, ValueError, AttributeError):  # in memory: it has none
        yield stream
        return
    with open(number, "w", buffering=1, errors="replace") as copy:
        yield copy


@contextmanager
def _sent(number: int, target: int) -> Iterator[None]:
    """Let what is written to a file descriptor go to another one while the block runs."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    before = os.dup(number)
    os.dup2(target, number)
    try:
        yield
    finally:
        os.dup2(before, number)
        os.close(before)


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
