"""The share of time that the host took away, by two looks at /proc/stat."""

import math

import pytest

from benchmarks.stolen_time import CoreTime, core_time

BEFORE = "cpu  100 0 50 800 10 0 5 35 7 3\ncpu0 100 0 50 800 10 0 5 35 7 3\n"


def test_the_share_is_of_all_time_that_passed(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text(BEFORE)
    before = core_time(stat)
    assert before == CoreTime(1_000, 35)
    stat.write_text("cpu  200 0 100 1000 10 0 5 85 9 9\n")
    assert before.stolen_until(core_time(stat)) == 50 / 400


@pytest.mark.parametrize(
    "text", ["", "cpu\n", "cpu 1 2 3\n", "cpu a b c d e f g h\n", "intr 1 2 3 4 5 6 7 8\n", None]
)
def test_where_the_system_does_not_say_it_nothing_is_claimed(tmp_path, text):
    stat = tmp_path / "stat"
    if text is not None:
        stat.write_text(text)
    assert core_time(stat) == CoreTime(0, 0)
    assert math.isnan(core_time(stat).stolen_until(core_time(stat)))
