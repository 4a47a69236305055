"""Built day by day, whatever came late, the published features are those of a build from scratch, byte for byte."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns

import duckdb
import pytest

from ml_platform.adapters import feature_parts
from ml_platform.adapters.compiled_features import compiled_features, rebuilt
from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.warehouse import publish_features
from ml_platform.application import asked_features, build_features
from ml_platform.application.asked_features import asked_from, built_from, forget_build
from ml_platform.errors import IntegrityError
from ml_platform.home import read_home, write_home
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.day_by_day import GrowingHome, Lake, from_scratch
from ml_platform_tests.features.growing_lakes import DAY, MOMENT, WORLDS, World, row_of, run_at

pytestmark = pytest.mark.usefixtures("parts_of_twelve_rows")
INCREMENTAL = {"pattern_features", "step_features"}
SESSIONS = {"session_features", "moment_surprises", "int_events"}
ASKED = {
    "telemetry": INCREMENTAL,
    "commits": INCREMENTAL,
    "process log": {"pattern_features"},
    "sessions": INCREMENTAL | SESSIONS,
}
"""What is built of the newest rows alone; the first worlds have too few sessions for a part of them to stay."""


@pytest.mark.parametrize("kind", WORLDS)
def test_each_step_publishes_the_bytes_of_a_build_from_scratch(
    kind: str, compiled: CompiledFeatures, tmp_path: Path
) -> None:
    world, grown = World(kind, seed=5), GrowingHome(tmp_path / "grown", compiled)
    first, last = world.events[0].occurred_at, world.events[-1].occurred_at
    incremental: set[str] = set()
    draw = Random(1)
    moments = [first + (last - first) * share for share in (0.5, 0.7, 1.0)]
    moments = [moment.replace(hour=draw.randrange(24)) for moment in moments] + [last + 30 * DAY]
    for number, as_of in enumerate(moments):
        asked = grown.build(world.at(as_of), as_of)
        incremental |= asked.keys()
        if number:  # The first build is one from scratch itself.
            scratch = from_scratch(tmp_path / str(number), compiled, world.at(as_of), as_of)
            assert grown.published() == scratch, (as_of, asked)
    assert incremental == ASKED[kind]


def built_at_its_end(
    kind: str, folder: Path, compiled: CompiledFeatures
) -> tuple[World, GrowingHome, Lake, datetime]:
    """A world, and a home with the features of all of it, built at its last event."""
    world, grown = World(kind, seed=8), GrowingHome(folder / "home", compiled)
    as_of = world.events[-1].occurred_at
    grown.build(world.at(as_of), as_of)
    return world, grown, world.at(as_of), as_of


def test_the_models_of_the_newest_rows_are_those_whose_sql_asks_for_them() -> None:
    assert PLATFORM_PROJECT.models_of_asked_rows() == {
        "pattern_features",
        "step_features",
        "session_features",
        "moment_surprises",
        "int_change_sets",
        "int_memories",
        "int_place_counts",
        "int_user_counts",
        "int_session_places",
        "int_session_steps",
        "int_session_surprises",
        "int_session_transitions",
    }


def test_the_models_of_the_events_that_are_read_are_those_that_follow_from_them() -> None:
    """Events before are not read where nothing that is built looks back on them."""
    whole = {"stg_events", "int_returning_events", "int_runs", "temporal_patterns", "patterns"}
    models = PLATFORM_PROJECT.models_of_read_events()
    assert not whole & models
    assert models >= {"int_events", "int_objects", "int_moments", "int_session_moments"}


class TestWholeBuilds:
    """What makes a build one of everything; each home has features of which parts would else stay."""

    @pytest.fixture(scope="class")
    def built_once(
        self, compiled: CompiledFeatures, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[World, GrowingHome, Lake, datetime]:
        """A home that every test copies."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feature_parts, "PART_ROWS", 12)
            return built_at_its_end("telemetry", tmp_path_factory.mktemp("built"), compiled)

    @pytest.fixture
    def built(
        self,
        built_once: tuple[World, GrowingHome, Lake, datetime],
        compiled: CompiledFeatures,
        tmp_path: Path,
    ) -> tuple[GrowingHome, Lake, datetime]:
        _, grown, lake, as_of = built_once
        return grown.copied(tmp_path / "home", compiled), lake, as_of

    def asked(self, grown: GrowingHome, as_of: datetime) -> set[str]:
        """The tables of which a build at this clock would make the newest rows alone."""
        state = read_home(grown.settings)
        assert state is not None
        write_home(grown.settings, replace(state, as_of=as_of))
        present = built_from(grown.platform, PLATFORM_PROJECT)
        return set(asked_from(grown.platform, PLATFORM_PROJECT, present))

    def test_none_of_these(self, built: tuple[GrowingHome, Lake, datetime]) -> None:
        grown, _, as_of = built
        assert self.asked(grown, as_of + DAY) == INCREMENTAL

    def test_it_was_forgotten(self, built: tuple[GrowingHome, Lake, datetime]) -> None:
        grown, _, as_of = built
        forget_build(grown.platform)
        assert self.asked(grown, as_of + DAY) == set()

    def test_the_clock_was_set_back(self, built: tuple[GrowingHome, Lake, datetime]) -> None:
        grown, _, as_of = built
        assert self.asked(grown, as_of - MOMENT) == set()

    def test_other_code(
        self, built: tuple[GrowingHome, Lake, datetime], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        grown, _, as_of = built
        monkeypatch.setattr(asked_features, "_code_version", lambda project: "other")
        assert self.asked(grown, as_of + DAY) == set()

    def test_another_sql_is_other_code(self, tmp_path: Path) -> None:
        folder = tmp_path / "project"
        copytree(PLATFORM_PROJECT.folder, folder, ignore=ignore_patterns("target", "logs"))
        project = replace(PLATFORM_PROJECT, folder=folder)
        before = asked_features._code_version(project)
        assert before == asked_features._code_version(PLATFORM_PROJECT)
        macro = folder / "macros" / "windows.sql"
        macro.write_text(macro.read_text() + " ")
        assert asked_features._code_version(project) != before

    @pytest.mark.parametrize(("read", "whole"), [("int_user_counts", True), ("int_moments", False)])
    def test_a_plug_in_reads_what_would_have_the_newest_rows_alone(
        self,
        read: str,
        whole: bool,
        built: tuple[GrowingHome, Lake, datetime],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        grown, _, _ = built
        model = tmp_path / "models" / "features" / "plugins" / "toys" / "toys.sql"
        model.parent.mkdir(parents=True)
        model.write_text(f"select row_id from {{{{ ref('{read}') }}}}")
        with monkeypatch.context() as same_code:
            code = asked_features._code_version(PLATFORM_PROJECT)
            same_code.setattr(asked_features, "_code_version", lambda project: code)
            project = replace(PLATFORM_PROJECT, folder=tmp_path)
            asked = asked_from(grown.platform, project, built_from(grown.platform, project))
        assert set(asked) == (set() if whole else INCREMENTAL)

    @pytest.mark.parametrize("harm", ["gone", "changed", "added to the list"])
    def test_a_part_is_not_what_was_published(
        self, harm: str, built: tuple[GrowingHome, Lake, datetime]
    ) -> None:
        grown, _, as_of = built
        folder = grown.settings.features / "step_features"
        part = feature_parts.parquet_files(folder)[0]
        if harm == "gone":
            part.unlink()
        elif harm == "changed":
            part.write_bytes(part.read_bytes()[:-1])
        else:
            listed = folder / feature_parts.PARTS_FILE
            listed.write_text(listed.read_text() + " ")
        assert self.asked(grown, as_of + DAY) == {"pattern_features"}

    def test_the_first_runs_of_workflows_change_the_labels_of_all_steps(
        self, compiled: CompiledFeatures, tmp_path: Path
    ) -> None:
        _, grown, lake, as_of = built_at_its_end("commits", tmp_path, compiled)
        late = {**lake, "workflow_executions": [run_at(as_of - MOMENT, user="a")]}
        assert set(grown.build(late, as_of + DAY)) == {"pattern_features"}
        assert grown.published() == from_scratch(tmp_path / "x", compiled, late, as_of + DAY)

    def test_a_build_that_was_killed_before_it_could_be_remembered(
        self, built: tuple[GrowingHome, Lake, datetime], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its tables may differ from those of the build before wherever its lake did."""
        grown, lake, as_of = built
        with monkeypatch.context() as killed:
            killed.setattr(build_features, "remember_build", lambda *_: None)
            grown.build({**lake, "events": lake["events"][len(lake["events"]) // 4 :]}, as_of)
        grown.take_in(lake, as_of)
        assert self.asked(grown, as_of) == set()

    def test_a_case_changes_the_labels_of_all_steps(
        self,
        built_once: tuple[World, GrowingHome, Lake, datetime],
        built: tuple[GrowingHome, Lake, datetime],
    ) -> None:
        world, (grown, lake, as_of) = built_once[0], built
        case = replace(world.events[-1], event_id="case", source="process-log:x", session_id="1")
        grown_lake = {**lake, "events": [*lake["events"], row_of(case)]}
        assert set(grown.build(grown_lake, as_of + DAY)) == {"pattern_features"}


def test_rows_of_which_the_parts_before_were_not_published_are_refused(
    compiled: CompiledFeatures, tmp_path: Path
) -> None:
    """The warehouse was built for the parts of another folder."""
    world, grown = World("commits", seed=8), GrowingHome(tmp_path / "home", compiled)
    as_of = world.events[-1].occurred_at
    grown.build(world.at(as_of), as_of)
    assert set(grown.build(world.at(as_of), as_of + DAY)) == INCREMENTAL
    with pytest.raises(IntegrityError, match=r"_features was built from 2026-.* ends then"):
        publish_features(tmp_path / "elsewhere", grown.settings.warehouse)


def test_the_sql_of_the_newest_rows_gives_all_rows_of_another_lake(
    compiled: CompiledFeatures, tmp_path: Path
) -> None:
    """The search for looks into the future runs it on lakes of its own."""
    world, grown = World("commits", seed=8), GrowingHome(tmp_path / "home", compiled)
    as_of = world.events[-1].occurred_at
    lake, settings = world.at(as_of), grown.settings
    for clock in (as_of, as_of + DAY):
        grown.build(lake, clock)
    known = [row for row in lake["events"] if row["occurred_at"] < as_of + DAY]
    features = compiled_features(settings.warehouse, settings.lake, "pattern_features")
    with rebuilt(features, settings.lake, tmp_path / "spilled") as connection:
        rows = connection.execute("select count(*) from features.pattern_features").fetchall()
    assert rows == [(len(known),)]
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        newest = connection.execute("select count(*) from features.pattern_features").fetchall()
    assert newest[0][0] < len(known)
