"""Progress at a terminal: a line when a step starts and ends, and the messages of assets in between."""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import dagster as dg

from ml_platform.settings import read_settings

_DAGSTER_META = "dagster_meta"
"""The attribute of a log record in which Dagster says which step and event it belongs to."""
_EVENTS = {
    "STEP_START": "start",
    "STEP_SUCCESS": "done",
    "STEP_FAILURE": "FAILED",
    "STEP_SKIPPED": "skipped",
}


_NOISE = (
    "A dbt subsetted execution",
    "Running dbt command",
    "Finished dbt command",
    "Blocking asset check",
    "Dependencies for step",
    "Skipping step",
    "Multiprocess executor",
    "Executing steps using multiprocess executor",
)
"""The beginnings of libraries' messages that only repeat, at length, a line of the platform."""
_LAST = "\0\n"
"""The line after which nothing is read from a pipe."""


class ProgressHandler(logging.Handler):
    """Writes '  12.3 s  pattern_classifier/candidate  done' to standard error."""

    started = time.monotonic()
    stream: IO[str] | None = None
    """The stream that `shown_on` has set; ``None`` for standard error, whatever it is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line for the start and the end of a step, and for each message of an asset."""
        meta = getattr(record, _DAGSTER_META, None) or {}
        event = meta.get("dagster_event")
        step = (meta.get("step_key") or "").replace("__", "/")
        if event is None:
            if record.levelno < logging.INFO:
                return
            message = str(meta.get("orig_message", record.getMessage()))
            if message.startswith(_NOISE):
                return
        else:
            kind = getattr(event, "event_type_value", "")
            if kind not in _EVENTS:
                return
            message = _EVENTS[kind]
        line = f"{step:<42} {message}\n"
        if self.stream is not None or not _sent_to_the_run(line):
            _show(self.stream or sys.stderr, line)


def pipe_of_home() -> Path:
    """The named pipe to which the processes of steps write their lines, while a command shows them."""
    return read_settings().home / "run" / "progress"


def _sent_to_the_run(line: str) -> bool:
    """Whether a command reads the pipe of the home; if so it gets the line, in one piece."""
    try:
        number = os.open(pipe_of_home(), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # there is no pipe, or nobody reads it
        return False
    os.set_blocking(number, True)
    with open(number, "wb", buffering=0) as pipe:
        pipe.write(line.encode())
    return True


def _show(stream: IO[str], line: str) -> None:
    """Print a line with the seconds since this process began."""
    stream.write(f"{time.monotonic() - ProgressHandler.started:7.1f} s  {line}")
    stream.flush()


@contextmanager
def shown_on(stream: IO[str]) -> Iterator[None]:
    """Write progress to ``stream`` while the block runs, also where standard error is sent elsewhere.

    The lines of steps in other processes come through the pipe of the home, which is made for as long.
    """
    pipe = pipe_of_home()
    pipe.parent.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, mode=0o600)
    # Opened for writing, too: it is at its end only when the last line says so.
    lines = os.fdopen(os.open(pipe, os.O_RDWR), "r", errors="replace")
    copying = threading.Thread(target=_copy, args=(lines, stream), daemon=True)
    copying.start()
    before, ProgressHandler.stream = ProgressHandler.stream, stream
    try:
        yield
    finally:
        ProgressHandler.stream = before
        _sent_to_the_run(_LAST)
        copying.join()
        lines.close()
        pipe.unlink(missing_ok=True)


def _copy(lines: IO[str], stream: IO[str]) -> None:
    for line in iter(lines.readline, _LAST):
        _show(stream, line)


def _progress(_: dg.InitLoggerContext) -> logging.Logger:
    """The logger that `ml-platform run` chooses instead of Dagster's console logger."""
    logger = logging.getLogger("ml_platform.progress")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [ProgressHandler()]
    return logger


progress_logger = dg.LoggerDefinition(
    _progress, description="A line a step on standard error, for people at a terminal."
)
