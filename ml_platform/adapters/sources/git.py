"""The history of a git repository: one event a changed file, the commit as the change set and the session."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ml_platform.adapters.sources.git_process import (
    TESTED_GIT,
    Repository,
    open_repository,
    untested_git,
)
from ml_platform.events.sources.git_events import event_tables
from ml_platform.values import fingerprint


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
        """The commits and blobs that this clone lacks, and the consequence."""
        return tuple(self._notes)

    def check(self) -> None:
        """Look at the repository without reading its history; raises `SourceError` as `open_repository`."""
        open_repository(self.path)

    def content(self) -> str:
        """See `WithContent.content`: a commit names its whole history by its hash."""
        repository = open_repository(self.path)
        return fingerprint(
            (repository.tips(), sorted(repository.cut_at), repository.partial, untested_git() or "")
        )

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """See `Source.batches`; one table, events."""
        repository = open_repository(self.path)
        self._notes[:] = _limits(repository)
        commits = repository.commits(self._note_unreadable)
        known = (commit for commit in commits if commit.sha not in repository.cut_at)
        yield from (("events", rows) for rows in event_tables(known, self.user_key))

    def _note_unreadable(self, reason: str, commits: int) -> None:
        self._notes.append(
            f"The content of a file is missing or damaged ({reason}): from there on (after the {commits:,} "
            "newest commits) a rename is seen only where the file did not change; other renames count as a "
            "deletion and an addition. `git fsck` names what else is missing."
        )


def _limits(repository: Repository) -> Iterator[str]:
    version = untested_git()
    if version is not None:
        yield (
            f"This is git {version}: that a hostile repository runs nothing was tried with {', '.join(TESTED_GIT)} "
            "alone. Read repositories that you do not trust in a container."
        )
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
