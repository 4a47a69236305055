"""The asset of all features builds, in Dagster, what may have changed since it was last made."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ml_platform.adapters import feature_parts
from ml_platform.adapters.dbt_project import ParsedProject, parsed_project
from ml_platform.application.asked_features import asked_from, built_from
from ml_platform.application.state_keys import FEATURES_BUILT_KEY
from ml_platform.defs.features import feature_assets, features_key
from ml_platform.models.catalogue import Catalogue
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.day_by_day import GrowingHome, from_scratch
from ml_platform_tests.features.growing_lakes import DAY, World

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
TABLES = ("pattern_features", "step_features")


@dataclass(frozen=True)
class Made:
    """A home whose features Dagster has made; its copy is laid in its place before it goes on."""

    grown: GrowingHome
    parsed: ParsedProject
    copy: Path
    state: dict[str, Any]

    def restore(self) -> None:
        """The paths stay: what dbt has parsed for them is not parsed again."""
        home = self.grown.settings.home
        shutil.rmtree(home)
        shutil.copytree(self.copy, home)
        self.grown.platform.ledger.set_state(FEATURES_BUILT_KEY, self.state)


def make(grown: GrowingHome, parsed: ParsedProject, *, alone: bool) -> set[Path]:
    """Let Dagster make all assets, or one table alone, with which all are built as well; the parts afterwards."""
    warehouse, _ = feature_assets(parsed)
    selection = [features_key(parsed.project.tables["step_features"])] if alone else None
    dg.materialize([warehouse], resources={"platform": grown.platform}, selection=selection)
    return {
        path
        for table in TABLES
        for path in feature_parts.parquet_files(grown.settings.features / table)
    }


@pytest.fixture(scope="module")
def clock() -> datetime:
    return World("telemetry", seed=8).events[-1].occurred_at


@pytest.fixture(scope="module")
def made(
    clock: datetime, compiled: CompiledFeatures, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """Features of all but the last two days, in parts of a few rows."""
    folder = tmp_path_factory.mktemp("made")
    grown = GrowingHome(folder / "home", compiled)
    parsed = parsed_project(Catalogue(), grown.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_parts, "PART_ROWS", 12)
        grown.take_in(World("telemetry", seed=8).at(clock - 2 * DAY), clock - 2 * DAY)
        assert make(grown, parsed, alone=True)
        state = grown.platform.ledger.state(FEATURES_BUILT_KEY)
        assert state
        shutil.copytree(grown.settings.home, folder / "copy")
        yield Made(grown, parsed, folder / "copy", state)


@pytest.fixture(scope="module")
def scratch(
    clock: datetime,
    made: Made,
    compiled: CompiledFeatures,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, bytes]:
    """What a new home publishes of all days."""
    world = World("telemetry", seed=8)
    return from_scratch(tmp_path_factory.mktemp("scratch"), compiled, world.at(clock), clock)


@pytest.mark.parametrize("alone", [False, True])
def test_days_that_are_published_stay_and_the_others_are_built(
    alone: bool, clock: datetime, made: Made, scratch: dict[str, bytes]
) -> None:
    """Dagster is asked for all assets, or for one table alone, with which all are built as well."""
    made.restore()
    grown, project = made.grown, made.parsed.project
    first = {
        path
        for table in TABLES
        for path in feature_parts.parquet_files(grown.settings.features / table)
    }
    grown.take_in(World("telemetry", seed=8).at(clock), clock)
    asked = asked_from(grown.platform, project, built_from(grown.platform, project))
    assert set(asked) == set(TABLES)
    stat = {path: path.stat().st_mtime_ns for path in first}
    kept = first & make(grown, made.parsed, alone=alone)
    assert {path.parent.name for path in kept} == set(TABLES)
    assert all(path.stat().st_mtime_ns == stat[path] for path in kept)
    assert grown.published() == scratch
