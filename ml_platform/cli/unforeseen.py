"""Errors that are none of the platform's own (a full disk, a database that was killed), told in one line.

The line says what happened, where the traceback is, and the remedy. Errors of Dagster's steps arrive as text,
those of the command as exceptions; both are looked up in one table, by the class names and messages of the
whole chain of causes.
"""

import contextlib
import re
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.errors import PlatformError

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

LOG = "errors.log"
"""The file in ``<home>/logs`` that keeps the tracebacks."""
_LINE = 300
"""Characters of an error's own message that are shown; all of it is in the log."""
_AGAIN = "then run the same command again: finished steps are kept"


@dataclass(frozen=True)
class Cause:
    """A row of the table: which errors it is about, and what a person is told."""

    pattern: re.Pattern[str]
    what: str
    remedy: str


def _cause(pattern: str, what: str, remedy: str) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE), what, remedy)


CAUSES: tuple[Cause, ...] = (
    _cause(
        r"no space left on device|errno 28\b|disk quota exceeded|DiskFull\b",
        "The disk is full",
        f"free space on the disk of {{home}}, {_AGAIN}",
    ),
    _cause(
        r"file too large|errno 27\b",
        "A file has reached the size limit of this process",
        f"raise the limit (`ulimit -f unlimited`), {_AGAIN}",
    ),
    _cause(
        r"read-only file system|permission denied|operation not permitted",
        "A file cannot be written",
        "make {home} writable for this user, or choose another --home",
    ),
    _cause(
        r"MemoryError|cannot allocate memory|out of memory",
        "The memory is full",
        f"end other programs, or choose a smaller source, {_AGAIN}",
    ),
    _cause(
        r"psycopg2?\.|DagsterPostgresException|server closed the connection|terminating connection|"
        r"connection to server at|the database system is",
        "The database has ended or does not answer",
        f"`ml-platform doctor` looks at the server and its disk; {_AGAIN}",
    ),
    _cause(
        r"parquet|arrow",
        "A data file cannot be read",
        "`ml-platform verify` names what was changed; restore the file from a backup, or start with a new home",
    ),
)
"""The first row that fits one error of the chain decides; rows that name a cause stand before wider ones."""
_UNKNOWN = _cause("", "Something unforeseen failed", "report it with the traceback in that file")


class UnforeseenError(PlatformError):
    """An error of a library or of the system, in one line."""


def unforeseen(error: BaseException, home: Path) -> UnforeseenError:
    """The one line for an exception; its traceback goes to the log of the home."""
    log = keep_traceback("".join(traceback.format_exception(error)), home)
    return _in_one_line(list(_texts(error)), home, log)


def unforeseen_step(error: "SerializableErrorInfo", step: str, home: Path) -> UnforeseenError:
    """The one line for the error of a step of Dagster; its traceback goes to the log of the home."""
    log = keep_traceback(error.to_string(), home)
    chain: list[str] = []
    link: SerializableErrorInfo | None = error
    while link is not None:
        chain.append(link.message)
        link = link.cause or link.context
    return _in_one_line(chain[1:] or chain, home, log, step)


def keep_traceback(text: str, home: Path) -> Path | None:
    """Append a traceback to the log of the home, else to one in the folder for temporary files; its path.

    ``None`` where neither can be written.
    """
    for folder in (home / "logs", Path(tempfile.gettempdir())):
        path = folder / (LOG if folder.parent == home else f"ml-platform-{LOG}")
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("a") as stream:
                stream.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n{text}\n")
            return path
    return None


def _texts(error: BaseException | None) -> Iterator[str]:
    """Class name and message of an exception and of those that led to it, the outermost first."""
    while error is not None:
        name = f"{type(error).__module__}.{type(error).__name__}".removeprefix("builtins.")
        yield f"{name}: {error}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _in_one_line(
    chain: list[str], home: Path, log: Path | None, step: str | None = None
) -> UnforeseenError:
    cause, text = next(
        ((row, text) for row in CAUSES for text in chain if row.pattern.search(text)),
        (_UNKNOWN, chain[0]),
    )
    message = " ".join(text.split())
    shown = message if len(message) <= _LINE else f"{message[:_LINE]}..."
    where = f"traceback in {log}" if log else "its traceback could not be written anywhere"
    return UnforeseenError(
        f"{f'{step}: ' if step else ''}{cause.what}: {shown.rstrip('.')} ({where}).",
        remedy=cause.remedy.format(home=home),
    )
