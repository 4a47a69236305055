"""Rows made worse: what changes, by how much, and that nothing else does."""

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.dimensions.robustness.columns import Column, columns_of, known_of
from ml_platform.evaluation.dimensions.robustness.perturb import (
    UNSEEN,
    blanked,
    blanked_at_random,
    blanked_large,
    filled,
    noisy,
    one_of_each_row,
    permuted,
    swap_rate,
    unseen,
)
from ml_platform.spec.feature import Kind
from ml_platform_tests.evaluation.dimensions.robustness.toys import (
    FEATURES,
    Sturdy,
    examined,
    training_set,
)

ROWS = training_set(4_000)
COLUMNS = columns_of(examined(Sturdy(), ROWS))
KNOWN = known_of(ROWS.train, COLUMNS)


def lists(rows: pd.DataFrame) -> list[list[str]]:
    return [list(words) for words in rows["words"]]


def test_columns_and_their_kinds_are_found() -> None:
    kinds = {column.name: column.kind for column in COLUMNS}
    assert tuple(kinds) == FEATURES
    assert kinds["x0"] is Kind.NUMBER
    assert kinds["word"] is Kind.CATEGORY
    assert kinds["words"] is Kind.TOKENS


def test_what_the_training_part_says_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "n": [1.0, -5.0, 3.0, np.nan],
            "c": ["a", "a", "b", None],
            "t": [["a"], [], ["b", "a"], ["a"]],
        }
    )
    columns = (
        Column("n", Kind.NUMBER, "f"),
        Column("c", Kind.CATEGORY, "f"),
        Column("t", Kind.TOKENS, "f"),
    )
    known = known_of(rows, columns)
    assert known.spread["n"] == pytest.approx(np.std([1, -5, 3]))
    assert known.extreme("n") == 50
    assert known.middle["n"] == 1
    assert known.large["n"] == 2
    assert known.usual["c"] == "a"
    assert sorted(known.words["t"]) == ["a", "a", "a", "b"]
    assert known.large["t"] == 1.25
    worse = blanked_large(rows, columns, known)
    assert worse["n"].isna().tolist() == [False, False, True, True]
    assert lists(worse.rename(columns={"t": "words"})) == [["a"], [], [], ["a"]]
    assert worse["c"].tolist() == rows["c"].tolist()


@pytest.mark.parametrize("level", [0.25, 1.0])
def test_noise_keeps_the_same_correlation_in_numbers_and_in_words(level: float) -> None:
    worse = noisy(ROWS.test, COLUMNS, KNOWN, level, seed=1)
    expected = 1 / np.sqrt(1 + level**2)
    number = np.corrcoef(ROWS.test["x0"], worse["x0"])[0, 1]
    mark = np.corrcoef(ROWS.test["word"] == "common", worse["word"] == "common")[0, 1]
    first = [[words[0] == "common" for words in lists(rows)] for rows in (ROWS.test, worse)]
    assert number == pytest.approx(expected, abs=0.02)
    assert mark == pytest.approx(expected, abs=0.03)
    assert np.corrcoef(*first)[0, 1] == pytest.approx(expected, abs=0.03)
    assert swap_rate(1.0) == pytest.approx(1 - 1 / np.sqrt(2))


def test_no_noise_changes_nothing_and_rows_given_are_left_alone() -> None:
    before = ROWS.test.copy(deep=True)
    same = noisy(ROWS.test, COLUMNS, KNOWN, 0.0, seed=1)
    noisy(ROWS.test, COLUMNS, KNOWN, 1.0, seed=1)
    blanked(ROWS.test, COLUMNS)
    pd.testing.assert_frame_equal(before, ROWS.test)
    assert np.array_equal(same["x0"], before["x0"])
    assert lists(same) == lists(before)
    assert same["word"].tolist() == before["word"].tolist()


def test_the_same_seed_gives_the_same_rows_whatever_other_columns_there_are() -> None:
    alone = noisy(ROWS.test, COLUMNS[2:3], KNOWN, 0.5, seed=1)
    together = noisy(ROWS.test, COLUMNS, KNOWN, 0.5, seed=1)
    other = noisy(ROWS.test, COLUMNS, KNOWN, 0.5, seed=2)
    assert np.array_equal(alone["x2"], together["x2"])
    assert not np.array_equal(other["x2"], together["x2"])


def test_missing_at_random_takes_its_share_of_every_kind() -> None:
    worse = blanked_at_random(ROWS.test, COLUMNS, 0.3, seed=1)
    assert worse["x0"].isna().mean() == pytest.approx(0.3, abs=0.03)
    assert worse["word"].isna().mean() == pytest.approx(0.3, abs=0.03)
    assert np.mean([not words for words in lists(worse)]) == pytest.approx(0.3, abs=0.03)
    every = blanked(ROWS.test, COLUMNS)
    assert every[["x0", "word"]].isna().all().all()
    assert not any(lists(every))


def test_one_field_of_each_row_is_spoilt() -> None:
    numbers = COLUMNS[:6]
    worse = one_of_each_row(ROWS.test, numbers, lambda r, c, w: filled(c, r, w, 99.0), seed=1)
    names = [column.name for column in numbers]
    assert ((worse[names] == 99.0).sum(axis=1) == 1).all()
    assert ((worse[names] != ROWS.test[names]).sum(axis=1) == 1).all()


def test_unseen_words_replace_categories_and_every_entry_of_a_list() -> None:
    first = np.arange(len(ROWS.test)) == 0
    assert unseen(ROWS.test, COLUMNS[6], first)[:2].tolist() == [UNSEEN, ROWS.test["word"].iloc[1]]
    values = unseen(ROWS.test, COLUMNS[7], first)
    assert list(values.iloc[0]) == [UNSEEN] * 3
    assert list(values.iloc[1]) == ROWS.test["words"].iloc[1]


def test_permuted_columns_have_the_same_values_and_are_independent() -> None:
    worse = permuted(ROWS.test, COLUMNS, seed=1)
    assert np.array_equal(np.sort(worse["x0"]), np.sort(ROWS.test["x0"]))
    assert sorted(worse["word"]) == sorted(ROWS.test["word"])
    assert abs(np.corrcoef(worse["x0"], worse["x1"])[0, 1]) < 0.05
    assert np.corrcoef(ROWS.test["x0"], ROWS.test["x1"])[0, 1] > 0.4
