import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.git import GitSource
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.git_events import category, is_bot, offset_minutes
from ml_platform_tests.events.repositories import (
    ENVIRONMENT,
    commit,
    commit_at_odd_times,
    fast_import,
    git,
    repository,
)

LONG = "".join(f"line {number}\n" for number in range(40))


def events(path: Path, key: bytes = b"key") -> list[dict[str, Any]]:
    rows = [row for _, batch in GitSource(path, key).batches() for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: (row["occurred_at"], row["object_path"]))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Added, renamed with a change, renamed alone, deleted; by Ada, by a bot, on the web."""
    path = repository(tmp_path / "project")
    (path / "a.py").write_text(LONG)
    (path / "ü b.md").write_text("x")
    commit(path, "feat(core)!: secret plans", "2026-01-01T10:00:00+0530")
    (path / "a.py").rename(path / "b.py")
    (path / "b.py").write_text(LONG + "more\n")
    commit(path, "tidy up", "2026-01-02T10:00:00-0800", GIT_COMMITTER_EMAIL="noreply@github.com")
    (path / "b.py").rename(path / "c.py")
    commit(path, "Fix: move", "2026-01-03T10:00:00+0000", GIT_AUTHOR_NAME="dependabot[bot]")
    (path / "c.py").unlink()
    commit(path, "docs:no space", "2026-01-04T10:00:00+0000")
    return path


def test_one_event_a_changed_file(project: Path):
    rows = events(project)
    named = [(row["operation"], row["object_path"], row["workflow_category"]) for row in rows]
    assert named == [
        ("add", "a.py", "feat"),
        ("add", "ü b.md", "feat"),
        ("rename", "b.py", None),
        ("rename", "c.py", "fix"),
        ("delete", "c.py", None),
    ]
    assert json.loads(rows[2]["attributes"]) == {"renamed_from": "a.py"}
    assert rows[0]["occurred_at"] == datetime(2026, 1, 1, 4, 30, tzinfo=UTC)
    assert [row["utc_offset_minutes"] for row in rows] == [330, 330, -480, 0, 0]
    assert [row["tool"] for row in rows] == [
        "local-git",
        "local-git",
        "github-web-or-squash",
        "bot",
        "local-git",
    ]
    assert [row["is_bot"] for row in rows] == [False, False, False, True, False]
    assert all(row["change_set_id"] == row["session_id"] for row in rows)
    assert len({row["event_id"] for row in rows}) == 5
    assert len({row["change_set_id"] for row in rows}) == 4


def test_people_and_messages_are_not_in_what_leaves(project: Path):
    rows = events(project)
    assert len({row["user_id"] for row in rows}) == 1
    assert {row["user_id"] for row in events(project, b"other key")}.isdisjoint(
        {row["user_id"] for row in rows}
    )
    text = json.dumps(rows, default=str).casefold()
    for secret in ("ada", "example.org", "secret", "plans"):
        assert secret not in text.replace(str(project).casefold(), "")


def test_bare_or_not_is_the_same_and_twice_too(project: Path, tmp_path: Path):
    git(tmp_path, "clone", "-q", "--bare", str(project), "bare.git")
    assert events(tmp_path / "bare.git") == events(project) == events(project)


def test_a_merge_has_no_events_of_its_own(project: Path):
    before = len(events(project))
    git(project, "checkout", "-q", "-b", "side", "HEAD~1")
    (project / "side.txt").write_text("s")
    commit(project, "test: side", "2026-01-05T10:00:00+0000")
    git(project, "checkout", "-q", "main")
    git(project, "merge", "-q", "--no-ff", "-m", "merge side", "side")
    rows = events(project)
    assert len(rows) == before + 1
    assert rows[-1]["object_path"] == "side.txt"


def test_a_commit_without_changes_has_no_events(project: Path):
    before = events(project)
    commit(project, "chore: nothing", "2026-01-05T10:00:00+0000")
    assert events(project) == before


def test_odd_names_and_messages(tmp_path: Path):
    path = repository(tmp_path / "odd")
    for name in ("A", "R100", "new\nline", "\x01x", " space "):
        (path / name).write_text("x")
    commit(path, "style: \x01 M\x1f", "2026-01-01T10:00:00+0000", GIT_AUTHOR_NAME="A\x1fb")
    rows = events(path)
    assert {row["object_path"] for row in rows} == {"A", "R100", "new\nline", "\x01x", " space "}
    assert {row["workflow_category"] for row in rows} == {"style"}


def test_settings_of_the_repository_change_nothing(project: Path):
    before = events(project)
    for setting in (
        ("diff.renames", "false"),
        ("diff.noprefix", "true"),
        ("log.showRoot", "false"),
        ("log.diffMerges", "first-parent"),
        ("log.showSignature", "true"),
        ("core.quotePath", "true"),
        ("diff.external", "false"),
    ):
        git(project, "config", *setting)
    assert events(project) == before


def test_a_partial_clone_without_blobs_goes_on_without_fetching(project: Path, tmp_path: Path):
    git(project, "config", "uploadpack.allowFilter", "true")
    url = f"file://{project}"
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", url, "partial.git")
    partial = tmp_path / "partial.git"
    missing = git(partial, "rev-list", "--objects", "--all", "--missing=print")
    lacking = missing.count("\n?")
    assert lacking > 0
    source = GitSource(partial, b"key")
    rows = [row for _, batch in source.batches() for row in batch.to_pylist()]
    named = {(row["operation"], row["object_path"]) for row in rows}
    assert ("rename", "c.py") in named  # nothing but the name changed: seen without its content
    assert {("delete", "a.py"), ("add", "b.py")} <= named
    assert "partial clone" in source.notes[0]
    still = git(partial, "rev-list", "--objects", "--all", "--missing=print").count("\n?")
    assert still == lacking


def remove_object(path: Path, name: str) -> str:
    """Delete one loose object; its SHA-1."""
    sha = git(path, "rev-parse", name).strip()
    (path / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    return sha


def test_a_missing_content_goes_on_with_exact_renames_and_says_so(project: Path):
    """The content before the rename with a change is gone: that one rename cannot be seen any more."""
    before = events(project)
    sha = remove_object(project, "HEAD~3:a.py")
    source = GitSource(project, b"key")
    rows = [row for _, batch in source.batches() for row in batch.to_pylist()]
    named = {(row["operation"], row["object_path"]) for row in rows}
    assert ("rename", "c.py") in named
    assert {("delete", "a.py"), ("add", "b.py")} <= named
    assert {row["change_set_id"] for row in rows} == {row["change_set_id"] for row in before}
    assert len(rows) == len({row["event_id"] for row in rows}) == len(before) + 1
    (note,) = source.notes
    assert sha in note
    assert "git fsck" in note


def test_a_missing_listing_or_commit_is_an_error_with_what_is_missing(project: Path):
    sha = remove_object(project, "HEAD~2^{tree}")
    with pytest.raises(SourceError, match=f"git could not read the history of .*{sha}.*git fsck"):
        events(project)


@pytest.mark.parametrize("missing", ["HEAD", "every commit"])
def test_a_damaged_repository_is_not_empty(project: Path, missing: str):
    if missing == "HEAD":
        remove_object(project, "HEAD")
    else:
        for sha in git(project, "rev-list", "--all").split():
            remove_object(project, sha)
    with pytest.raises(SourceError, match=r"damaged|could not read the history"):
        events(project)


def test_a_pack_that_was_cut_off_is_told_as_damage(project: Path):
    git(project, "gc", "-q")
    (pack,) = (project / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:40])
    with pytest.raises(SourceError, match=r"(damaged|could not read the history).*git fsck"):
        events(project)


def test_a_partial_clone_without_trees_is_an_error(project: Path, tmp_path: Path):
    git(project, "config", "uploadpack.allowFilter", "true")
    url = f"file://{project}"
    git(tmp_path, "clone", "-q", "--bare", "--filter=tree:0", url, "treeless.git")
    with pytest.raises(SourceError, match="git could not read the history"):
        events(tmp_path / "treeless.git")


def test_a_shallow_clone_leaves_out_the_commits_it_was_cut_at(project: Path, tmp_path: Path):
    url = f"file://{project}"
    git(tmp_path, "clone", "-q", "--depth", "2", url, "shallow")
    source = GitSource(tmp_path / "shallow", b"key")
    rows = [row for _, batch in source.batches() for row in batch.to_pylist()]
    assert [(row["operation"], row["object_path"]) for row in rows] == [("delete", "c.py")]
    assert "shallow clone" in source.notes[0]
    assert GitSource(project, b"key").notes == ()


@pytest.mark.parametrize("bare", [False, True])
def test_a_repository_without_commits(tmp_path: Path, bare: bool):
    git(tmp_path, "init", "-q", *(["--bare"] if bare else []), "empty")
    with pytest.raises(SourceError, match=r"is empty: it has no commits\. Remedy"):
        events(tmp_path / "empty")


def test_no_folder_and_no_repository(tmp_path: Path, project: Path):
    with pytest.raises(SourceError, match="There is no folder"):
        events(tmp_path / "nowhere")
    inside = project / "folder"
    inside.mkdir()
    with pytest.raises(SourceError, match="is no git repository"):
        events(inside)  # the repository above is not what was asked for


def test_a_branch_that_does_not_exist_yet_shows_the_others(project: Path):
    git(project, "symbolic-ref", "HEAD", "refs/heads/unborn")
    assert len(events(project)) == 5


def test_a_damaged_repository_is_an_error(project: Path):
    head = git(project, "rev-parse", "HEAD~1^{tree}").strip()
    (project / ".git/objects" / head[:2] / head[2:]).unlink()
    with pytest.raises(SourceError, match="git could not read the history"):
        events(project)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("feat: x", "feat"),
        ("FIX(api)!: x", "fix"),
        ("revert: feat: x", "revert"),
        ("feature: x", None),
        ("feat x", None),
        ("wip: x", None),
        (" fix: x", None),
        ("fix:", None),
    ],
)
def test_category(subject: str, kind: str | None):
    assert category(subject) == kind


def test_bots_and_people():
    for name in (
        "renovate[bot]",
        "dependabot-preview",
        "GitHub Actions",
        "release-bot",
        "k8s robot",
    ):
        assert is_bot(name, "x@y"), name
    for name in ("Talbot", "Robert", "Abbott Bo", "Bot Tle", ""):
        assert not is_bot(name, "x@y"), name
    assert is_bot("x", "41898282+github-actions[bot]@users.noreply.github.com")


def test_zones():
    assert [offset_minutes(zone) for zone in ("+0000", "-0330", "+1400")] == [0, -210, 840]
    assert [offset_minutes(zone) for zone in ("+51800", "", "+2500")] == [None, None, None]


def test_twenty_thousand_commits_in_bounded_memory(tmp_path: Path):
    path = fast_import(tmp_path / "large.git", 20_000)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from ml_platform.adapters.sources.git import GitSource\n"
        "import pyarrow\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "rows = sum(len(b) for _, b in GitSource(Path(sys.argv[1]), b'k').batches())\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(rows, (after - before) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        check=True,
        text=True,
        env=ENVIRONMENT,
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 40_000
    assert megabytes < 200


def test_a_broken_date_quarantines_the_rows_of_its_commit(tmp_path: Path) -> None:
    path = repository(tmp_path / "project")
    (path / "a.py").write_text("a")
    commit(path, "fix: one", "2026-01-02T03:04:05+0200")
    commit_at_odd_times(path, ("99999999999999999999", "-5", "soon", "9223372036854775807"))
    for number in range(9):
        (path / "a.py").write_text(f"a{number}")
        commit(path, "fix: more", f"2026-01-03T03:04:{number:02d}+0200")
    lake = InMemoryLake()
    report = ingest(
        GitSource(path, b"key"), lake, now=datetime(2026, 6, 1, tzinfo=UTC), progress=lambda _: None
    )
    assert report.tables[0].added == 10
    assert sum(report.tables[0].refused.values()) == 4
