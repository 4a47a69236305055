"""The asset of all features builds, in Dagster, what may have changed since it was last made."""

from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters import feature_parts
from ml_platform.adapters.dbt_project import ParsedProject, parsed_project
from ml_platform.application.asked_features import asked_from, built_from
from ml_platform.defs.features import feature_assets, features_key
from ml_platform.models.catalogue import Catalogue
from ml_platform_tests.features.compiled_features import CompiledFeatures, compile_features
from ml_platform_tests.features.day_by_day import GrowingHome, from_scratch
from ml_platform_tests.features.growing_lakes import DAY, World

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
TABLES = ("pattern_features", "step_features")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledFeatures:
    return compile_features(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    return parsed_project(Catalogue(), tmp_path_factory.mktemp("dbt"))


@pytest.mark.parametrize("alone", [False, True])
def test_days_that_are_published_stay_and_the_others_are_built(
    alone: bool,
    compiled: CompiledFeatures,
    parsed: ParsedProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dagster is asked for all assets, or for one table alone, with which all are built as well."""
    monkeypatch.setattr(feature_parts, "PART_ROWS", 12)
    grown, world = GrowingHome(tmp_path / "home", compiled), World("telemetry", seed=8)
    as_of = world.events[-1].occurred_at
    warehouse, _ = feature_assets(parsed)
    selection = [features_key(parsed.project.tables["step_features"])] if alone else None

    def made() -> set[Path]:
        dg.materialize([warehouse], resources={"platform": grown.platform}, selection=selection)
        return {
            path
            for table in TABLES
            for path in feature_parts.parquet_files(grown.settings.features / table)
        }

    before = world.at(as_of - 2 * DAY)
    grown.take_in(before, as_of - 2 * DAY)
    first = made()
    grown.take_in(world.at(as_of), as_of)
    present = built_from(grown.platform, parsed.project)
    asked = asked_from(grown.platform, parsed.project, present)
    assert set(asked) == set(TABLES)
    stat = {path: path.stat().st_mtime_ns for path in first}
    second = made()
    kept = first & second
    assert {path.parent.name for path in kept} == set(TABLES)
    assert all(path.stat().st_mtime_ns == stat[path] for path in kept)
    assert grown.published() == from_scratch(tmp_path / "scratch", compiled, world.at(as_of), as_of)
