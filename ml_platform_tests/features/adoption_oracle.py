"""The snapshots once more, in plain Python, straight from their definition."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_platform_tests.features.pattern_oracle import Event

DAY = timedelta(days=1)
WEEK = 7 * DAY


@dataclass(frozen=True)
class Run:
    """A row of ``workflow_executions``, as far as a feature may look at it."""

    execution_id: str
    user_id: str
    workflow_id: str
    started_at: datetime

    def lake_row(self) -> dict[str, Any]:
        """As the lake holds it."""
        return {
            **vars(self),
            "received_at": self.started_at,
            "source": "test",
            "status": "success",
        }


def adoption_snapshots(
    events: Sequence[Event], runs: Sequence[Run], teams: dict[str, str], as_of: datetime
) -> list[dict[str, Any]]:
    """Every row of the table but ``source``, in the order of the table."""
    events = [event for event in events if event.occurred_at < as_of]
    runs = [run for run in runs if run.started_at < as_of]
    if not runs:
        return []
    times = [event.occurred_at for event in events] + [run.started_at for run in runs]
    monday = datetime(1970, 1, 5, tzinfo=UTC)
    monday += ((min(times) - monday) // WEEK) * WEEK
    rows = []
    while monday < as_of:
        users = {e.user_id for e in events} | {r.user_id for r in runs}
        for user in sorted(users):
            mine = [event for event in events if event.user_id == user]
            ran = [run for run in runs if run.user_id == user]
            seen = [e.occurred_at for e in mine] + [r.started_at for r in ran]
            if any(monday - 28 * DAY <= time < monday for time in seen):
                rows.append(_row(user, monday, mine, ran, teams.get(user), as_of, min(seen)))
        monday += WEEK
    return rows


def _row(
    user: str,
    at: datetime,
    events: Sequence[Event],
    runs: Sequence[Run],
    team: str | None,
    as_of: datetime,
    first_seen: datetime,
) -> dict[str, Any]:
    before = [run for run in runs if run.started_at < at]
    recent = [run for run in before if run.started_at >= at - 14 * DAY]
    first: dict[str, datetime] = {}
    for run in sorted(runs, key=lambda run: run.started_at):
        first.setdefault(run.workflow_id, run.started_at)
    begun = [w for w, t in first.items() if at <= t < at + 14 * DAY]
    doing = [e for e in events if at - 29 * DAY <= e.occurred_at < at - DAY]
    categories = [f"c:{e.workflow_category}" for e in doing if e.workflow_category is not None]
    seen = [e for e in events if at - 28 * DAY <= e.occurred_at < at]
    row_id = f"{user}@{at:%Y-%m-%d}"
    return {
        "row_id": row_id,
        "user_id": user,
        "cluster_id": user,
        "change_set_id": row_id,
        "occurred_at": at,
        "is_bot": any(event.is_bot for event in seen),
        "next_used": (
            sorted(begun, key=lambda w: (first[w], w)) if at + 14 * DAY <= as_of else None
        ),
        "used": _repeated(run.workflow_id for run in before),
        "recent": _repeated(run.workflow_id for run in recent),
        "workflows_used": float(len({run.workflow_id for run in before})),
        "runs": float(len(before)),
        "runs_14d": float(len(recent)),
        "workflows_begun_14d": float(sum(at - 14 * DAY <= t < at for t in first.values())),
        "days_since_last_run": _days(at - max(r.started_at for r in before)) if before else None,
        "recent_doings": _repeated([*categories, *(f"t:{e.tool}" for e in doing)]),
        "team": team,
        "days_since_first_seen": _days(at - first_seen),
        "events_28d": float(len(doing)),
    }


def _repeated(tokens: Iterable[str]) -> list[str]:
    counts = Counter(tokens)
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    return [token for token in ordered for _ in range(counts[token].bit_length())]


def _days(time: timedelta) -> float:
    return time // timedelta(microseconds=1) / 86_400_000_000
