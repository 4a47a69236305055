import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.evidently_report import draw_drift
from ml_platform.adapters.manifest import Manifest
from ml_platform_tests.monitoring.telemetry import SPECS

DRAWN_ID = "-?".join(f"[0-9a-f]{{{length}}}" for length in (8, 4, 4, 4, 12))
"""Evidently gives each widget of a page an id that it draws."""


def test_it_draws_a_sample_and_survives_an_empty_column(
    quiet: pd.DataFrame, window: pd.DataFrame, tmp_path: Path
) -> None:
    window["number_3"] = np.nan
    path = tmp_path / "reports" / "drift.html"
    assert draw_drift(quiet, window, SPECS, path, Manifest(tmp_path), rows=500) is None
    text = path.read_text(encoding="utf-8")
    assert "number_4" in text
    assert "number_3" not in text
    assert list(path.parent.iterdir()) == [path]


def test_the_page_is_that_of_evidentlys_own_preset(
    quiet: pd.DataFrame, window: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evidently.presets import DataDriftPreset

    ours, theirs = tmp_path / "ours.html", tmp_path / "theirs.html"
    assert draw_drift(quiet, window, SPECS, ours, Manifest(tmp_path), rows=500) is None
    preset = "ml_platform.adapters.evidently_preset.DrawnDataDrift"
    monkeypatch.setattr(preset, DataDriftPreset)
    assert draw_drift(quiet, window, SPECS, theirs, Manifest(tmp_path), rows=500) is None
    page, expected = (re.sub(DRAWN_ID, "id", path.read_text()) for path in (ours, theirs))
    assert page == expected


def test_what_cannot_be_drawn_is_a_note(
    quiet: pd.DataFrame, window: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "drift.html"
    note = draw_drift(quiet, window.iloc[:0], SPECS, path, Manifest(path.parent))
    assert note is not None
    assert "0 rows" in note
    broken = window.assign(number_1="no number")
    note = draw_drift(quiet, broken, SPECS, path, Manifest(path.parent))
    assert note is not None
    assert "ValueError" in note
    assert not path.exists()


def test_a_name_from_the_data_never_runs_in_the_page(
    quiet: pd.DataFrame, window: pd.DataFrame, tmp_path: Path
) -> None:
    hostile = "</script><script>alert('from the data')</script>"
    category = next(spec.name for spec in SPECS if spec.name.startswith("category"))
    path = tmp_path / "drift.html"
    window[category] = window[category].astype(object)
    window.loc[window.index[::2], category] = hostile
    assert draw_drift(quiet, window, SPECS, path, Manifest(path.parent), rows=500) is None
    text = path.read_text(encoding="utf-8")
    assert hostile not in text
    assert "<script>alert" not in text


def test_a_name_of_a_column_never_runs_in_the_page(
    quiet: pd.DataFrame, window: pd.DataFrame, tmp_path: Path
) -> None:
    """Columns of somebody's own table: of a number and of a category."""
    hostile = {
        "number_0": "</script><script>alert('a number')</script>",
        "category_0": "\"><img src=x onerror=alert('a category')>",
    }
    specs = [replace(spec, name=hostile.get(spec.name, spec.name)) for spec in SPECS]
    before, now = quiet.rename(columns=hostile), window.rename(columns=hostile)
    path = tmp_path / "drift.html"
    assert draw_drift(before, now, specs, path, Manifest(path.parent), rows=500) is None
    text = path.read_text(encoding="utf-8")
    assert "a number" in text
    assert "a category" in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
