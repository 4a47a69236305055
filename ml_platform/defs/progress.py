"""Progress at a terminal: a line when a step starts and ends, and the messages of assets in between."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
)
"""The beginnings of libraries' messages that only repeat, at length, a line of the platform."""


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
        stream = self.stream or sys.stderr
        stream.write(f"{time.monotonic() - self.started:7.1f} s  {step:<42} {message}\n")
        stream.flush()


@contextmanager
def shown_on(stream: IO[str]) -> Iterator[None]:
    """Write progress to ``stream`` while the block runs, also where standard error is sent elsewhere."""
    before, ProgressHandler.stream = ProgressHandler.stream, stream
    try:
        yield
    finally:
        ProgressHandler.stream = before


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
