"""``git log`` as a stream of commits: bounded memory, nothing fetched, nothing of the user's settings."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ml_platform.errors import SourceError

_CHUNK = 1 << 20
_HEADER = "\x01"
_FORMAT = "--format=%x01%H%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%ad%x00%s"
_STATUS = re.compile(r"[ACDMRTUXB][0-9]{0,3}$")
_SETTINGS = {
    "log.showSignature": "false",
    "log.showRoot": "true",
    "diff.renameLimit": "1000",
    "protocol.allow": "never",
    "core.fsmonitor": "false",
}
"""What a repository's or user's own settings could change; `protocol.allow` keeps it from the network."""


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
    committer_name: str
    committer_email: str
    committed_at: int
    """Seconds since 1970, UTC."""
    author_zone: str
    """As git writes it, such as ``+0200``."""
    subject: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Repository:
    """A folder that holds a repository, bare or not."""

    path: Path
    partial: bool
    """A clone that may lack blobs, which are not fetched here."""
    cut_at: frozenset[str]
    """The oldest commits of a shallow clone: their changes are unknown (git shows the whole tree)."""

    def commits(self) -> Iterator[Commit]:
        """Commits of the current branch without merges, newest first, as git prints them.

        Renames are found at 50 % likeness. A partial clone knows only renames that changed nothing:
        comparing contents would need blobs that may be missing.

        Raises:
            SourceError: git fails on the way.
        """
        renames = "-M100%" if self.partial else "-M50%"
        command = ["log", "--no-merges", "-z", "--name-status", renames, "--encoding=UTF-8"]
        command += ["--date=format:%z", "--no-ext-diff", "--no-textconv", "--no-relative", _FORMAT]
        with tempfile.TemporaryFile() as complaints:
            process = _start(self.path, [*command, self._revision(), "--"], complaints)
            assert process.stdout is not None  # asked for as a pipe
            try:
                yield from parse_log(_tokens(process.stdout))
                code = process.wait()
            finally:
                process.stdout.close()
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if code != 0:
                complaints.seek(0)
                raise _git_error(self.path, complaints.read())

    def _revision(self) -> str:
        return "HEAD" if _ask(self.path, "rev-parse", "--verify", "-q", "HEAD") else "--all"


def open_repository(path: Path) -> Repository:
    """Look at the repository in ``path`` itself (not in a folder above it).

    Raises:
        SourceError: no folder, no repository, no git, or a repository without commits.
    """
    if not path.is_dir():
        raise SourceError(
            f"There is no folder {path}.", remedy="Give the path of a repository: git:PATH."
        )
    if _ask(path, "rev-parse", "--git-dir", must=True) is None:
        raise SourceError(f"{path} is no git repository.", remedy="Give its top folder: git:PATH.")
    if not _ask(path, "rev-list", "-n", "1", "--all"):
        raise SourceError(
            f"The repository {path} is empty: it has no commits.",
            remedy="Commit something, or give another repository.",
        )
    partial = _ask(path, "config", "--get-regexp", r"^remote\..*\.(promisor|partialclonefilter)$")
    shallow = _ask(path, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
    shallow_file = Path(shallow) if shallow else path / "shallow"
    cut = shallow_file.read_text().split() if shallow_file.is_file() else []
    return Repository(path, partial=bool(partial), cut_at=frozenset(cut))


def parse_log(tokens: Iterable[str]) -> Iterator[Commit]:
    """Commits from the NUL-separated tokens of ``git log -z --name-status`` in the format of this module."""
    stream = iter(tokens)
    header: list[str] | None = None
    changes: list[Change] = []
    for token in stream:
        word = token.lstrip("\n")
        if word.startswith(_HEADER):
            if header is not None:
                yield _commit(header, changes)
            header, changes = [word[1:], *(next(stream) for _ in range(7))], []
        elif _STATUS.match(word):
            first = next(stream)
            renamed = word[0] in "RC"
            changes.append(
                Change(word[0], next(stream) if renamed else first, first if renamed else None)
            )
    if header is not None:
        yield _commit(header, changes)


def _commit(header: list[str], changes: list[Change]) -> Commit:
    sha, author, email, committer, committer_email, at, zone, subject = header
    return Commit(
        sha, author, email, committer, committer_email, int(at), zone, subject, tuple(changes)
    )


def _tokens(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        for token in whole:
            yield token.decode("utf-8", errors="backslashreplace")
    if rest:
        yield rest.decode("utf-8", errors="backslashreplace")


def _start(path: Path, arguments: list[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    settings = [word for item in _SETTINGS.items() for word in ("-c", "=".join(item))]
    command = ["git", "--no-pager", "--no-replace-objects", *settings, *arguments]
    # The child gets the caller's environment, less what would point git at another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CEILING_DIRECTORIES": str(path.resolve().parent),
        "LC_ALL": "C",
    }
    try:
        return subprocess.Popen(
            command, cwd=path, env=environment, stdout=subprocess.PIPE, stderr=complaints
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed.", remedy="Install git 2.31 or newer.") from error


def _ask(path: Path, *arguments: str, must: bool = False) -> str | None:
    """What git answers, without its line end, or ``None`` where it says no (``must``: say why, if unsafe)."""
    with tempfile.TemporaryFile() as complaints:
        process = _start(path, list(arguments), complaints)
        answer, _ = process.communicate()
        if process.returncode == 0:
            return answer.decode(errors="backslashreplace").strip()
        complaints.seek(0)
        said = complaints.read()
    if must and b"not a git repository" not in said:
        raise _git_error(path, said)
    return None


def _git_error(path: Path, complaints: bytes) -> SourceError:
    text = complaints.decode(errors="backslashreplace")
    if "dubious ownership" in text:
        return SourceError(
            f"The repository {path} belongs to another user, and git refuses to read it.",
            remedy=f"If you trust it: git config --global --add safe.directory {path}",
        )
    lines = [line for line in text.splitlines() if line.startswith(("fatal", "error"))]
    said = "; ".join(lines[-2:]) or text.strip()[-300:] or "it was killed"
    return SourceError(
        f"git could not read the history of {path}: {said}.",
        remedy="Check it with `git fsck`; a partial clone without trees needs a full clone.",
    )
