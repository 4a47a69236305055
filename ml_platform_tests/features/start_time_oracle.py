"""The start-time features in plain Python, row by row, from their definitions alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONTH = 28 * DAY

Value = float | str | None


@dataclass(frozen=True)
class Run:
    """One execution; times in microseconds since 1970."""

    execution_id: str
    workflow_id: str
    user_id: str
    t: int
    settled_t: int | None
    outcome: str | None
    trigger: str
    zone: int
    propensity: float | None = None
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Done:
    """One event."""

    user_id: str
    t: int
    zone: int


def start_time_features(
    runs: Sequence[Run], events: Sequence[Done], as_of: int
) -> list[dict[str, Value]]:
    """Rows in order of their id."""
    rows: list[dict[str, Value]] = []
    for run in runs:
        logged = (run.t + run.zone) // HOUR % 24
        midnight = (run.t + run.zone) // DAY * DAY - run.zone
        hours = sorted(set(run.candidates))
        if run.propensity is None or logged not in hours:
            rows.append(_row(run, runs, events, run.t, run.t, logged, logged, None))
        elif midnight + (hours[-1] + 1) * HOUR <= as_of:
            for slot in hours:
                at = midnight + slot * HOUR + HOUR // 2
                rows.append(_row(run, runs, events, midnight, at, slot, logged, run.propensity))
    return sorted(rows, key=lambda row: str(row["row_id"]))


def _row(
    run: Run,
    runs: Sequence[Run],
    events: Sequence[Done],
    known: int,
    at: int,
    slot: int,
    logged: int,
    propensity: float | None,
) -> dict[str, Value]:
    local = at + run.zone
    chosen = slot == logged
    return {
        "row_id": f"{run.execution_id}:{slot}",
        "user_id": run.user_id,
        "cluster_id": run.user_id,
        "change_set_id": run.execution_id,
        "succeeded": run.outcome if chosen else None,
        "outcome": run.outcome,
        "chosen": float(chosen),
        "propensity": propensity,
        "logged_hour": float(logged),
        "slot": float(slot),
        "workflow": run.workflow_id,
        "launch_trigger": run.trigger,
        **_clock(local),
        **_history(run, runs, known, at),
        **_activity(run, events, known, local, slot),
        **_outcomes(run, runs, known, slot),
    }


def _clock(local: int) -> dict[str, Value]:
    turn = 2 * pi * (local // 60_000_000 % 1440) / 1440
    week = 2 * pi * ((local // DAY + 3) % 7) / 7
    return {
        "is_weekend": float(_is_weekend(local)),
        "hour": float(local // HOUR % 24),
        "weekday": float((local // DAY + 3) % 7),
        "hour_sin": sin(turn),
        "hour_cos": cos(turn),
        "weekday_sin": sin(week),
        "weekday_cos": cos(week),
    }


def _is_weekend(local: int) -> bool:
    return (local // DAY + 3) % 7 >= 5


def _history(run: Run, runs: Sequence[Run], known: int, at: int) -> dict[str, Value]:
    """Runs of the user in the month before ``known``; ``at`` is the candidate time."""
    mine = [r for r in runs if known - MONTH <= r.t < known and r.user_id == run.user_id]
    pair = sorted(r.t for r in mine if r.workflow_id == run.workflow_id)
    return {
        "hours_since_last": (at - pair[-1]) / HOUR if pair else None,
        "mean_gap_hours": (pair[-1] - pair[0]) / HOUR / (len(pair) - 1) if len(pair) > 1 else None,
        "runs_28d": float(len(pair)),
        "user_runs_28d": float(len(mine)),
        "run_share_28d": len(pair) / len(mine) if mine else None,
    }


def _activity(
    run: Run, events: Sequence[Done], known: int, local: int, slot: int
) -> dict[str, Value]:
    """Events of the user in that month, and in the hour before the slot on an average day of its kind."""
    mine = [e for e in events if e.user_id == run.user_id and known - MONTH <= e.t < known]
    weekend = _is_weekend(local)
    before = [
        e
        for e in mine
        if _is_weekend(e.t + e.zone) == weekend and (e.t + e.zone) // HOUR % 24 == (slot + 23) % 24
    ]
    days = 1.0
    if mine:
        days = max((known - min(e.t for e in mine)) / DAY * (2 if weekend else 5) / 7, 1)
    return {"user_events_28d": float(len(mine)), "expected_activity": len(before) / days}


def _outcomes(run: Run, runs: Sequence[Run], known: int, slot: int) -> dict[str, Value]:
    """Outcomes that became known in that month: of the pair, the user, the workflow, its part of the day."""
    ended = [
        r
        for r in runs
        if r.settled_t is not None
        and r.outcome is not None
        and known - MONTH <= r.settled_t < known
    ]
    of_workflow = [r for r in ended if r.workflow_id == run.workflow_id]
    of_user = [r for r in ended if r.user_id == run.user_id]
    of_pair = [r for r in of_workflow if r.user_id == run.user_id]
    of_part = [r for r in of_workflow if (r.t + r.zone) // HOUR % 24 // 3 == slot // 3]
    newest = max((r.settled_t or 0 for r in of_pair), default=None)
    last = [r.outcome == "yes" for r in of_pair if r.settled_t == newest]
    return {
        "last_succeeded": float(any(last)) if last else None,
        "settled_runs_28d": float(len(of_pair)),
        "success_rate_28d": _rate(of_pair),
        "user_settled_runs_28d": float(len(of_user)),
        "user_success_rate_28d": _rate(of_user),
        "workflow_runs_28d": float(len(of_workflow)),
        "workflow_success_rate_28d": _rate(of_workflow),
        "workflow_part_runs_28d": float(len(of_part)),
        "workflow_part_success_rate_28d": _rate(of_part),
    }


def _rate(runs: Sequence[Run]) -> float | None:
    return sum(run.outcome == "yes" for run in runs) / len(runs) if runs else None
