"""Commits to events: one event a changed file, the commit as the change set and the session."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.git_log import Change, Commit
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


def event_tables(commits: Iterable[Commit], user_key: bytes) -> Iterator[pa.Table]:
    """The events of commits, in their order, in tables of `BATCH_ROWS` at most.

    ``user_key`` is the secret key by which the address of an author becomes an id (`pseudonym`).
    """
    rows: list[tuple[Any, ...]] = []
    for commit in commits:
        rows.extend(_events(commit, user_key))
        while len(rows) >= BATCH_ROWS:
            yield _table(rows[:BATCH_ROWS])
            del rows[:BATCH_ROWS]
    if rows:
        yield _table(rows)


def category(subject: str) -> str | None:
    """The Conventional Commits type of a subject line, if it is one of `CATEGORIES`."""
    match = _SUBJECT.match(subject)
    return match.group(1).lower() if match else None


def is_bot(name: str, email: str) -> bool:
    """Whether an author is a program: ``[bot]`` in name or address, or a well-known one."""
    return bool(_BOT.search(name) or "[bot]" in email)


def offset_minutes(zone: str) -> int | None:
    """Minutes east of UTC of ``+hhmm``; ``None`` where the text is no zone, as some old tools wrote."""
    match = _ZONE.fullmatch(zone)
    if not match or int(match.group(2)) > 14 or int(match.group(3)) > 59:
        return None
    minutes = 60 * int(match.group(2)) + int(match.group(3))
    return -minutes if match.group(1) == "-" else minutes


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
