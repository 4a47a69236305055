import pandas as pd

from ml_platform.prediction_log.join import known_at
from ml_platform_tests.prediction_log.examples import HOUR, START, outcomes, predictions


def joined():
    return predictions().merge(
        outcomes(r0="fix", r1="fix", r2="fix"), on=["model", "row_id"], how="left"
    )


def test_labels_known_later_are_taken_out_and_rows_stay():
    frame = known_at(joined(), START + 3 * HOUR)
    assert frame["label"].tolist() == ["fix", "fix", None, None]
    assert frame["known_at"].notna().tolist() == [True, True, False, False]


def test_the_frame_itself_is_left_alone():
    frame = joined()
    known_at(frame, START)
    pd.testing.assert_frame_equal(frame, joined())
