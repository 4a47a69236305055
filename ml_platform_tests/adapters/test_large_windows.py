"""A window counted by DuckDB has the shares of its rows to the bit; a part of it has whole clusters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.large_windows import (
    count_features,
    count_rows,
    count_window,
    read_clusters,
    rows_by_cell,
)
from ml_platform.errors import IntegrityError
from ml_platform.features.define import category, number
from ml_platform.monitoring.baseline import measure_reference
from ml_platform.monitoring.cells import counted_window
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.distribution import (
    Bins,
    category_bins,
    category_codes,
    clustered_shares,
    number_bins,
    number_codes,
)
from ml_platform.spec.feature import Family
from ml_platform.spec.training_set import CLUSTER

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
COLUMNS = ("number", "word", "path", "flag")
ROWS = 6_000


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two days of sessions, some across boundaries; rows without one, robots, missing values."""
    draw = np.random.default_rng(3)
    at = np.sort(draw.integers(0, 2 * 86_400_000, ROWS)) / 1_000
    cluster = np.array([f"s{int(second // 1_001)}" for second in at], dtype=object)
    cluster[draw.random(ROWS) < 0.01] = None
    number = np.where(draw.random(ROWS) < 0.1, np.nan, draw.normal(size=ROWS).round(1))
    number[:4] = np.inf, -np.inf, 0.0, -0.0
    word = draw.choice(["it's", "b", "c", "rare"], ROWS, p=[0.5, 0.3, 0.198, 0.002]).astype(object)
    word[draw.random(ROWS) < 0.05] = None
    word[-60:] = "never seen"
    return pd.DataFrame(
        {
            "row_id": [f"r{place}" for place in range(ROWS)],
            "cluster_id": cluster,
            "occurred_at": pd.to_datetime(START) + pd.to_timedelta(at * 1_000, unit="ms"),
            "is_bot": draw.random(ROWS) < 0.1,
            "number": number,
            "word": word,
            "path": [f"p{place}" for place in draw.integers(0, 900, ROWS)],
            "flag": draw.random(ROWS) < 0.3,
        }
    )


@pytest.fixture(scope="module")
def features(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features") / "rows.parquet"
    pq.write_table(
        pa.Table.from_pandas(rows, preserve_index=False),
        path,
        row_group_size=500,
        coerce_timestamps="us",
    )
    return path


@pytest.fixture(scope="module")
def bins(rows: pd.DataFrame) -> list[tuple[str, Bins]]:
    first = rows.iloc[:-200]
    return [
        ("number", number_bins(first["number"].to_numpy())),
        ("word", category_bins(first["word"].to_numpy())),
        ("path", category_bins(first["path"].to_numpy())),
        ("flag", category_bins(first["flag"].astype(float).to_numpy(dtype=object))),
    ]


@pytest.mark.parametrize("hours", [48, 45, 6])
def test_its_shares_are_those_of_the_rows_to_the_bit(rows, features, bins, hours) -> None:
    end = START + timedelta(hours=hours)
    within = rows[~rows["is_bot"] & (rows["occurred_at"] < end)]
    clusters = cluster_codes(within)
    cell = count_window(features, bins, START, end, threads=2)
    counted = counted_window({CLUSTER: cell}, {CLUSTER: COLUMNS})
    assert counted.rows == len(within) == count_rows(features, START, end)
    assert counted.clusters == {CLUSTER: clusters.max() + 1}
    assert bool(cell.open.size) == (hours > 6)
    flags = within["flag"].astype(float).to_numpy(dtype=object)
    codes = [number_codes(bins[0][1], within["number"].to_numpy())]
    codes += [category_codes(own, within[name].to_numpy()) for name, own in bins[1:3]]
    codes.append(category_codes(bins[3][1], flags))
    for (name, own), code in zip(bins, codes, strict=True):
        direct = clustered_shares(code, clusters, own.count)
        assert np.array_equal(counted.shares[name].shares, direct.shares), name
        assert np.array_equal(counted.shares[name].covariance, direct.covariance), name
        assert counted.shares[name].missing == direct.missing


def test_each_feature_is_counted_over_its_own_clusters(rows, features) -> None:
    people = rows[~rows["is_bot"]].reset_index(drop=True)
    specs = [
        number("number", Family.RAW, (None, None), "the row", "unknown", "x", cluster="path"),
        category("word", Family.CATEGORICAL, "the row", "unknown", "x"),
    ]
    watched = measure_reference(people, specs, model="m", end=START + 2 * DAY).features
    assert [entry.cluster for entry in watched] == ["path", CLUSTER]
    counted = count_features(features, watched, START, START + 2 * DAY, 2)
    assert counted.rows == len(people)
    for entry in watched:
        clusters = cluster_codes(people, entry.cluster)
        direct = entry.measure(people, clusters)
        assert counted.clusters[entry.cluster] == clusters.max() + 1
        assert np.array_equal(counted.shares[entry.name].covariance, direct.covariance)
    only = count_features(features, watched[:1], START, START + 2 * DAY, 2)
    assert (only.rows, only.clusters) == (counted.rows, counted.clusters)
    with pytest.raises(IntegrityError, match="cannot be read"):
        count_features(features, [replace(watched[0], cluster="gone")], START, START + DAY)


def test_rows_by_six_hours(rows, features) -> None:
    people = rows[~rows["is_bot"]]
    cells = (people["occurred_at"] - START) // timedelta(hours=6)
    counts = rows_by_cell(features, START, START + 2 * DAY)
    assert counts == {
        START + int(cell) * timedelta(hours=6): count
        for cell, count in cells.value_counts().items()
    }
    later = START + timedelta(hours=6)
    assert rows_by_cell(features, later, later + DAY) == {
        moment: count for moment, count in counts.items() if later <= moment < later + DAY
    }


def test_a_part_of_it_has_whole_clusters_and_is_the_same_again(rows, features) -> None:
    columns = ("row_id", "cluster_id", "occurred_at", "number", "word")
    part = read_clusters(features, columns, START, START + DAY, 0.3)
    people = rows[~rows["is_bot"] & (rows["occurred_at"] < START + DAY)].set_index("row_id")
    assert 0.1 < len(part) / len(people) < 0.5
    chosen = people[people["cluster_id"].isin(part["cluster_id"].dropna())]
    alone = part[part["cluster_id"].isna()]
    assert sorted(part["row_id"]) == sorted([*chosen.index, *alone["row_id"]])
    assert part["occurred_at"].is_monotonic_increasing
    assert np.array_equal(part["number"], people["number"].loc[part["row_id"]], equal_nan=True)
    again = read_clusters(features, columns, START, START + DAY, 0.3)
    pd.testing.assert_frame_equal(part, again)


def test_a_column_that_is_gone_is_named(features, bins) -> None:
    with pytest.raises(IntegrityError, match="lack the columns gone"):
        count_window(features, [*bins, ("gone", bins[0][1])], START, START + DAY)
    with pytest.raises(IntegrityError, match="There are no features"):
        count_window(features.parent / "nothing", bins, START, START + DAY)


def test_a_broken_file_is_named(features, bins, tmp_path) -> None:
    broken = tmp_path / "rows.parquet"
    broken.write_bytes(features.read_bytes()[:-9])
    with pytest.raises(
        IntegrityError, match=r"The published features cannot be read: .*rows.parquet"
    ):
        count_window(broken, bins, START, START + DAY)
