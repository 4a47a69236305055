"""The files of an outsider: Parquet tables under names of their own, and the map that tells what they are."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.second_world.habits import ANOMALIES
from benchmarks.second_world.parameters import (
    EXTENSIONS,
    FOLDERS,
    GOAL_CATEGORIES,
    OPERATIONS,
    TOOLS,
    Parameters,
)
from benchmarks.second_world.people import lomax
from benchmarks.second_world.world import World

Rows = list[dict[str, Any]]

COLUMNS = """\
# SIMULATED: written by benchmarks/second_world; no row of it was seen in a company.
[users]
file = "people.parquet"
[users.columns]
user_id = "person"
region = "site"
team = "department"
tenure_days = "days_employed"
received_at = "exported"

[events]
file = "steps.parquet"
[events.columns]
event_id = "entry"
user_id = "person"
occurred_at = "at"
received_at = "logged"
tool = "application"
operation = "verb"
object_path = "object"
session_id = "sitting"
workflow_category = "matter"
utc_offset_minutes = "utc_offset"

[workflow_executions]
file = "runs.parquet"
[workflow_executions.columns]
execution_id = "run"
workflow_id = "recipe"
user_id = "person"
started_at = "begun"
received_at = "logged"
finished_at = "ended"
status = "result"
trigger = "cause"
propensity = "chance_of_hour"
candidate_set = "hours"
attributes = "details"

[suggestions]
file = "prompts.parquet"
[suggestions.columns]
suggestion_id = "prompt"
user_id = "person"
workflow_id = "recipe"
shown_at = "shown"
received_at = "logged"
outcome = "answer"
outcome_at = "answered"
attributes = "details"

[known_anomalies]
file = "reports.parquet"
[known_anomalies.columns]
anomaly_id = "report"
session_id = "sitting"
user_id = "person"
occurred_at = "began"
received_at = "reported"
kind = "kind"
"""


def event_id(row: int) -> str:
    """The id of a step by its place in `World.steps`."""
    return f"E{row:07d}"


def session_id(person: str, bout: int) -> str:
    """The id of a bout."""
    return f"{person}-{bout:04d}"


class _Clock:
    """Times of the world as datetimes; what arrives after the export is not in it."""

    def __init__(self, parameters: Parameters, stream: int) -> None:
        self._start, self._until = parameters.start, parameters.until
        self._rng = np.random.default_rng([parameters.seed, 6, stream])

    def at(self, days: float) -> datetime:
        """The moment, to the microsecond."""
        return self._start + timedelta(microseconds=round(days * 86_400e6))

    def known(self, days: float) -> bool:
        """Whether the moment lies before the end of the export."""
        return self.at(days) < self._until

    def logged(self, days: float) -> datetime:
        """When a row arrives: after seconds, one in a hundred after hours, and never after the export."""
        seconds = float(self._rng.lognormal(0.7, 0.9))
        if self._rng.random() < 0.01:
            seconds += 3600 * float(lomax(self._rng, 1.5, 2.0))
        return min(self.at(days) + timedelta(seconds=seconds), self._until)


def rows_of(world: World) -> dict[str, Rows]:
    """The rows of each file, by its stem."""
    return {
        "people": list(_people(world)),
        "steps": list(_steps(world)),
        "runs": list(_runs(world)),
        "prompts": list(_prompts(world)),
        "reports": list(_reports(world)),
    }


def write(world: World, folder: Path) -> dict[str, int]:
    """Write the files and their map into ``folder``; returns the rows of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "columns.toml").write_text(COLUMNS, encoding="utf-8")
    rows = rows_of(world)
    for name, table in rows.items():
        pq.write_table(pa.Table.from_pylist(table), folder / f"{name}.parquet")
    return {name: len(table) for name, table in rows.items()}


def fingerprint(world: World) -> str:
    """SHA-256 of all rows as JSON; times to the microsecond, other numbers to six digits."""

    def plain(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else repr(value)

    text = json.dumps(rows_of(world), sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _people(world: World) -> Iterator[dict[str, Any]]:
    for person in world.people:
        yield {
            "person": person.id,
            "site": person.region,
            "department": f"dept-{person.first_team:02d}",  # as of the export before: moves are not in it
            "days_employed": person.tenure,
            "exported": world.parameters.start,
        }


def _steps(world: World) -> Iterator[dict[str, Any]]:
    clock, steps = _Clock(world.parameters, 1), world.steps
    for row, time in enumerate(steps.time):
        person, tool, folder = world.people[steps.person[row]], steps.tool[row], steps.folder[row]
        name = f"{steps.item[row]:03d}.{EXTENSIONS[tool]}"
        yield {
            "entry": event_id(row),
            "person": person.id,
            "at": clock.at(time),
            "logged": clock.logged(time),
            "application": TOOLS[tool],
            "verb": OPERATIONS[steps.operation[row]],
            "object": f"{FOLDERS[folder]}/matter-{steps.project[row]:03d}/{name}",
            "sitting": session_id(person.id, steps.bout[row]),
            "matter": GOAL_CATEGORIES[steps.goal[row]],
            "utc_offset": person.offset,
        }


def _runs(world: World) -> Iterator[dict[str, Any]]:
    clock = _Clock(world.parameters, 2)
    for number, run in enumerate(world.runs):
        person, known = world.people[run.person], clock.known(run.finished)
        yield {
            "run": f"R{number:06d}",
            "recipe": f"recipe-{run.workflow:02d}",
            "person": person.id,
            "begun": clock.at(run.time),
            "logged": clock.logged(run.finished if known else run.time),
            "ended": clock.at(run.finished) if known else None,
            "result": run.status if known else "running",
            "cause": run.trigger,
            "chance_of_hour": None if run.propensity is None else round(run.propensity, 6),
            "hours": json.dumps(run.candidates) if run.candidates else None,
            "details": json.dumps({"utc_offset_minutes": person.offset}),
        }


def _prompts(world: World) -> Iterator[dict[str, Any]]:
    clock = _Clock(world.parameters, 3)
    for number, suggestion in enumerate(world.suggestions):
        known = clock.known(suggestion.answered)
        goal = int(world.company.workflow_goal[suggestion.workflow])
        details = {
            "arm": suggestion.arm,
            "category": GOAL_CATEGORIES[goal],
            "propensity": round(suggestion.probability, 6),
        }
        yield {
            "prompt": f"S{number:06d}",
            "person": world.people[suggestion.person].id,
            "recipe": f"recipe-{suggestion.workflow:02d}",
            "shown": clock.at(suggestion.time),
            "logged": clock.logged(suggestion.time),
            "answer": suggestion.outcome if known else None,
            "answered": clock.at(suggestion.answered) if known else None,
            "details": json.dumps(details),
        }


def _reports(world: World) -> Iterator[dict[str, Any]]:
    """Most anomalous bouts are reported after hours or days, and a few that were not anomalous."""
    rng = np.random.default_rng([world.parameters.seed, 7])
    clock = _Clock(world.parameters, 4)
    number = 0
    for person, bouts in zip(world.people, world.bouts, strict=True):
        for index, bout in enumerate(bouts):
            chance = world.parameters.reported if bout.kind else world.parameters.falsely_reported
            reported, after = rng.random() < chance, 0.08 + float(lomax(rng, 1.6, 0.5))
            if not reported or not clock.known(bout.start + after):
                continue
            number += 1
            yield {
                "report": f"A{number:05d}",
                "sitting": session_id(person.id, index),
                "person": person.id,
                "began": clock.at(bout.start),
                "reported": clock.at(bout.start + after),
                "kind": bout.kind or str(rng.choice(ANOMALIES)),
            }
