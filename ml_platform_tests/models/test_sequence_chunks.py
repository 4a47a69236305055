"""Rows that follow each other are packed by what their windows say; an epoch shows each row once."""

import numpy as np
import pandas as pd
import pytest
import torch

from ml_platform.models.sequences.chunks import NO_ROW, chunks_of
from ml_platform.models.sequences.encoding import PAD, EncodedRows
from ml_platform.models.sequences.examples import Chunks, Examples
from ml_platform.spec.training_set import CLUSTER, USER

LENGTH = 3


def windows(steps: list[int]) -> list[list[list[int]]]:
    """The last three of one user's steps at each of them, one channel."""
    padded = [PAD] * (LENGTH - 1) + steps
    return [[[code] for code in padded[place : place + LENGTH]] for place in range(len(steps))]


def table(rows: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[USER, CLUSTER])


def packed(rows: list[tuple[str, str]], steps: list[list[list[int]]], most: int) -> list[list[int]]:
    chunks = chunks_of(table(rows), np.array(steps, dtype=np.int32), most)
    return [[row for row in chunk if row != NO_ROW] for chunk in chunks.tolist()]


def test_rows_of_a_user_whose_windows_follow_each_other_are_one_chunk_up_to_the_most():
    rows = [("a", "s1")] * 3 + [("a", "s2")] * 2
    assert packed(rows, windows([5, 6, 7, 8, 9]), 8) == [[0, 1, 2, 3, 4]]
    assert packed(rows, windows([5, 6, 7, 8, 9]), 2) == [[0, 1], [2, 3], [4]]


def test_rows_of_several_users_that_come_in_turns_are_told_apart():
    one, other = windows([5, 6, 7]), windows([8, 9, 10])
    rows = [("a", "s1"), ("b", "s2"), ("a", "s1"), ("b", "s2"), ("a", "s3"), ("b", "s2")]
    steps = [window for pair in zip(one, other, strict=True) for window in pair]
    assert packed(rows, steps, 8) == [[0, 2, 4], [1, 3, 5]]


def test_steps_of_a_case_are_one_chunk_though_several_users_work_on_it():
    rows = [("a", "case 1"), ("a", "case 2"), ("b", "case 1"), ("b", "case 2")]
    first, second = windows([5, 6]), windows([7, 8])
    assert packed(rows, [first[0], second[0], first[1], second[1]], 8) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("place", range(LENGTH))
def test_a_row_whose_window_says_anything_else_of_the_past_begins_a_chunk(place):
    steps = windows([5, 6, 7, 8, 9])
    steps[3][place] = [11]
    chunks = packed([("a", "s")] * 5, steps, 8)
    # What the newest step of row 3 is, only row 4 can contradict, and its first step none: it goes on with row 3.
    assert (
        chunks == {0: [[0, 1, 2], [3, 4]], 1: [[0, 1, 2], [3], [4]], 2: [[0, 1, 2, 3], [4]]}[place]
    )


def chunks_with(rows: int, most: int, seed: int = 0) -> Chunks:
    """Chunks of the rows of two users, one of them twice as busy."""
    random = np.random.default_rng(seed)
    busy = 2 * rows // 3
    steps = np.array(
        windows(random.integers(1, 50, busy).tolist())
        + windows(random.integers(1, 50, rows - busy).tolist()),
        dtype=np.int32,
    )
    users = [("a", "s1")] * busy + [("b", "s2")] * (rows - busy)
    encoded = EncodedRows(steps, np.arange(rows, dtype=np.float32)[:, None])
    examples = Examples.of(encoded, np.arange(rows), np.zeros(rows))
    return Chunks(examples, torch.from_numpy(chunks_of(table(users), steps, most)))


def test_an_epoch_shows_each_row_once_at_the_step_that_it_ends_with():
    chunks = chunks_with(50, 4)
    seen = []
    for batch in chunks.batches(12):
        ends = torch.arange(batch.answered.shape[1]) + LENGTH - 1
        for row, (chunk, place) in zip(batch.rows, batch.answered.nonzero(), strict=True):
            window = batch.steps[chunk, ends[place] - LENGTH + 1 : ends[place] + 1]
            assert torch.equal(window, chunks.examples.steps[row].long())
        assert not batch.steps[:, LENGTH - 1 :][~batch.answered].any()
        seen += batch.rows.tolist()
    assert sorted(seen) == list(range(50))


@pytest.mark.parametrize("size", [1, 3, 12, 1_000])
def test_batches_have_about_as_many_rows_as_asked_for_and_are_no_more_than_so_many(size):
    chunks = chunks_with(50, 4)
    counts = [len(batch.rows) for batch in chunks.batches(size)]
    assert sum(counts) == 50
    assert len(counts) <= -(-50 // size)
    assert all(abs(count - size) < 4 for count in counts[:-1] if size >= 4)


def test_chunks_come_in_another_order_in_each_epoch():
    chunks = chunks_with(200, 4)
    torch.manual_seed(1)
    first, second = (next(chunks.batches(40)).rows.tolist() for _ in range(2))
    assert first != second
