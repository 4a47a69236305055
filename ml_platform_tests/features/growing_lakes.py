"""Lakes as they come in: rows late, and labels, ends and outcomes later still."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ml_platform_tests.features.day_by_day import Lake
from ml_platform_tests.features.lakes import random_events, session_world
from ml_platform_tests.features.pattern_oracle import Event

Row = dict[str, Any]
HOUR, DAY, MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


def row_of(event: Event) -> Row:
    return asdict(event) | {"received_at": event.occurred_at}


def telemetry(seed: int) -> list[Event]:
    return random_events(seed, change_sets=130)


def commits(seed: int) -> list[Event]:
    return [replace(event, session_id=None, source="git") for event in telemetry(seed)]


def process_log(seed: int) -> list[Event]:
    """Half of the change sets are steps of a few cases, which go on for weeks."""
    events = telemetry(seed)
    return [
        replace(
            event,
            source="process-log:log.csv",
            session_id=f"case{int(event.change_set_id[1:]) % 5}",
        )
        if int(event.change_set_id[1:]) % 2
        else event
        for event in events
    ]


def sessions(seed: int) -> list[Event]:
    """Three months of sessions, one name in eight given again; now and then a row is of another source."""
    draw, names, given = Random(seed), list[str](), dict[str, str]()
    events = []
    for event in session_world(seed, 180):
        name = event.session_id
        if name is not None and name not in given:
            given[name] = draw.choice(names[-6:]) if names and draw.random() < 0.12 else name
            names.append(given[name])
        source = "other" if draw.random() < 0.03 else event.source
        events.append(replace(event, session_id=name and given[name], source=source))
    return events


WORLDS: dict[str, Callable[[int], list[Event]]] = {
    "telemetry": telemetry,
    "commits": commits,
    "process log": process_log,
    "sessions": sessions,
}


class World:
    """Rows, each with the moment at which it came in, and what of it came in later."""

    def __init__(self, kind: str, seed: int) -> None:
        self._draw = Random(1)
        self.events = WORLDS[kind](seed)
        self._rows: list[tuple[datetime, str, str, Row]] = []
        for event in self.events:
            self._add(event.occurred_at, "events", "event_id", row_of(event), "workflow_category")
        if kind != "commits":
            for number, event in enumerate(self._draw.sample(self.events, 60)):
                self._add_offer_and_run(number, event)
        if kind in ("telemetry", "sessions"):
            self._add_reports()

    def at(self, moment: datetime) -> Lake:
        """The lake as it was at a moment: of each row what had come in by then."""
        tables: dict[str, dict[str, Row]] = {}
        for came_in, table, key, row in sorted(self._rows, key=lambda each: each[0]):
            if came_in <= moment:
                tables.setdefault(table, {})[row[key]] = row
        return {table: list(rows.values()) for table, rows in tables.items()}

    def _add(self, moment: datetime, table: str, key: str, row: Row, *later: str) -> None:
        """A row in ten comes in days late, and what is known ``later`` up to weeks."""
        late = self._draw.choice((0, 0, 0, 0, 0, 0, 0, 0, 0, 3)) * DAY
        after = self._draw.choice((HOUR, DAY, 2 * DAY, 20 * DAY))
        self._rows.append((moment + late, table, key, row | dict.fromkeys(later)))
        self._rows.append((moment + late + after, table, key, row))

    def _add_offer_and_run(self, number: int, event: Event) -> None:
        draw = self._draw
        start = event.occurred_at + draw.choice((-HOUR, -MOMENT, 0 * HOUR, MOMENT, HOUR / 2, HOUR))
        common = {
            "user_id": event.user_id,
            "workflow_id": draw.choice("vw"),
            "source": event.source,
            "received_at": start,
        }
        run = common | {
            "execution_id": f"x{number}",
            "started_at": start,
            "finished_at": start + HOUR,
            "status": draw.choice(("success", "failure")),
            "trigger": draw.choice(("manual", "event", "schedule")),
        }
        self._add(start, "workflow_executions", "execution_id", run, "finished_at")
        offer = common | {
            "suggestion_id": f"s{number}",
            "shown_at": start,
            "outcome": draw.choice(("accepted", "ignored")),
            "outcome_at": start + draw.choice((HOUR, 20 * DAY)),
        }
        self._add(start, "suggestions", "suggestion_id", offer, "outcome", "outcome_at")

    def _add_reports(self) -> None:
        named = [event for event in self.events if event.session_id]
        for number, event in enumerate(self._draw.sample(named, 12)):
            report = {
                "anomaly_id": f"r{number}",
                "session_id": event.session_id,
                "user_id": event.user_id,
                "occurred_at": event.occurred_at,
                "received_at": event.occurred_at,
                "source": event.source,
                "kind": "odd",
            }
            self._add(event.occurred_at, "known_anomalies", "anomaly_id", report)


def steps(*moments: datetime, user: str = "u") -> list[Row]:
    """A step of the same kind at each moment."""
    return [
        row_of(
            Event(
                f"{user}{moment:%m%d%H%M%S%f}",
                user,
                moment,
                f"{user}{moment:%m%d%H%M%S%f}",
                "editor",
                "M",
                object_path="src/app/a.py",
            )
        )
        for moment in moments
    ]


def run_at(moment: datetime, user: str = "u") -> Row:
    """A run that a person started."""
    return {
        "execution_id": f"x{moment:%m%d%H%M%S%f}",
        "workflow_id": "w",
        "user_id": user,
        "source": "test",
        "started_at": moment,
        "received_at": moment,
        "trigger": "manual",
        "status": "success",
    }
