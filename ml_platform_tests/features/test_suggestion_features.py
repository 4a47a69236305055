"""The table of suggestions against plain Python, with ties, edges of windows, and a poisoned future."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import duckdb
import pytest

from ml_platform.features.suggestion_features import SUGGESTION_FEATURES
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import AS_OF, START, write_lake
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.suggestion_oracle import (
    DAY,
    Offer,
    Run,
    Work,
    labels,
    suggestion_features,
)

History = tuple[list[Offer], list[Run], list[Work]]
Compute = Callable[[History], dict[str, dict[str, Any]]]
NAMES = [spec.name for spec in SUGGESTION_FEATURES if "hour_" not in spec.name][:26]
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


@pytest.fixture(scope="session")
def suggestions_of(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Compute:
    """A history to the rows of ``suggestion_features`` by id, by the SQL that the session's build compiled."""
    nodes = json.loads((built.folder / "dbt" / "manifest.json").read_text(encoding="utf-8"))[
        "nodes"
    ]
    compiled = built.folder / "dbt" / "compiled" / "ml_platform"
    numbers = count()

    def compute(history: History) -> dict[str, dict[str, Any]]:
        folder = tmp_path_factory.mktemp(f"suggestions{next(numbers)}")
        lake = write_lake(folder / "lake", _events(history[2]), **_tables(history))
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute("set threads = 1; set TimeZone = 'UTC'")
            for schema in ("staging", "intermediate", "features"):
                connection.execute(f"create schema {schema}")
            for node in _needed(nodes, "model.ml_platform.suggestion_features"):
                sql = (compiled / node["original_file_path"]).read_text(encoding="utf-8")
                sql = sql.replace(str(built.folder / "lake"), str(lake))
                connection.execute(f"create table {node['schema']}.{node['name']} as ({sql})")
            rows = rows_of(connection, "select * from features.suggestion_features")
        return {row["row_id"]: row for row in rows}

    return compute


def _needed(nodes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    before = [
        node
        for parent in nodes[name]["depends_on"]["nodes"]
        if parent in nodes
        for node in _needed(nodes, parent)
    ]
    nodes_by_name = {node["unique_id"]: node for node in (*before, nodes[name])}
    return list(nodes_by_name.values())


def _tables(history: History) -> dict[str, list[dict[str, Any]]]:
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


def _events(work: Sequence[Work]) -> list[Event]:
    return [
        Event(f"e{n}", w.user_id, w.occurred_at, f"e{n}", "t", "o", workflow_category=w.category)
        for n, w in enumerate(work)
    ]


def differing(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (row[name], value)
        for name, value in expected.items()
        if row[name] != (pytest.approx(value, abs=1e-12) if isinstance(value, float) else value)
    }


@pytest.mark.parametrize("seed", range(5))
def test_dbt_agrees_with_plain_python(suggestions_of: Compute, seed: int) -> None:
    history = random_history(seed)
    rows = suggestions_of(history)
    assert len(rows) == len(history[0])
    for offer in history[0]:
        expected = suggestion_features(offer, *history)
        assert set(expected) == set(NAMES)
        assert not differing(rows[offer.suggestion_id], expected), offer


def test_labels_of_shares_and_of_single_offers(suggestions_of: Compute) -> None:
    """Daily offers make shares; the same offers of workflows that never come back are yes or no."""
    random = Random(7)
    offers = []
    for day in range(40):
        at = START + timedelta(days=day)
        outcome = random.choice(("accepted", "ignored", None))
        wait = random.choice((timedelta(hours=1), DAY, 3 * DAY))
        offers.append(Offer(f"g{day}", "a", "v", at, outcome, at + wait if outcome else None, None))
    rows = suggestions_of((offers, [], []))
    for offer in offers:
        expected = labels(offer, offers, AS_OF, shares=True)
        assert not differing(rows[offer.suggestion_id], expected), offer
    assert {rows[f"g{day}"]["adopted_share"] for day in (33, 39)} == {None}  # 7 and 1 occasions
    single = [replace(o, workflow_id=o.suggestion_id) for o in offers]
    late = replace(
        single[0], suggestion_id="late", shown_at=AS_OF - DAY, outcome=None, outcome_at=None
    )
    rows = suggestions_of(([*single, late], [], []))
    for offer in (*single, late):
        assert not differing(
            rows[offer.suggestion_id], labels(offer, single, AS_OF, shares=False)
        ), offer
    assert rows["late"]["adopted"] is None


@pytest.mark.parametrize("place", [15, 35])
def test_poisoning_the_future_changes_no_feature(suggestions_of: Compute, place: int) -> None:
    offers, runs, work = history = random_history(9)
    row = sorted(offers, key=lambda o: (o.shown_at, o.suggestion_id))[place]
    now = row.shown_at

    def later_outcome(o: Offer) -> Offer:
        if o.outcome_at is None or o.outcome_at < now:
            return o
        return replace(o, outcome="accepted", outcome_at=max(o.outcome_at, now) + DAY)

    future = [replace(row, suggestion_id=f"!{n}", shown_at=now + n * DAY) for n in range(1, 9)]
    poisoned: History = (
        [later_outcome(o) for o in offers if o.shown_at <= now] + future,
        [
            replace(r, finished_at=r.finished_at and min(r.finished_at, now), status="success")
            if r.finished_at and r.finished_at >= now
            else r
            for r in runs
            if r.started_at < now
        ]
        + [Run(row.user_id, row.workflow_id, now, now + DAY, "success")] * 3,
        [w for w in work if w.occurred_at < now - DAY]
        + [Work(row.user_id, now - DAY, row.category or "fix")] * 5,
    )
    clean, dirty = suggestions_of(history), suggestions_of(poisoned)
    for offer in offers:
        if offer.shown_at <= now:
            for name in NAMES:
                same = clean[offer.suggestion_id][name] == dirty[offer.suggestion_id][name]
                assert same, (name, offer)


def test_the_clock_is_told_in_utc(suggestions_of: Compute) -> None:
    row = suggestions_of(random_history(1))["g000"]
    shown = row["occurred_at"]
    assert (row["hour"], row["weekday"]) == (shown.hour, shown.weekday())


def test_a_source_without_suggestions_has_no_rows(suggestions_of: Compute) -> None:
    assert suggestions_of(([], [], [])) == {}
