from datetime import timedelta

import numpy as np
import pandas as pd

from ml_platform.models.time_series_split import folds, time_blocks
from ml_platform_tests.models.worlds import START, world


def test_sessions_and_change_sets_are_whole_and_blocks_follow_time():
    rows = world(100)
    blocks = time_blocks(rows.sample(frac=1.0, random_state=1), 5)
    shuffled = rows.sample(frac=1.0, random_state=1).assign(block=blocks)
    assert (shuffled.groupby("cluster_id")["block"].nunique() == 1).all()
    assert np.bincount(blocks).tolist() == [100] * 5
    ordered = shuffled.sort_values("occurred_at")["block"].to_numpy()
    assert (np.diff(ordered) >= 0).all()


def test_a_row_without_a_session_goes_with_its_change_set():
    times = [START + timedelta(hours=i) for i in (0, 1, 2, 3)]
    rows = pd.DataFrame(
        {
            "cluster_id": [None, None, None, "s"],
            "change_set_id": ["a", "b", "a", "c"],
            "occurred_at": times,
        }
    )
    blocks = time_blocks(rows, 3)
    assert blocks.tolist() == [0, 1, 0, 2]


def test_rows_near_a_held_out_block_are_left_out_of_its_fit():
    times = [START + timedelta(hours=12 * i) for i in range(40)]
    rows = pd.DataFrame(
        {"cluster_id": [f"s{i}" for i in range(40)], "change_set_id": "a", "occurred_at": times}
    )
    found = list(folds(rows, time_blocks(rows, 20), timedelta(days=1)))
    # block 2 is rows 4 and 5; a day on either side is rows 2, 3 and 6, 7
    assert found[2].held_out.tolist() == [4, 5]
    assert found[2].fit.tolist() == [0, 1, *range(8, 40)]
    assert [fold.number for fold in found] == list(range(20))


def test_in_a_short_history_the_gap_is_a_tenth_of_it():
    times = [START + timedelta(hours=i) for i in range(11)]
    rows = pd.DataFrame(
        {"cluster_id": [f"s{i}" for i in range(11)], "change_set_id": "a", "occurred_at": times}
    )
    found = list(folds(rows, time_blocks(rows, 11), timedelta(days=1)))
    # ten hours long, so an hour on either side
    assert found[5].fit.tolist() == [0, 1, 2, 3, 7, 8, 9, 10]
