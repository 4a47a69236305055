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
        ("confidence", np.nan, "no value of 'confidence' for row r0"),
        ("prediction", None, "no value of 'prediction' for row r0"),
        ("row_id", "r1", "Row r1 is predicted twice by version 1"),
    ],
)
def test_a_value_that_cannot_be_is_named(column, value, message):
    frame = predictions()
    frame[column] = [value, *frame[column].iloc[1:]]
    with pytest.raises(UsageError, match=message):
        predictions_frame(frame)


def test_a_missing_column_and_a_time_without_zone_are_named():
    with pytest.raises(UsageError, match="no column user_id"):
        predictions_frame(predictions().drop(columns="user_id"))
    naive = predictions().assign(occurred_at=pd.Timestamp("2026-05-01"))
    with pytest.raises(UsageError, match="without a zone in 'occurred_at'"):
        predictions_frame(naive)


def test_of_several_outcomes_of_a_row_the_last_known_stays_in_any_order():
    later = outcomes(r0="docs").assign(known_at=START + 9 * HOUR)
    both = pd.concat([outcomes(r0="fix", r1="fix"), later])
    for frame in (both, both.iloc[::-1]):
        kept = outcomes_frame(frame).set_index("row_id")["label"].to_dict()
        assert kept == {"r0": "docs", "r1": "fix"}
