"""Ids are found wherever they are stored, by hashes that several may share."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.id_index import (
    IdIndex,
    by_file,
    hashes_of,
    places_in,
    stored_ids,
)


@pytest.mark.parametrize("seed", range(5))
def test_every_place_of_a_hash_is_found(seed: int) -> None:
    draw, index, everything = random.Random(seed), IdIndex(), list[tuple[int, int]]()
    for _ in range(30):
        size = draw.randrange(0, 40)
        hashes = [draw.randrange(200) for _ in range(size)]
        places = range(len(everything), len(everything) + size)
        index.add(np.array(hashes, np.uint64), np.array(places, np.int64))
        everything += zip(hashes, places, strict=True)
        wanted = [draw.randrange(220) for _ in range(20)]
        expected = sorted(place for hashed, place in everything if hashed in wanted)
        assert index.find(np.array(wanted, np.uint64)).tolist() == expected
    assert len(index._levels) <= 6  # each is more than twice as large as the next


def test_places_are_files_and_rows() -> None:
    places = np.concatenate([places_in(0, 2), places_in(3, 1), places_in(70_000, 2)[1:]])
    assert [(file, rows.tolist()) for file, rows in by_file(places)] == [
        (0, [0, 1]),
        (3, [0]),
        (70_000, [1]),
    ]
    assert by_file(np.zeros(0, np.int64)) == []


def test_the_ids_of_files_hash_as_those_of_rows(tmp_path: Path) -> None:
    parts = [
        pa.table({"target": ["m", "n", "m"], "row_id": ["a", "a", "b"]}),
        pa.table({"target": ["k"], "row_id": ["ü'"]}),
    ]
    files = [tmp_path / "it's b.parquet", tmp_path / "a.parquet"]
    for path, part in zip(files, parts, strict=True):
        pq.write_table(part, path)
    hashes, places = stored_ids("ceilings", ("target", "row_id"), files)
    order = np.argsort(places)
    assert hashes[order].tolist() == hashes_of(pa.concat_tables(parts)).tolist()
    assert len(set(hashes.tolist())) == 4
    assert places[order].tolist() == [*places_in(0, 3), *places_in(1, 1)]
