"""Events in which steps tell the next one: walks around a ring of tools, by strides that change with the times."""

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

USERS = tuple(f"user{number}" for number in range(60))
_TOOLS = 11
_ANYWHERE = 0.03
"""How often a step leads anywhere."""
Day = tuple[tuple[int, ...], int]
"""The strides of a day, and how many sessions half of the users have each."""


def write_events(folder: Path, start: datetime, days: list[Day], seed: int = 1) -> None:
    """Write files of events and users.

    A session has about a dozen steps. Its stride is one of the day's; without any, each step
    leads anywhere. The last two steps tell the stride, the last one alone does not. Whatever the strides, all tools
    are used as often.
    """
    drawn = random.Random(seed)
    folder.mkdir(parents=True)
    with (folder / "users.csv").open("w") as stream:
        described = csv.writer(stream)
        described.writerow(["user_id", "team", "region", "tenure_days"])
        described.writerows(
            [user, "ab"[number % 2], "north", 100] for number, user in enumerate(USERS)
        )
    count = 0
    with (folder / "events.csv").open("w") as stream:
        events = csv.writer(stream)
        events.writerow(["event_id", "user_id", "occurred_at", "tool", "operation", "session_id"])
        for day, (strides, turns) in enumerate(days):
            for turn, user in _sessions(day, turns):
                at = start + timedelta(days=day, seconds=drawn.uniform(0, 80_000))
                stride = drawn.choice(strides) if strides else 0
                tool = drawn.randrange(_TOOLS)
                for _ in range(drawn.randint(10, 16)):
                    count += 1
                    session = f"{user} {day} {turn}"
                    events.writerow([count, user, at.isoformat(), f"tool{tool}", "use", session])
                    at += timedelta(seconds=drawn.uniform(20, 100))
                    leads_anywhere = not strides or drawn.random() < _ANYWHERE
                    tool = drawn.randrange(_TOOLS) if leads_anywhere else (tool + stride) % _TOOLS


def _sessions(day: int, turns: int) -> list[tuple[int, str]]:
    return [(turn, user) for turn in range(turns) for user in USERS[(day + turn) % 2 :: 2]]
