"""What is logged of an answer and of how it turned out, for each task."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.prediction_log.scoring import first_items, outcomes_of, predicted
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)

MOMENT = pd.Timestamp("2026-01-01", tz="UTC")
ROWS = pd.DataFrame(
    {
        "row_id": ["a", "b"],
        "user_id": "u",
        "cluster_id": "c",
        "occurred_at": [MOMENT, MOMENT + pd.Timedelta(hours=1)],
    }
)


@dataclass(frozen=True)
class Says:
    """Answers what it was given; its threshold is .3."""

    classes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    threshold: float = 0.3

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.array(self.values)[: len(rows)]


@pytest.mark.parametrize(
    ("task", "classes", "values", "answer", "confidence"),
    [
        (Classification(), ("x", "y"), ((0.2, 0.8), (0.9, 0.1)), ["y", "x"], [0.8, 0.9]),
        (ProportionRegression(), ("share",), ((0.24,), (0.96,)), ["0.2", "1.0"], [0.24, 0.96]),
        (Detection(), ("no", "yes"), ((0.6, 0.4), (0.8, 0.2)), ["yes", "no"], [0.4, 0.2]),
        (OffPolicyChoice(), ("no", "yes"), ((0.6, 0.4), (0.8, 0.2)), ["yes", "no"], [0.4, 0.2]),
        (Ranking(), ("p", "q", "r"), ((1.7, 0.1, 0.2), (0, 0.4, 0.3)), ["p", "q"], [0.85, 4 / 7]),
        (
            SequencePrediction(),
            ("x", "y", "soon"),
            ((0.3, 0.7, 0.99), (0.6, 0.4, 0.0)),
            ["y", "x"],
            [0.7, 0.6],
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "headline") else "",
)
def test_an_answer_as_text_and_number(
    task: Task,
    classes: tuple[str, ...],
    values: tuple[tuple[float, ...], ...],
    answer: list[str],
    confidence: list[float],
) -> None:
    logged = predicted(task, Says(classes, values), ROWS)
    assert logged["predicted"].tolist() == answer
    assert logged["confidence"].tolist() == pytest.approx(confidence)
    assert logged["row_id"].tolist() == ["a", "b"]


def test_no_row_is_no_prediction() -> None:
    logged = predicted(Classification(), Says(("x", "y"), ()), ROWS.iloc[:0])
    assert len(logged) == 0


@pytest.mark.parametrize(
    ("task", "labels", "text"),
    [
        (Classification(), ["x", None], "x"),
        (ProportionRegression(), [0.25, None], "0.25"),
        (Ranking(), [["p", "q"], None], "p|q"),
    ],
    ids=["class", "share", "items"],
)
def test_outcomes_are_text_and_known_after_the_delay(task: Task, labels: list, text: str) -> None:
    rows = ROWS.assign(label=pd.Series(labels))
    outcomes = outcomes_of(task, rows, "label", timedelta(days=2))
    assert outcomes.to_dict("list") == {
        "row_id": ["a"],
        "label": [text],
        "known_at": [MOMENT + pd.Timedelta(days=2)],
    }


def test_nothing_known_yet_is_no_outcome() -> None:
    rows = ROWS.assign(label=pd.Series([None, None], dtype=object))
    assert len(outcomes_of(Ranking(), rows, "label", timedelta(days=2))) == 0


def test_the_first_items_of_each_row_in_order() -> None:
    scorer = Says(("p", "q", "r"), ((0.1, 0.7, 0.2), (0.5, 0.5, 0.9)))
    items = first_items(scorer, ROWS, 2)
    assert items["item"].tolist() == ["q", "r", "r", "p"]
    assert items["rank"].tolist() == [1, 2, 1, 2]
    assert items["score"].tolist() == [0.7, 0.2, 0.9, 0.5]


def test_what_a_user_has_is_not_among_the_first_items() -> None:
    scorer = Says(("p", "q", "r"), ((-1.0, 0.7, 0.2), (-1.0, -1.0, -1.0)))
    items = first_items(scorer, ROWS, 3)
    assert items["item"].tolist() == ["q", "r"]
    assert items["rank"].tolist() == [1, 2]


def test_a_list_without_items_is_no_outcome_of_a_recommendation() -> None:
    rows = ROWS.assign(label=pd.Series([[], ["p"]]))
    assert outcomes_of(Ranking(), rows, "label", timedelta(days=2))["row_id"].tolist() == ["b"]
