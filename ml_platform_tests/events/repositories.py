"""Builders of git repositories for tests."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "Ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(path: Path, *arguments: str, stdin: bytes | None = None, **environment: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=path,
        env=ENVIRONMENT | environment,
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def repository(path: Path) -> Path:
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    return path


def commit(path: Path, subject: str, date: str, **environment: str) -> str:
    """Commit all there is; ``date`` as git reads it, such as ``2026-01-02T03:04:05+0200``."""
    git(path, "add", "-A")
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    git(path, "commit", "-q", "--allow-empty", "-m", subject, **(dates | environment))
    return git(path, "rev-parse", "HEAD").strip()


def commit_at_odd_times(path: Path, times: Iterable[str]) -> None:
    """Commits of one new file each whose times are these, as the commit object has them; git would refuse some."""
    parent = git(path, "rev-parse", "HEAD").strip()
    for number, time in enumerate(times):
        (path / f"b{number}.py").write_text("b")
        git(path, "add", "-A")
        tree = git(path, "write-tree").strip()
        text = (
            f"tree {tree}\nparent {parent}\nauthor Ada <a@b> {time} +0000\n"
            f"committer Ada <a@b> {time} +0000\n\nfix: broken\n"
        )
        words = ("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
        parent = git(path, *words, stdin=text.encode()).strip()
    git(path, "update-ref", "refs/heads/main", parent)


def fast_import(path: Path, commits: int, *, start: int = 1_600_000_000) -> Path:
    """A bare repository of many commits, two files each, a minute apart, in a few seconds."""
    path.mkdir()
    git(path, "init", "-q", "--bare", "-b", "main")
    process = subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=path, env=ENVIRONMENT, stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.writelines(_commands(commits, start))
    process.stdin.close()
    assert process.wait() == 0
    return path


def _commands(commits: int, start: int) -> Iterable[bytes]:
    for number in range(commits):
        subject = f"{('fix', 'feat', 'docs')[number % 3]}: change {number}"
        yield (
            f"commit refs/heads/main\n"
            f"committer P{number % 50} <p{number % 50}@example.org> {start + 60 * number} +0100\n"
            f"data {len(subject)}\n{subject}\n"
            f"M 100644 inline src/{number % 31}/{number % 37}.py\ndata {len(str(number))}\n{number}\n"
            f"M 100644 inline docs/{number % 41}.md\ndata {len(str(number))}\n{number}\n"
        ).encode()
