"""Histories of suggestions, runs and work that make windows hard, and the lakes that they are."""

import json
from dataclasses import asdict
from datetime import timedelta
from random import Random
from typing import Any

from ml_platform_tests.features.lakes import AS_OF, START
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.suggestion_oracle import DAY, Offer, Run, Work

History = tuple[list[Offer], list[Run], list[Work]]
KINDS = {"v": "fix", "w": "docs", "x": None}
STEPS = (timedelta(0), timedelta(microseconds=1), timedelta(hours=5), DAY, DAY, 14 * DAY)


def random_history(seed: int, offers: int = 60) -> History:
    """Two users, three workflows; many distances are zero or as wide as a window."""
    random = Random(seed)
    clock = START
    history: History = ([], [], [])
    for number in range(offers):
        clock += random.choice(STEPS) if random.random() < 0.35 else timedelta(hours=7)
        user, workflow = random.choice("ab"), random.choice("vwx")
        outcome = random.choice(("accepted", "dismissed", "ignored", None))
        wait = random.choice((timedelta(minutes=3), timedelta(hours=5), DAY, 2 * DAY, 20 * DAY))
        history[0].append(
            Offer(
                f"g{number:03d}",
                user,
                workflow,
                clock,
                outcome,
                clock + wait if outcome else None,
                KINDS[workflow],
            )
        )
        start = clock + random.choice(STEPS[:4])
        ended = start + random.choice(STEPS[:4]) if random.random() < 0.8 else None
        status = random.choice(("success", "failure")) if ended else "running"
        history[1].append(Run(random.choice("ab"), random.choice("vw"), start, ended, status))
        history[2].append(
            Work(
                random.choice("ab"),
                clock - random.choice(STEPS),
                random.choice(("fix", "docs", None)),
            )
        )
    return history


def lake_tables(history: History) -> dict[str, list[dict[str, Any]]]:
    offers, runs, _ = history
    common = {"source": "test", "received_at": AS_OF}
    return {
        "suggestions": [
            {
                **{key: value for key, value in asdict(o).items() if key != "category"},
                "attributes": json.dumps({"category": o.category}),
                **common,
            }
            for o in offers
        ],
        "workflow_executions": [
            {**asdict(r), "execution_id": f"x{n}", **common} for n, r in enumerate(runs)
        ],
    }


def lake_events(history: History) -> list[Event]:
    return [
        Event(f"e{n}", w.user_id, w.occurred_at, f"e{n}", "t", "o", workflow_category=w.category)
        for n, w in enumerate(history[2])
    ]
