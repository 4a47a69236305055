"""The features of a suggestion as of now equal those that training has, late outcomes and ends included."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from random import Random
from typing import Any

import pytest

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.streams import EVENTS, EXECUTIONS, SUGGESTIONS
from ml_platform.features.online.suggestion_rows import SuggestionRows
from ml_platform.features.suggestion_features import SUGGESTION_FEATURES
from ml_platform_tests.features.online.project_sql import changed_sql, project_sql
from ml_platform_tests.features.online.replay import microseconds
from ml_platform_tests.features.suggestion_lakes import History, random_history

NAMES = [spec.name for spec in SUGGESTION_FEATURES]
Rows = dict[str, dict[str, Any]]


def in_microseconds(row: Any) -> dict[str, Any]:
    """A row of the history as the online state takes it."""
    return {
        name: microseconds(value) if isinstance(value, datetime) else value
        for name, value in asdict(row).items()
    }


def what_comes(history: History) -> list[tuple[int, str, str, dict[str, Any]]]:
    """When what is known, in order: each suggestion and execution twice if it ends, categories a day late."""
    offers, runs, work = history
    known = []
    for offer in map(in_microseconds, offers):
        name = offer["suggestion_id"]
        known.append(
            (offer["shown_at"], SUGGESTIONS, name, {**offer, "outcome": None, "outcome_at": None})
        )
        if offer["outcome_at"] is not None:
            known.append((offer["outcome_at"], SUGGESTIONS, name, offer))
    for number, run in enumerate(map(in_microseconds, runs)):
        begun = {**run, "finished_at": None, "status": "running"}
        known.append((run["started_at"], EXECUTIONS, f"x{number}", begun))
        if run["finished_at"] is not None:
            known.append((run["finished_at"], EXECUTIONS, f"x{number}", run))
    for number, event in enumerate(map(in_microseconds, work)):
        row = {**event, "workflow_category": event["category"]}
        known.append((event["occurred_at"], EVENTS, f"w{number}", row))
    return sorted(known, key=lambda each: each[0])


def asked_when_they_are_shown(history: History, sql: DbtSql | None = None, seed: int = 0) -> Rows:
    """The features of each suggestion when it is shown; what came before comes in any order, some of it twice."""
    draw = Random(seed)
    answers = SuggestionRows(sql or project_sql())
    waiting = what_comes(history)
    offers = sorted(
        map(in_microseconds, history[0]), key=lambda each: (each["shown_at"], each["user_id"])
    )
    rows = {}
    for (t, _), shown in groupby(offers, key=lambda each: (each["shown_at"], each["user_id"])):
        arrived = [each for each in waiting if each[0] < t]
        waiting = [each for each in waiting if each[0] >= t]
        draw.shuffle(arrived)
        for _, source, name, row in [*arrived, *draw.sample(arrived, len(arrived) // 2)]:
            answers.advance(source, name, row)
        suggestions = list(shown)
        for suggestion, values in zip(suggestions, answers.features(suggestions), strict=True):
            rows[suggestion["suggestion_id"]] = values
    return rows


def differing(trained: Rows, online: Rows) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row_id, row in trained.items():
        for name in NAMES:
            if online[row_id][name] != row[name]:
                found.setdefault(name, []).append(row_id)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_feature_is_that_of_the_bulk_build_to_the_bit(
    suggestions_of: Callable[[History], Rows], seed: int
) -> None:
    history = random_history(seed, offers=120)
    trained, online = suggestions_of(history), asked_when_they_are_shown(history, seed=seed)
    assert set(online) == set(trained)
    assert set(online["g000"]) == set(NAMES)
    assert differing(trained, online) == {}


@pytest.mark.parametrize(
    ("model", "old", "new", "feature"),
    [
        ("int_offers", "{{ since(336) }}", "{{ since(335) }}", "round_shown"),
        ("int_offer_context", "before(336)", "before(335)", "user_runs_14d"),
        (
            "int_offer_context",
            "{{ microseconds(24) }} + 1 preceding",
            "{{ microseconds(25) }} preceding",
            "events_known",
        ),
        (
            "suggestion_features",
            "succeeded_14d + 1) / (finished_14d + 2",
            "succeeded_14d + 1) / (finished_14d + 3",
            "success_14d",
        ),
    ],
)
def test_a_definition_that_is_not_that_of_training_is_found_by_name(
    suggestions_of: Callable[[History], Rows], model: str, old: str, new: str, feature: str
) -> None:
    history = random_history(5, offers=150)
    online = asked_when_they_are_shown(history, changed_sql(**{model: (old, new)}))
    assert feature in differing(suggestions_of(history), online)
