"""Batches come in their order while later ones are read; errors and early ends lose nothing."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest

from ml_platform.errors import SourceError
from ml_platform.events.read_ahead import AHEAD, Batch, read_ahead


def _numbered(read: list[int], many: int = 20) -> Iterator[Batch]:
    for number in range(many):
        read.append(number)
        yield "events", pa.table({"number": [number]})


def _number(batch: Batch) -> int:
    return int(batch[1]["number"][0].as_py())


def test_the_order_is_that_of_the_source():
    assert [_number(batch) for batch in read_ahead(_numbered([]))] == list(range(20))


def test_batches_are_read_in_another_thread_while_one_is_stored():
    third_is_read = threading.Event()

    def source() -> Iterator[Batch]:
        yield from _numbered([], 2)
        third_is_read.set()
        yield from _numbered([], 1)

    with closing(read_ahead(source())) as batches:
        next(batches)
        assert third_is_read.wait(10)


def test_few_batches_wait():
    read: list[int] = []
    with closing(read_ahead(_numbered(read))) as batches:
        next(batches)
    assert len(read) <= 2 + AHEAD


def test_an_error_comes_after_the_batches_before_it():
    def source() -> Iterator[Batch]:
        yield from _numbered([], 3)
        raise SourceError("line 4 is broken", remedy="mend it")

    batches = read_ahead(source())
    assert [_number(next(batches)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="line 4"):
        next(batches)


def test_closed_early_it_ends_its_thread():
    with closing(read_ahead(_numbered([]))) as batches:
        next(batches)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("source")]
