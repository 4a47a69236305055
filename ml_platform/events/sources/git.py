"""The history of a git repository: one event a changed file, the commit as the change set and the session."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.git_log import Change, Commit, Repository, open_repository
from ml_platform.events.sources.pseudonym import pseudonym

CATEGORIES = (
    "build",
    "chore",
    "ci",
    "docs",
    "feat",
    "fix",
    "perf",
    "refactor",
    "revert",
    "style",
    "test",
)
"""The types of Conventional Commits (with those of its Angular convention) that are categories."""

_SUBJECT = re.compile(rf"({'|'.join(CATEGORIES)})(\([^)]*\))?!?:\s", re.IGNORECASE)
_BOT = re.compile(
    r"\[bot\]|^(dependabot|renovate|greenkeeper|pyup|snyk|github[ -]actions?|pre-commit-ci|"
    r"semantic-release|allcontributors|imgbot|mergify|bors|codecov|whitesource|web-flow)\b|"
    r"(^|[\s_-])(bot|robot)$",
    re.IGNORECASE,
)
_OPERATIONS = {"A": "add", "M": "modify", "D": "delete", "R": "rename", "T": "type", "C": "add"}
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})$")
_TYPES = {
    "occurred_at": pa.timestamp("s", tz="UTC"),
    "utc_offset_minutes": pa.int16(),
    "is_bot": pa.bool_(),
}
_COLUMNS = (
    "event_id",
    "user_id",
    "occurred_at",
    "tool",
    "operation",
    "object_path",
    "session_id",
    "change_set_id",
    "workflow_category",
    "is_bot",
    "utc_offset_minutes",
    "attributes",
)
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in _COLUMNS])


@dataclass
class GitSource:
    """``git:PATH``. Merges have no changes of their own and are left out.

    ``user_id`` is a keyed hash of the author's address. Of the message only the type of its subject is
    kept. ``occurred_at`` is the time of the commit (when it entered the history), the offset from UTC
    is the author's.
    """

    path: Path
    user_key: bytes
    simulated: bool = False
    live: bool = False
    _notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """``git:`` and the absolute path."""
        return f"git:{self.path.resolve()}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be seen in this repository."""
        return tuple(self._notes)

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """As `Source.batches`; one table, events."""
        repository = open_repository(self.path)
        self._notes[:] = _limits(repository)
        rows: list[tuple[Any, ...]] = []
        for commit in repository.commits():
            if commit.sha in repository.cut_at:
                continue
            rows.extend(_events(commit, self.user_key))
            while len(rows) >= BATCH_ROWS:
                yield "events", _table(rows[:BATCH_ROWS])
                del rows[:BATCH_ROWS]
        if rows:
            yield "events", _table(rows)


def category(subject: str) -> str | None:
    """The Conventional Commits type of a subject line, if it is one of `CATEGORIES`."""
    found = _SUBJECT.match(subject)
    return found.group(1).lower() if found else None


def is_bot(name: str, email: str) -> bool:
    """Whether an author is a program: ``[bot]`` in name or address, or a well-known one."""
    return bool(_BOT.search(name) or "[bot]" in email)


def offset_minutes(zone: str) -> int | None:
    """Minutes east of UTC of ``+hhmm``; ``None`` where the zone is none (old tools wrote such)."""
    found = _ZONE.fullmatch(zone)
    if not found or int(found.group(2)) > 14 or int(found.group(3)) > 59:
        return None
    minutes = 60 * int(found.group(2)) + int(found.group(3))
    return -minutes if found.group(1) == "-" else minutes


def _limits(repository: Repository) -> Iterator[str]:
    if repository.partial:
        yield (
            "This is a partial clone: contents are not fetched, so a rename is seen only where the file "
            "did not change; other renames count as a deletion and an addition."
        )
    if repository.cut_at:
        yield (
            f"This is a shallow clone: history ends at {len(repository.cut_at)} commit(s) whose own "
            "changes are unknown and left out (`git fetch --unshallow` brings the rest)."
        )


def _events(commit: Commit, user_key: bytes) -> Iterator[tuple[Any, ...]]:
    bot = is_bot(commit.author_name, commit.author_email)
    user = pseudonym(user_key, commit.author_email or commit.author_name)
    offset = offset_minutes(commit.author_zone)
    kind = category(commit.subject)
    for change in commit.changes:
        yield (
            hashlib.sha256(f"{commit.sha}\0{change.path}".encode()).hexdigest()[:32],
            user,
            commit.committed_at,
            _tool(commit, bot),
            _OPERATIONS.get(change.status, "modify"),
            change.path,
            commit.sha,
            commit.sha,
            kind,
            bot,
            offset,
            _attributes(change),
        )


def _tool(commit: Commit, bot: bool) -> str:
    if bot:
        return "bot"
    on_github = commit.committer_email.casefold() == "noreply@github.com"
    return "github-web-or-squash" if on_github else "local-git"


def _attributes(change: Change) -> str | None:
    return None if change.old_path is None else json.dumps({"renamed_from": change.old_path})


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _SCHEMA.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)
