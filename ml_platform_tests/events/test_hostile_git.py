"""A repository that somebody else has prepared runs nothing, fetches nothing, and does not hang its reader."""

import os
import time
from pathlib import Path

import pytest

from ml_platform.adapters.sources import git_process
from ml_platform.adapters.sources.git import GitSource
from ml_platform.errors import SourceError
from ml_platform_tests.events.repositories import commit, git, repository

COMMAND = "touch {mark}"
CONFIGURED = {
    "core.fsmonitor": COMMAND,
    "core.pager": COMMAND,
    "core.editor": COMMAND,
    "core.sshCommand": COMMAND,
    "core.askPass": COMMAND,
    "core.gitProxy": COMMAND,
    "core.alternateRefsCommand": COMMAND,
    "pager.log": COMMAND,
    "pager.config": COMMAND,
    "diff.external": COMMAND,
    "diff.evil.command": COMMAND,
    "diff.evil.textconv": COMMAND,
    "filter.evil.clean": COMMAND,
    "filter.evil.smudge": COMMAND,
    "filter.evil.process": COMMAND,
    "gpg.program": COMMAND,
    "log.showSignature": "true",
    "alias.log": "!" + COMMAND,
    "alias.rev-parse": "!" + COMMAND,
    "credential.helper": "!" + COMMAND,
    "uploadpack.packObjectsHook": COMMAND,
    "remote.origin.uploadpack": COMMAND,
    "remote.origin.url": "ext::touch {mark}",
    "remote.origin.promisor": "true",
    "remote.origin.vcs": "ext",
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "protocol.file.allow": "always",
    "trailer.sign.command": COMMAND,
    "maintenance.auto": "true",
    "gc.auto": "1",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = repository(tmp_path / "project")
    for number in range(3):
        (path / "a.py").write_text(f"{number}\n" * 20)
        commit(path, f"fix: {number}", f"2026-01-0{number + 1}T10:00:00+0000")
    return path


def rows(path: Path) -> int:
    return sum(len(batch) for _, batch in GitSource(path, b"key").batches())


def test_nothing_that_a_repository_configures_is_run(project: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for name, value in CONFIGURED.items():
        git(project, "config", name, value.replace("{mark}", str(mark)))
    (project / ".git" / "info" / "attributes").write_text("* diff=evil filter=evil\n")
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"):
        path = project / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {mark}\n")
        path.chmod(0o755)
    assert rows(project) == 3
    assert not mark.exists()


def test_a_missing_object_is_not_fetched_by_a_command(project: Path, tmp_path: Path) -> None:
    """git before 2.45 fetches what a partial clone lacks, by whatever its configuration calls a transport."""
    mark = tmp_path / "mark"
    for name in ("protocol.ext.allow", "protocol.allow"):
        git(project, "config", name, "always")
    git(project, "config", "remote.origin.url", f"ext::touch {mark}")
    git(project, "config", "remote.origin.promisor", "true")
    git(project, "config", "core.repositoryFormatVersion", "1")
    git(project, "config", "extensions.partialClone", "origin")
    tree = git(project, "rev-parse", "HEAD^{tree}").strip()
    (project / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(SourceError, match="git could not read the history"):
        rows(project)
    assert not mark.exists()


@pytest.mark.parametrize("place", ["config", "included"])
def test_a_pipe_in_the_configuration_does_not_hang_the_reader(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(git_process, "ANSWER_SECONDS", 1.0)
    pipe = project / ".git" / "config" if place == "config" else tmp_path / "pipe"
    if place == "included":
        git(project, "config", "include.path", str(pipe))
    else:
        pipe.unlink()
    os.mkfifo(pipe)
    began = time.monotonic()
    with pytest.raises(SourceError, match="git did not answer within 1 s"):
        rows(project)
    assert time.monotonic() - began < 20


def test_a_git_that_no_test_has_seen_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_process, "TESTED_GIT", ("1.0",))
    source = GitSource(project, b"key")
    list(source.batches())
    assert source.notes[0].startswith("This is git 2.")
