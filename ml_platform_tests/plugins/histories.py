"""A git history in which work on a file comes in runs, and few authors work at weekends.

The past of a file tells, but not surely, whether it is changed again; the day of the week tells, as little
surely, whether an author works on the next one.
"""

import random
from datetime import UTC, datetime
from pathlib import Path

from ml_platform_tests.events.repositories import git, repository

START = 1_700_000_000
HOUR = 3600
AUTHORS = ("Ada", "Bo", "Cy", "Di")
WORKDAY, WEEKEND = 0.9, 0.2
"""Chance that an author works on such a day."""


def history(path: Path, days: int, seed: int = 7) -> Path:
    """Eight commits a day to 600 files, of which eight are in work, each for some forty days."""
    drawn, attendance = random.Random(seed), random.Random(seed)
    files = [f"{folder}/part_{n}.py" for folder in ("core", "web", "tests") for n in range(200)]
    in_work = drawn.sample(files, 8)
    repository(path)
    lines: list[str] = []
    for day in range(days):
        weekday = datetime.fromtimestamp(START + day * 24 * HOUR, UTC).weekday()
        chance = WORKDAY if weekday < 5 else WEEKEND
        authors = [author for author in AUTHORS if attendance.random() < chance] or [AUTHORS[0]]
        for place in range(len(in_work)):
            if drawn.random() < 1 / 40:
                in_work[place] = drawn.choice([other for other in files if other not in in_work])
        for commit in range(8):
            # One change in two is to any file, and most of these are not touched again soon.
            touched = {
                drawn.choice(files if drawn.random() < 0.5 else in_work)
                for _ in range(drawn.randint(1, 3))
            }
            lines += _commit(
                START + day * 24 * HOUR + commit * HOUR, authors[commit % len(authors)]
            )
            for file in sorted(touched):
                lines += [f"M 100644 inline {file}", "data 2", str(drawn.randint(10, 99))]
    git(path, "fast-import", "--quiet", stdin=("\n".join(lines) + "\n").encode())
    return path


def _commit(moment: int, author: str) -> list[str]:
    who = f"{author} <{author.lower()}@example.org> {moment} +0000"
    return ["commit refs/heads/main", f"author {who}", f"committer {who}", "data 4", "work"]
