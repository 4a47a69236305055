"""Every model through its whole chain on a small simulation: verdicts, figures, reports, recommendations."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ml_platform.models.catalogue import MODELS
from ml_platform_tests.end_to_end.command import AS_OF, call, nothing_left, told

pytestmark = pytest.mark.timeout(900)
NAMES = [spec.name for spec in MODELS]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("every") / "home"


@pytest.fixture(scope="module")
def first(home: Path) -> Any:
    return told(home, "run", "--days", "63", "--users", "20", "--as-of", AS_OF, seconds=800)


def test_every_model_has_a_verdict_and_stands_beside_what_it_must_beat(first: Any) -> None:
    assert list(first["models"]) == NAMES
    for name, model in first["models"].items():
        assert model["verdict"] in ("PROMOTE", "HOLD", "REJECT"), (name, model["decided_by"])
        blocking = [g for g in model["gates"] if g["name"] in ("schema", "leakage", "parity")]
        assert [gate["outcome"] for gate in blocking] == ["PASS"] * 3, (name, blocking)
        shown = [metric for metric in model["headline"] if metric in model["metrics"]]
        assert shown, name
        assert shown[0] in model["baseline"], name
        assert model["ceiling"], name


def test_a_challenger_is_judged_beside_its_challenged(first: Any) -> None:
    for spec in MODELS:
        model = first["models"][spec.name]
        assert bool(model["challenged"]) == bool(spec.challenges)


def test_every_model_is_watched(first: Any) -> None:
    for name in NAMES:
        report = first["monitoring"][name]
        assert report["rows"] > 0, name
        assert report["decision"], name


def test_the_list_of_models_says_the_same(first: Any, home: Path) -> None:
    listed = told(home, "models")["models"]
    for name, model in first["models"].items():
        assert listed[name]["verdict"] == model["verdict"], name
        assert listed[name]["champion"] == model["in_production"], name
        value = model["metrics"][listed[name]["metric"]]["value"]
        assert listed[name]["candidate"]["value"] == value, name
    assert call(home, "models")[0].count("ceiling") == len(NAMES)


def test_recommendations_are_there_for_every_user(first: Any, home: Path) -> None:
    table = pq.read_table(home / "reports" / "workflow_recommender" / "recommendations.parquet")
    assert set(table.column_names) == {"user_id", "rank", "item", "score", "version"}
    assert len(set(table["user_id"].to_pylist())) > 15


def test_an_experiment_is_frozen_run_and_verified(first: Any, home: Path) -> None:
    new = ("experiment", "new", "shorter", "--model", "sequence_ngram", "--metric", "accuracy")
    why = ("--hypothesis", "one step is enough", "--change", "order=1", "--guardrail", "size_mb:50")
    told(home, *new, *why, "--minimum-effect", "0")
    printed = told(home, "experiment", "run", "shorter", seconds=600)
    assert printed["status"] == "DONE"
    assert printed["result"]["conclusion"]["verdict"] in ("reject", "iterate")
    assert (
        "differs in minimum_effect" in call(home, *new, *why, "--minimum-effect", "0.5", code=1)[1]
    )
    assert told(home, "experiment", "show", "shorter", "--verify")["ok"] is True


def test_what_is_stored_can_be_verified(first: Any, home: Path) -> None:
    assert told(home, "verify")["ok"] is True
    nothing_left(home)
