"""The output of ``git log``, parsed to commits; `ml_platform.adapters.sources.git_process` runs git."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HEADER = "\x01"
LOG_FORMAT = "--format=%x01%H%x00%an%x00%ae%x00%ce%x00%ct%x00%ad%x00%s"
"""The format that `parse_log` reads, with ``-z --name-status --date=format:%z``."""

NO_DATE = 2**53
"""Git knows dates up to 2**64 seconds; what lies beyond this is refused as this is."""

_STATUS = re.compile(r"[ACDMRTUXB][0-9]{0,3}$")


@dataclass(frozen=True)
class Change:
    """One file of a commit; ``status`` is git's letter, ``old_path`` that of a rename."""

    status: str
    path: str
    old_path: str | None


@dataclass(frozen=True)
class Commit:
    """One commit and its changes against its only parent (or against nothing)."""

    sha: str
    author_name: str
    author_email: str
    committer_email: str
    committed_at: int | None
    """Seconds since 1970, UTC; ``None`` where git cannot read the date, at most `NO_DATE`."""
    author_zone: str
    """The offset from UTC as git writes it, such as ``+0200``."""
    subject: str
    changes: tuple[Change, ...]


def parse_log(chunks: Iterable[bytes]) -> Iterator[Commit]:
    """Commits from the output of ``git log -z --name-status`` in `LOG_FORMAT`, in chunks of any size."""
    stream = _tokens(chunks)
    header: list[str] | None = None
    changes: list[Change] = []
    for token in stream:
        word = token.lstrip("\n")
        if word.startswith(_HEADER):
            if header is not None:
                yield _commit(header, changes)
            header, changes = [word[1:], *(next(stream) for _ in range(6))], []
        elif _STATUS.match(word):
            first = next(stream)
            renamed = word[0] in "RC"
            changes.append(
                Change(word[0], next(stream) if renamed else first, first if renamed else None)
            )
    if header is not None:
        yield _commit(header, changes)


def _commit(header: list[str], changes: list[Change]) -> Commit:
    sha, author, email, committer_email, at, zone, subject = header
    seconds = min(int(at), NO_DATE) if at.isascii() and at.isdigit() else None
    return Commit(sha, author, email, committer_email, seconds, zone, subject, tuple(changes))


def _tokens(chunks: Iterable[bytes]) -> Iterator[str]:
    """The NUL-separated tokens of a stream, as text; bytes that are no UTF-8 stay visible as escapes."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        for token in whole:
            yield token.decode("utf-8", errors="backslashreplace")
    if rest:
        yield rest.decode("utf-8", errors="backslashreplace")
