"""Homes whose features are built again and again while their lake grows, without servers and without dbt."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.warehouse import lay_out_kept_parts
from ml_platform.application.asked_features import asked_from, built_from
from ml_platform.application.build_features import publish_features
from ml_platform.application.state_keys import FEATURES_BUILT_KEY
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES
from ml_platform.home import read_home, write_home
from ml_platform_tests.application.homes import home
from ml_platform_tests.features.compiled_features import CompiledFeatures

Lake = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of each table of a lake."""


class GrowingHome:
    """A home of its own clock and lake, which publishes its features as a run of the command does."""

    def __init__(self, folder: Path, compiled: CompiledFeatures) -> None:
        self.platform = home(folder)
        self.settings = self.platform.settings
        self._compiled = compiled

    def copied(self, folder: Path, compiled: CompiledFeatures) -> "GrowingHome":
        """A home like this one, which goes on by itself."""
        shutil.copytree(self.settings.home, folder)
        copy = GrowingHome(folder, compiled)
        built = self.platform.ledger.state(FEATURES_BUILT_KEY)
        copy.platform.ledger.set_state(FEATURES_BUILT_KEY, built or {})
        return copy

    def take_in(self, lake: Lake, as_of: datetime) -> None:
        """Store the lake as it is now, and set the clock."""
        state = read_home(self.settings)
        assert state is not None
        write_home(self.settings, replace(state, as_of=as_of))
        for table in TABLES:
            self._write(table, lake.get(table, ()))

    def build(self, lake: Lake, as_of: datetime) -> dict[str, datetime]:
        """Take in the lake as it is now, and publish its features; from which moment on tables were built."""
        self.take_in(lake, as_of)
        present = built_from(self.platform, PLATFORM_PROJECT)
        asked = asked_from(self.platform, PLATFORM_PROJECT, present)
        shutil.rmtree(self.settings.warehouse.parent, ignore_errors=True)
        self.settings.warehouse.parent.mkdir()
        lay_out_kept_parts(PLATFORM_PROJECT, self.settings.features, self.settings.warehouse, asked)
        self._compiled.build(self.settings.lake, self.settings.warehouse, as_of, asked)
        publish_features(self.platform, PLATFORM_PROJECT, present, lambda _: None)
        return asked

    def published(self) -> dict[str, bytes]:
        """Every published file."""
        folder = self.settings.features
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def _write(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the days of a table whose rows have changed, in the order of their ids."""
        manifest, folder = Manifest(self.settings.home), self.settings.lake / table
        days: dict[str, list[dict[str, Any]]] = {"empty.parquet": []}
        for row in sorted(rows, key=lambda row: [str(row[key]) for key in IDENTITY[table]]):
            moment = EVENT_TIME[table]
            day = f"day={row[moment]:%Y-%m-%d}/rows.parquet" if moment else "rows.parquet"
            days.setdefault(day, []).append(dict(row))
        for name, content in days.items():
            path = folder / name
            stored = pa.Table.from_pylist(content, schema=TABLES[table])
            if path.exists() and pq.read_table(path, partitioning=None).equals(stored):
                continue
            with manifest.replacing(path) as (beside,):
                pq.write_table(stored, beside)
        gone = [
            path
            for path in folder.rglob("rows.parquet")
            if str(path.relative_to(folder)) not in days
        ]
        manifest.remove(*gone)


def from_scratch(
    folder: Path, compiled: CompiledFeatures, lake: Lake, as_of: datetime
) -> dict[str, bytes]:
    """What a new home publishes of a lake."""
    scratch = GrowingHome(folder, compiled)
    assert scratch.build(lake, as_of) == {}
    return scratch.published()
