"""Before any training: what each model needs, what the lake has of it, and why one cannot run."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_platform.application.assess_readiness import (
    Readiness,
    assess_readiness,
    record_readiness,
)
from ml_platform.application.connections import Connections
from ml_platform.application.insufficient import reason_not_trained
from ml_platform.cli.run_text import readiness_lines
from ml_platform.events.quality import check_rows
from ml_platform.models.catalogue import MODELS
from ml_platform_tests.application.homes import AS_OF, home
from ml_platform_tests.events.rows import table

CATEGORIES = ("fix", "feat")


def events(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Events of one person, an hour apart, the newest an hour before the home's clock."""
    return [
        {
            "event_id": f"e{number}",
            "user_id": "ada",
            "occurred_at": AS_OF - timedelta(hours=count - number),
            "tool": "git",
            "operation": "modify",
            "is_bot": False,
            "workflow_category": CATEGORIES[number % 2],
        }
        | changes
        for number in range(count)
    ]


def executions(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        {
            "execution_id": f"x{number}",
            "workflow_id": "claim",
            "user_id": "ada",
            "started_at": AS_OF - timedelta(days=30, hours=-number),
            "status": "completed",
        }
        | changes
        for number in range(count)
    ]


def assessed(platform: Connections, **tables: list[dict[str, Any]]) -> dict[str, Readiness]:
    for name, rows in tables.items():
        checked = check_rows(name, table(*rows), now=AS_OF, source="test")
        assert len(checked.refused) == 0
        platform.lake.merge(name, checked.good)
    return {readiness.model: readiness for readiness in assess_readiness(platform, MODELS)}


def test_each_model_says_what_this_source_lacks(tmp_path: Path) -> None:
    readiness_by_model = assessed(
        home(tmp_path), events=events(200), workflow_executions=executions(60)
    )
    assert {name: readiness.reason for name, readiness in readiness_by_model.items()} == {
        "pattern_classifier": "",
        "suggestion_scorer": "no suggestions in this source",
        "sequence_ngram": "",
        "sequence_predictor": "",
        "sequence_transformer": "",
        "trigger_predictor": (
            "the 60 workflow_executions have 1 value of status, and at least 2 are needed"
        ),
        "workflow_recommender": (
            "the 60 workflow_executions have 1 value of workflow_id, and at least 2 are needed"
        ),
        "workflow_recommender_ease": (
            "the 60 workflow_executions have 1 value of workflow_id, and at least 2 are needed"
        ),
        "anomaly_detector": "no known_anomalies in this source",
    }
    assert (
        readiness_by_model["pattern_classifier"].needs
        == "50 events with workflow_category (2 values)"
    )
    assert readiness_by_model["pattern_classifier"].has == "200 of 200 (2 values)"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            events(200, workflow_category=None),
            "none of the 200 events of people of this source has a workflow_category",
        ),
        (events(200, is_bot=True), "no events of people in this source"),
        (
            events(49),
            "49 of the 49 events of people with a workflow_category, and at least 50 are needed",
        ),
        (
            events(200, workflow_category="fix"),
            "the 200 events of people have 1 value of workflow_category, and at least 2 are needed",
        ),
        (
            events(200, occurred_at=AS_OF - timedelta(hours=12)),
            "the events of people reach back 0.5 days and a label is known after 1 days",
        ),
    ],
)
def test_the_classifier_names_what_is_missing(
    tmp_path: Path, rows: list[dict[str, Any]], reason: str
) -> None:
    assert assessed(home(tmp_path), events=rows)["pattern_classifier"].reason == reason


def test_the_reason_is_kept_for_models_that_cannot_run_alone(tmp_path: Path) -> None:
    platform = home(tmp_path)
    readiness_by_model = assessed(platform, events=events(200))
    record_readiness(platform, readiness_by_model.values())
    assert reason_not_trained(platform, "suggestion_scorer") == "no suggestions in this source"
    assert reason_not_trained(platform, "pattern_classifier") == ""


def test_the_table_has_a_line_a_model() -> None:
    lines = readiness_lines(
        [
            Readiness("short", "50 events", "99", ""),
            Readiness("a_longer_name", "1 users", "0", "no users in this source"),
        ]
    )
    assert list(lines) == [
        "model          needs      has",
        "short          50 events  99   runs",
        "a_longer_name  1 users    0    not trained: no users in this source",
    ]
