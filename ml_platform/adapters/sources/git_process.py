"""git in a process of its own: bounded memory, nothing fetched, nothing of the user's settings."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ml_platform.errors import SourceError
from ml_platform.events.sources.git_log import LOG_FORMAT, Commit, parse_log

_CHUNK = 1 << 20
ANSWER_SECONDS = 60.0
"""How long a question about a repository may take; its history, which streams, has no limit."""
TESTED_GIT = ("2.39",)
"""The versions of git on which the tests of hostile repositories were run."""
_SIMILAR, _EXACT = "-M50%", "-M100%"
_SETTINGS = {
    "log.showSignature": "false",
    "log.showRoot": "true",
    "diff.renameLimit": "1000",
    "protocol.allow": "never",
    "core.fsmonitor": "false",
}
"""Settings that a repository or its user could have changed; `protocol.allow` keeps git off the network."""


@dataclass(frozen=True)
class Repository:
    """A folder that holds a repository, bare or not."""

    path: Path
    partial: bool
    """A clone that may lack blobs, which are not fetched here."""
    cut_at: frozenset[str]
    """The oldest commits of a shallow clone: their changes are unknown (git shows the whole tree)."""

    def commits(self, unreadable: Callable[[str, int], None]) -> Iterator[Commit]:
        """Commits of the current branch without merges, newest first, as git prints them.

        Files that are 50 % alike count as renamed. Where the content of a file is missing (a partial clone, a
        damaged repository) only renames that changed nothing are seen, since others need contents compared.

        Args:
            unreadable: Told git's reason, and how many commits came before, when a content cannot be read; the
                history goes on from there.

        Raises:
            SourceError: git fails on the way for want of a commit or a folder's listing.
        """
        known: set[str] = set()
        if not self.partial:
            try:
                for commit in self._log(_SIMILAR):
                    known.add(commit.sha)
                    yield commit
                return
            except SourceError as error:
                reason = error.message.removeprefix(_failed(self.path)).rstrip(".")
        exact = (commit for commit in self._log(_EXACT) if commit.sha not in known)
        first = next(exact, None)
        if first is None:
            return
        if not self.partial:  # told only now: without commits and listings there is no going on
            unreadable(reason, len(known))
        yield first
        yield from exact

    def _log(self, renames: str) -> Iterator[Commit]:
        """The commits of one `git log`; where git fails, those before the one that it failed at."""
        command = ["log", "--no-merges", "-z", "--name-status", renames, "--encoding=UTF-8"]
        command += [
            "--date=format:%z",
            "--no-ext-diff",
            "--no-textconv",
            "--no-relative",
            LOG_FORMAT,
        ]
        with tempfile.TemporaryFile() as errors:
            process = _start(self.path, [*command, self._revision(), "--"], errors)
            assert process.stdout is not None  # asked for as a pipe
            try:
                last = None
                for commit in parse_log(_chunks(process.stdout)):
                    if last is not None:
                        yield last
                    last = commit
                code = process.wait()
            finally:
                process.stdout.close()
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if code != 0:  # the last commit may have been cut off
                errors.seek(0)
                raise _git_error(self.path, errors.read())
            if last is not None:
                yield last

    def tips(self) -> str:
        """The hashes of the commits whose histories are read."""
        return _ask(self.path, "rev-parse", self._revision(), must=True) or ""

    def _revision(self) -> str:
        return "HEAD" if _ask(self.path, "rev-parse", "--verify", "-q", "HEAD") else "--all"


def untested_git() -> str | None:
    """The version of the git that is installed, if no test of hostile repositories was run on it."""
    words = (_ask(Path.cwd(), "version") or "").split()
    version = words[2] if len(words) > 2 else "unknown"
    return None if ".".join(version.split(".")[:2]) in TESTED_GIT else version


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
    if not _ask(path, "rev-list", "-n", "1", "--all", must=True):
        raise _without_commits(path)
    partial = _ask(path, "config", "--get-regexp", r"^remote\..*\.(promisor|partialclonefilter)$")
    shallow = _ask(path, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
    shallow_file = Path(shallow) if shallow else path / "shallow"
    cut = shallow_file.read_text().split() if shallow_file.is_file() else []
    return Repository(path, partial=bool(partial), cut_at=frozenset(cut))


def _without_commits(path: Path) -> SourceError:
    """The error for a repository that shows no commit: nothing points at one, or what points finds nothing."""
    pointers = _ask(path, "for-each-ref", "--format=%(refname)") or ""
    head = _ask(path, "rev-parse", "--verify", "-q", "HEAD")
    if pointers or head:
        name = pointers.splitlines()[0] if pointers else "HEAD"
        return SourceError(
            f"The repository {path} is damaged: {name} points at a commit that cannot be read.",
            remedy="Check it with `git fsck`, or clone it again.",
        )
    return SourceError(
        f"The repository {path} is empty: it has no commits.",
        remedy="Commit something, or give another repository.",
    )


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _start(path: Path, arguments: list[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    settings = [word for item in _SETTINGS.items() for word in ("-c", "=".join(item))]
    command = ["git", "--no-pager", "--no-replace-objects", *settings, *arguments]
    # The child gets the caller's environment, less what would point git at another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        "GIT_NO_LAZY_FETCH": "1",
        # git before 2.45 knows no GIT_NO_LAZY_FETCH; an empty list allows no protocol, whatever a repository says.
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CEILING_DIRECTORIES": str(path.resolve().parent),
        "LC_ALL": "C",
    }
    try:
        return subprocess.Popen(
            command, cwd=path, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed.", remedy="Install git 2.31 or newer.") from error


def _ask(path: Path, *arguments: str, must: bool = False) -> str | None:
    """The output of a git command, stripped, or ``None`` where it fails.

    ``must``: a failure for any reason but "not a git repository" raises `SourceError` with git's message. One that
    does not answer (its configuration may include a pipe, which it opens and waits for) is ended.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(path, list(arguments), errors)
        try:
            answer, _ = process.communicate(timeout=ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise SourceError(
                f"git did not answer within {ANSWER_SECONDS:g} s in {path}.",
                remedy="Look for pipes or devices in its .git folder and configuration, or clone it anew.",
            ) from None
        if process.returncode == 0:
            return answer.decode(errors="backslashreplace").strip()
        errors.seek(0)
        message = errors.read()
    if must and b"not a git repository" not in message:
        raise _git_error(path, message)
    return None


def _failed(path: Path) -> str:
    return f"git could not read the history of {path}: "


def _git_error(path: Path, errors: bytes) -> SourceError:
    text = errors.decode(errors="backslashreplace")
    if "dubious ownership" in text:
        return SourceError(
            f"The repository {path} belongs to another user, and git refuses to read it.",
            remedy=f"If you trust it: git config --global --add safe.directory {path}",
        )
    lines = [line for line in text.splitlines() if line.startswith(("fatal", "error"))]
    reason = "; ".join(lines[-2:]) or text.strip()[-300:] or "it was killed"
    return SourceError(
        f"{_failed(path)}{reason}.",
        remedy="Check it with `git fsck`; a partial clone without trees needs a full clone.",
    )
