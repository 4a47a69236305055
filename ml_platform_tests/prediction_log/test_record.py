import hashlib

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import UsageError
from ml_platform.prediction_log.record import (
    COLUMNS,
    outcomes_frame,
    prediction_id,
    predictions_frame,
)
from ml_platform_tests.prediction_log.examples import HOUR, START, outcomes, predictions


def test_the_id_is_of_model_version_and_row():
    expected = hashlib.sha256(b"m\x1f1\x1fr0").hexdigest()[:32]
    assert prediction_id("m", "1", "r0") == expected
    assert prediction_id("m1", "", "r0") != prediction_id("m", "1", "r0")


def test_a_frame_is_completed_and_left_as_it_was():
    frame = predictions().assign(other=1)
    completed = predictions_frame(frame)
    assert tuple(completed.columns) == COLUMNS
    assert completed["prediction_id"].iloc[0] == prediction_id("m", "1", "r0")
    assert completed["segment"].isna().all()
    assert "prediction_id" not in frame.columns


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("confidence", 1.01, r"Confidence 1.01 of row r0 lies outside \[0, 1\]"),
        ("confidence", -0.01, r"Confidence -0.01 of row r0 lies outside \[0, 1\]"),
        ("confidence", np.nan, "The predictions have no value of 'confidence' for row r0"),
        ("prediction", None, "no value of 'prediction' for row r0"),
        ("model", None, "no value of 'model' for row r0"),
        ("version", None, "no value of 'version' for row r0"),
        ("user_id", None, "no value of 'user_id' for row r0"),
        ("occurred_at", pd.NaT, "no value of 'occurred_at' for row r0"),
        ("predicted_at", pd.NaT, "no value of 'predicted_at' for row r0"),
        ("row_id", "r1", "Row r1 is predicted twice by version 1"),
    ],
)
def test_a_value_that_cannot_be_is_named(column, value, message):
    frame = predictions()
    frame[column] = [value, *frame[column].iloc[1:]]
    with pytest.raises(UsageError, match=message):
        predictions_frame(frame)


def test_a_confidence_may_be_certain_of_either():
    frame = predictions().assign(confidence=[0.0, 1.0, 0.0, 1.0])
    assert predictions_frame(frame)["confidence"].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_ids_and_predictions_are_text_as_the_ledger_keeps_them():
    numbers = predictions().assign(model=5, version=1, row_id=range(4), user_id=7, prediction=3)
    stored = predictions_frame(numbers)
    for name, text in {"model": "5", "version": "1", "user_id": "7", "prediction": "3"}.items():
        assert stored[name].tolist() == [text] * 4
    assert stored["row_id"].tolist() == ["0", "1", "2", "3"]
    assert stored["prediction_id"].iloc[2] == prediction_id("5", "1", "2")


def test_a_segment_that_is_given_stays():
    assert predictions_frame(predictions().assign(segment="eu"))["segment"].tolist() == ["eu"] * 4


def test_the_second_of_two_predictions_of_a_row_is_named_with_its_version():
    twice = pd.concat([predictions(version="1"), predictions(1, version="2")] * 2).iloc[:6]
    with pytest.raises(UsageError, match="Row r0 is predicted twice by version 1"):
        predictions_frame(twice)
    assert len(predictions_frame(twice.iloc[:5])) == 5


def test_a_missing_column_and_a_time_without_zone_are_named():
    with pytest.raises(UsageError, match="no column user_id"):
        predictions_frame(predictions().drop(columns="user_id"))
    naive = predictions().assign(occurred_at=pd.Timestamp("2026-05-01"))
    with pytest.raises(UsageError, match="without a zone in 'occurred_at'"):
        predictions_frame(naive)
    naive = predictions().assign(predicted_at=pd.Timestamp("2026-05-01"))
    with pytest.raises(UsageError, match="without a zone in 'predicted_at'"):
        predictions_frame(naive)


@pytest.mark.parametrize(
    "column",
    [
        "model",
        "version",
        "row_id",
        "user_id",
        "occurred_at",
        "predicted_at",
        "prediction",
        "confidence",
    ],
)
def test_each_column_of_a_prediction_is_required(column):
    with pytest.raises(UsageError, match=f"The predictions have no column {column}"):
        predictions_frame(predictions().drop(columns=column))


@pytest.mark.parametrize("column", ["model", "row_id", "label", "known_at"])
def test_each_column_of_an_outcome_is_required(column):
    with pytest.raises(UsageError, match=f"The outcomes have no column {column}"):
        outcomes_frame(outcomes(r0="fix").drop(columns=column))


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_a_label_that_is_missing_never_becomes_a_word(nothing):
    frame = outcomes(r0="fix", r1="docs")
    frame["label"] = ["fix", nothing]
    with pytest.raises(UsageError, match="The outcomes have no value of 'label' for row r1"):
        outcomes_frame(frame)


def test_an_outcome_needs_the_zone_of_its_time():
    naive = outcomes(r0="fix").assign(known_at=pd.Timestamp("2026-05-01"))
    with pytest.raises(UsageError, match="The outcomes have times without a zone in 'known_at'"):
        outcomes_frame(naive)
    unknown = outcomes(r0="fix").assign(known_at=pd.Series([pd.NaT], dtype="datetime64[ns, UTC]"))
    with pytest.raises(UsageError, match="no value of 'known_at' for row r0"):
        outcomes_frame(unknown)


def test_outcomes_are_text_and_of_one_moment_the_last_by_name_in_any_order():
    both = pd.concat([outcomes(r0="fix"), outcomes(r0="docs")])
    for frame in (both, both.iloc[::-1]):
        assert outcomes_frame(frame)["label"].tolist() == ["fix"]
    kept = outcomes_frame(outcomes(model=5, r0=1).assign(row_id=8, other="x"))
    assert kept[["model", "row_id", "label"]].values.tolist() == [["5", "8", "1"]]
    assert list(kept.columns) == ["model", "row_id", "label", "known_at"]


def test_outcomes_of_several_models_do_not_meet():
    kept = outcomes_frame(pd.concat([outcomes("a", r0="fix"), outcomes("b", r0="docs")]))
    assert sorted(kept[["model", "label"]].values.tolist()) == [["a", "fix"], ["b", "docs"]]


def test_of_several_outcomes_of_a_row_the_last_known_stays_in_any_order():
    later = outcomes(r0="docs").assign(known_at=START + 9 * HOUR)
    both = pd.concat([outcomes(r0="fix", r1="fix"), later])
    for frame in (both, both.iloc[::-1]):
        kept = outcomes_frame(frame).set_index("row_id")["label"].to_dict()
        assert kept == {"r0": "docs", "r1": "fix"}
