"""A window is loaded whole or, where it is too large, by whole clusters, in the same shape."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml_platform.application.connections import Connections
from ml_platform.application.monitoring_rows import (
    SOURCE,
    changed_since,
    counted_rows,
    loaded_rows,
    with_source,
)
from ml_platform.monitoring.baseline import measure_reference
from ml_platform.monitoring.findings import ChangedWindow
from ml_platform.spec.feature import Kind
from ml_platform.training_sets.build import wanted_columns
from ml_platform_tests.application.homes import SPEC, home, publish
from ml_platform_tests.retraining.reports import report

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
ROWS = 2_000


def published(folder: Path) -> Connections:
    """A home whose table has two weeks of rows in one part."""
    platform, draw = home(folder), np.random.default_rng(2)
    moments = START + np.sort(draw.integers(0, 14 * 86_400, ROWS)) * timedelta(seconds=1)
    columns: dict[str, object] = {name: [""] * ROWS for name in wanted_columns(SPEC)}
    for feature in SPEC.table.features:
        columns[feature.name] = {
            Kind.NUMBER: draw.normal(size=ROWS),
            Kind.CATEGORY: draw.choice(["a", "b"], ROWS),
            Kind.TOKENS: [["x"]] * ROWS,
        }[feature.kind]
    columns |= {
        "row_id": [f"r{place}" for place in range(ROWS)],
        "cluster_id": [f"s{place // 5}" for place in range(ROWS)],
        "occurred_at": pa.array(moments.tolist(), pa.timestamp("us", tz="UTC")),
        "is_bot": draw.random(ROWS) < 0.1,
        SOURCE: ["made"] * ROWS,
    }
    publish(platform, SPEC.table.name, pa.table(columns))
    return platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Connections:
    return published(tmp_path_factory.mktemp("home"))


def test_what_is_too_large_is_loaded_by_whole_clusters_in_the_same_shape(platform) -> None:
    whole = loaded_rows(platform, SPEC, START, START + WEEK, most=ROWS)
    part = loaded_rows(platform, SPEC, START, START + WEEK, most=300)
    assert whole.share == 1.0
    assert part.share == len(part.rows) / len(whole.rows)
    assert 150 < len(part.rows) < 500
    own = part.rows.drop(columns=SOURCE)
    chosen = whole.rows[whole.rows["cluster_id"].isin(own["cluster_id"].unique())]
    assert list(own.columns) == list(whole.rows.columns)
    for name in own.columns:
        assert own[name].tolist() == chosen[name].tolist(), name
        assert own[name].dtype.kind == whole.rows[name].dtype.kind, name
    for loaded in (whole, part):
        assert set(with_source(platform, SPEC, loaded.rows, START, START + WEEK)[SOURCE]) == {
            "made"
        }


def test_its_features_are_counted_over_all_rows(platform) -> None:
    before = loaded_rows(platform, SPEC, START, START + WEEK).rows
    specs = [each for each in SPEC.table.features if each.name in SPEC.features]
    reference = measure_reference(before, specs, model="example", end=START + WEEK)
    baseline = reference.baseline(version="1", source="made", simulated=True)
    rows = loaded_rows(platform, SPEC, START + WEEK, START + 2 * WEEK).rows
    counted = counted_rows(platform, SPEC, baseline, START + WEEK, START + 2 * WEEK)
    assert (counted.rows, counted.clusters) == (
        len(rows),
        {"cluster_id": rows["cluster_id"].nunique()},
    )
    clusters = pd.factorize(rows["cluster_id"])[0]
    for entry in baseline.watched:
        direct = entry.measure(rows, clusters)
        assert np.array_equal(counted.shares[entry.name].shares, direct.shares), entry.name
        assert np.array_equal(counted.shares[entry.name].covariance, direct.covariance), entry.name


def test_reported_windows_that_have_other_rows_by_now_are_found(platform) -> None:
    end = START + WEEK
    rows = len(loaded_rows(platform, SPEC, START, end).rows)
    then = replace(report(), window_start=START, window_end=end, rows_until=None, rows=rows)
    assert changed_since(platform, SPEC, []) == ()
    assert changed_since(platform, SPEC, [then]) == ()
    (found,) = changed_since(platform, SPEC, [replace(then, rows=rows - 100)])
    assert found == ChangedWindow(end, rows - 100, rows)
