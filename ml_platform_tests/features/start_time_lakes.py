"""Histories of runs and events that make windows of start times hard, and the lakes that they are."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_platform_tests.features.lakes import AS_OF, START
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.start_time_oracle import DAY, HOUR, Done, Run

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGIN = (START - EPOCH) // timedelta(microseconds=1)
END = (AS_OF - EPOCH) // timedelta(microseconds=1)
STATUS = {"yes": "success", "no": "failure", None: "running"}


def moment(t: int | None) -> datetime | None:
    return None if t is None else EPOCH + timedelta(microseconds=t)


def execution(run: Run) -> dict[str, Any]:
    hours = ",".join(str(hour) for hour in run.candidates)
    return {
        "execution_id": run.execution_id,
        "workflow_id": run.workflow_id,
        "user_id": run.user_id,
        "started_at": moment(run.t),
        "received_at": AS_OF,
        "source": "test",
        "finished_at": moment(run.settled_t),
        "status": STATUS[run.outcome],
        "trigger": run.trigger,
        "propensity": run.propensity,
        "candidate_set": f"[{hours}]" if run.candidates else None,
        "attributes": json.dumps({"utc_offset_minutes": run.zone // 60_000_000}),
    }


def event(done: Done, number: int) -> Event:
    at = moment(done.t)
    assert at is not None
    offset = done.zone // 60_000_000
    return Event(
        f"e{number}", done.user_id, at, f"a{number}", "editor", "M", utc_offset_minutes=offset
    )


def random_history(seed: int, size: int = 60) -> tuple[list[Run], list[Done]]:
    """Two users, three workflows, ties, windows hit exactly, unfinished runs, unlogged ones, sets in part."""
    draw = random.Random(seed)
    pauses = (0, 1, HOUR // 2, HOUR, 5 * HOUR, DAY, 28 * DAY)
    t, runs = BEGIN + 12 * HOUR, list[Run]()
    for number in range(size):
        t += draw.choices(pauses, weights=(3, 2, 3, 4, 6, 6, 0.3))[0]
        zone = draw.choice((-300, 0, 330)) * 60_000_000
        outcome = draw.choice(("yes", "yes", "no", None))
        settled = None if outcome is None else t + draw.choice((0, 1, HOUR, 3 * DAY))
        logged = (t + zone) // HOUR % 24
        drawn = draw.random() < 0.6
        candidates = {logged, *draw.sample(range(24), 3)} if draw.random() < 0.9 else {3, 4}
        runs.append(
            Run(
                f"x{number:03d}",
                draw.choice(("export", "report", "sync")),
                draw.choice("ab"),
                t,
                settled,
                outcome,
                draw.choice(("manual", "schedule")),
                zone,
                draw.choice((0.2, 0.5, 1.0)) if drawn else None,
                tuple(sorted(candidates)) if drawn else (),
            )
        )
    events = [
        Done(draw.choice("ab"), draw.choice(runs).t + draw.choice((-HOUR, -1, 0, 1, DAY)), 0)
        for _ in range(2 * size)
    ]
    return runs, events
