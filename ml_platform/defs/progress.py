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
_BEGAN = "ML_PLATFORM_BEGAN"
"""When progress was first shown, by the clock of the machine: the processes of steps count from it too."""
_PIPE = "ML_PLATFORM_PROGRESS"
"""The named pipe to which the processes of steps write their lines."""


class ProgressHandler(logging.Handler):
    """Writes '  12.3 s  pattern_classifier/candidate  done' to standard error."""

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
        seconds = time.monotonic() - _began()
        self._write(f"{seconds:7.1f} s  {step:<42} {message}\n")

    def _write(self, line: str) -> None:
        """To the stream; in the process of a step to the pipe of its run, in one piece."""
        pipe = os.environ.get(_PIPE)
        if self.stream is None and pipe:
            number = os.open(pipe, os.O_WRONLY)
            try:
                os.write(number, line.encode())
            finally:
                os.close(number)
            return
        stream = self.stream or sys.stderr
        stream.write(line)
        stream.flush()


def _began() -> float:
    return float(os.environ.setdefault(_BEGAN, str(time.monotonic())))


@contextmanager
def shown_on(stream: IO[str], pipe: Path) -> Iterator[None]:
    """Write progress to ``stream`` while the block runs, also where standard error is sent elsewhere.

    Args:
        stream: Where the lines are shown.
        pipe: The path of a named pipe, which is made for as long: processes of steps write to it.
    """
    pipe.parent.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, mode=0o600)
    # Opened for writing, too: it is at its end only when the last line says so.
    lines = os.fdopen(os.open(pipe, os.O_RDWR), "r", errors="replace")
    copying = threading.Thread(target=_copy, args=(lines, stream), daemon=True)
    copying.start()
    before, ProgressHandler.stream = ProgressHandler.stream, stream
    _began()
    os.environ[_PIPE] = str(pipe)
    try:
        yield
    finally:
        del os.environ[_PIPE]
        ProgressHandler.stream = before
        with pipe.open("a") as last:
            last.write(_LAST)
        copying.join()
        lines.close()
        pipe.unlink(missing_ok=True)


_LAST = "\0\n"
"""The line after which nothing is read from a pipe."""


def _copy(lines: IO[str], stream: IO[str]) -> None:
    for line in iter(lines.readline, _LAST):
        stream.write(line)
        stream.flush()


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
