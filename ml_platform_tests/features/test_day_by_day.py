"""Built day by day, whatever came late, the published features are those of a build from scratch, byte for byte."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns
from typing import Any

import duckdb
import pytest

from ml_platform.adapters import feature_parts
from ml_platform.adapters.compiled_features import compiled_features, rebuilt
from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.warehouse import publish_features
from ml_platform.application import asked_features
from ml_platform.application.asked_features import asked_from, built_from, forget_build
from ml_platform.errors import IntegrityError
from ml_platform.home import read_home, write_home
from ml_platform_tests.features.compiled_features import CompiledFeatures, compile_features
from ml_platform_tests.features.day_by_day import GrowingHome, Lake
from ml_platform_tests.features.lakes import START, random_events
from ml_platform_tests.features.pattern_oracle import Event

Row = dict[str, Any]
HOUR, DAY, MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
INCREMENTAL = {"pattern_features", "step_features"}
MONTH = 30 * 86_400_000_000


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledFeatures:
    return compile_features(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_parts, "PART_ROWS", 12)


def row_of(event: Event) -> Row:
    return asdict(event) | {"received_at": event.occurred_at}


def telemetry(seed: int) -> list[Event]:
    return random_events(seed, change_sets=130)


def commits(seed: int) -> list[Event]:
    return [replace(event, session_id=None, source="git") for event in telemetry(seed)]


def process_log(seed: int) -> list[Event]:
    """Half of the change sets are steps of a few cases, which go on for weeks."""
    events = telemetry(seed)
    return [
        replace(
            event,
            source="process-log:log.csv",
            session_id=f"case{int(event.change_set_id[1:]) % 5}",
        )
        if int(event.change_set_id[1:]) % 2
        else event
        for event in events
    ]


WORLDS: dict[str, Callable[[int], list[Event]]] = {
    "telemetry": telemetry,
    "commits": commits,
    "process log": process_log,
}


class World:
    """Rows, each with the moment at which it came in, and what of it came in later."""

    def __init__(self, kind: str, seed: int) -> None:
        self._draw = Random(1)
        self.events = WORLDS[kind](seed)
        self._rows: list[tuple[datetime, str, str, Row]] = []
        for event in self.events:
            self._add(event.occurred_at, "events", "event_id", row_of(event), "workflow_category")
        if kind != "commits":
            for number, event in enumerate(self._draw.sample(self.events, 60)):
                self._add_offer_and_run(number, event)
        if kind == "telemetry":
            self._add_reports()

    def at(self, moment: datetime) -> Lake:
        """The lake as it was at a moment: of each row what had come in by then."""
        tables: dict[str, dict[str, Row]] = {}
        for came_in, table, key, row in sorted(self._rows, key=lambda each: each[0]):
            if came_in <= moment:
                tables.setdefault(table, {})[row[key]] = row
        return {table: list(rows.values()) for table, rows in tables.items()}

    def _add(self, moment: datetime, table: str, key: str, row: Row, *later: str) -> None:
        """A row in ten comes in days late, and what is known ``later`` up to weeks."""
        late = self._draw.choice((0, 0, 0, 0, 0, 0, 0, 0, 0, 3)) * DAY
        after = self._draw.choice((HOUR, DAY, 2 * DAY, 20 * DAY))
        self._rows.append((moment + late, table, key, row | dict.fromkeys(later)))
        self._rows.append((moment + late + after, table, key, row))

    def _add_offer_and_run(self, number: int, event: Event) -> None:
        draw = self._draw
        start = event.occurred_at + draw.choice((-HOUR, -MOMENT, 0 * HOUR, MOMENT, HOUR / 2, HOUR))
        common = {
            "user_id": event.user_id,
            "workflow_id": draw.choice("vw"),
            "source": event.source,
            "received_at": start,
        }
        run = common | {
            "execution_id": f"x{number}",
            "started_at": start,
            "finished_at": start + HOUR,
            "status": draw.choice(("success", "failure")),
            "trigger": draw.choice(("manual", "event", "schedule")),
        }
        self._add(start, "workflow_executions", "execution_id", run, "finished_at")
        offer = common | {
            "suggestion_id": f"s{number}",
            "shown_at": start,
            "outcome": draw.choice(("accepted", "ignored")),
            "outcome_at": start + draw.choice((HOUR, 20 * DAY)),
        }
        self._add(start, "suggestions", "suggestion_id", offer, "outcome", "outcome_at")

    def _add_reports(self) -> None:
        named = [event for event in self.events if event.session_id]
        for number, event in enumerate(self._draw.sample(named, 12)):
            report = {
                "anomaly_id": f"r{number}",
                "session_id": event.session_id,
                "user_id": event.user_id,
                "occurred_at": event.occurred_at,
                "received_at": event.occurred_at,
                "source": event.source,
                "kind": "odd",
            }
            self._add(event.occurred_at, "known_anomalies", "anomaly_id", report)


def from_scratch(
    folder: Path, compiled: CompiledFeatures, lake: Lake, as_of: datetime
) -> dict[str, bytes]:
    scratch = GrowingHome(folder, compiled)
    assert scratch.build(lake, as_of) == {}
    return scratch.published()


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
        scratch = from_scratch(tmp_path / str(number), compiled, world.at(as_of), as_of)
        assert grown.published() == scratch, (as_of, asked)
    assert incremental == (INCREMENTAL if kind != "process log" else {"pattern_features"})


class TestReaches:
    """A lake in which everything lies exactly at the end of what a row looks at."""

    midnight = START + 60 * DAY

    def steps(self, *moments: datetime, user: str = "u") -> list[Row]:
        return [
            row_of(
                Event(
                    f"{user}{moment:%m%d%H%M%S%f}",
                    user,
                    moment,
                    f"{user}{moment:%m%d%H%M%S%f}",
                    "editor",
                    "M",
                    object_path="src/app/a.py",
                )
            )
            for moment in moments
        ]

    def run(self, moment: datetime, user: str = "u") -> Row:
        return {
            "execution_id": f"x{moment:%m%d%H%M%S%f}",
            "workflow_id": "w",
            "user_id": user,
            "source": "test",
            "started_at": moment,
            "received_at": moment,
            "trigger": "manual",
            "status": "success",
        }

    def grown_as_scratch(
        self, folder: Path, compiled: CompiledFeatures, *lakes: tuple[Lake, datetime]
    ) -> bool:
        """Whether a home that was built of each of the lakes in turn has the bytes of a build of the last one."""
        home = GrowingHome(folder / "grown", compiled)
        for lake, as_of in lakes:
            asked = home.build(lake, as_of)
        assert asked, "the last build was one of everything"
        return home.published() == from_scratch(folder / "scratch", compiled, *lakes[-1])

    @pytest.mark.parametrize("cut", [None, "int_user_counts", "int_place_counts"])
    def test_counts_look_back_on_a_month_and_not_a_microsecond_less(
        self, cut: str | None, compiled: CompiledFeatures, tmp_path: Path
    ) -> None:
        filler = [self.midnight - (20 - n) * HOUR for n in range(20)]
        before = self.steps(self.midnight - 30 * DAY) + self.steps(*filler, user="v")
        after = before + self.steps(self.midnight)
        clock = self.midnight + HOUR
        if cut:
            compiled = compiled.edited(cut, f"*/ - {MONTH}", f"*/ - {MONTH - 1}")
        lakes = ({"events": before}, self.midnight), ({"events": after}, clock)
        assert self.grown_as_scratch(tmp_path, compiled, *lakes) == (cut is None)

    @pytest.mark.parametrize("cut", [False, True])
    def test_steps_look_back_on_a_run_99_steps_ago(
        self, cut: bool, compiled: CompiledFeatures, tmp_path: Path
    ) -> None:
        asked = self.midnight - DAY
        past = [asked - (150 - n) * HOUR / 10 for n in range(150)]
        runs = [self.run(past[-99] + MOMENT), self.run(past[3])]
        before = {"events": self.steps(*past, asked), "workflow_executions": runs}
        after = before | {"events": self.steps(*past, asked, self.midnight)}
        if cut:
            compiled = compiled.edited("step_features", "first_place - 100", "first_place - 99")
        lakes = (before, self.midnight), (after, self.midnight + HOUR)
        assert self.grown_as_scratch(tmp_path, compiled, *lakes) != cut

    @pytest.mark.parametrize("cut", [False, True])
    def test_the_label_of_a_step_looks_ahead_on_three_steps_half_an_hour_apart(
        self,
        cut: bool,
        compiled: CompiledFeatures,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The step is the last of its day; the third after it comes at the clock of the first build."""
        step, pause = self.midnight - MOMENT, timedelta(minutes=30)
        filler = [self.midnight - 5 * DAY + n * HOUR for n in range(24)]
        last_day = [self.midnight - (20 - n) * HOUR for n in range(14)]
        stretch = [step + n * pause for n in range(4)]
        lake = {
            "events": self.steps(*filler, *last_day, *stretch),
            "workflow_executions": [self.run(filler[0])],
        }
        if cut:
            reach = asked_features.STEP_REACH - MOMENT
            monkeypatch.setattr(asked_features, "STEP_REACH", reach)
        lakes = (lake, stretch[-1]), (lake, self.midnight + DAY)
        assert self.grown_as_scratch(tmp_path, compiled, *lakes) != cut


class TestWholeBuilds:
    """What makes a build one of everything; each home has features of which parts would else stay."""

    @pytest.fixture
    def built(
        self, compiled: CompiledFeatures, tmp_path: Path
    ) -> tuple[GrowingHome, Lake, datetime]:
        world, grown = World("telemetry", seed=8), GrowingHome(tmp_path / "home", compiled)
        as_of = world.events[-1].occurred_at
        grown.build(world.at(as_of), as_of)
        return grown, world.at(as_of), as_of

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
        world, grown = World("commits", seed=8), GrowingHome(tmp_path / "home", compiled)
        as_of = world.events[-1].occurred_at
        lake = world.at(as_of)
        grown.build(lake, as_of)
        late = {**lake, "workflow_executions": [TestReaches().run(as_of - MOMENT, user="a")]}
        assert set(grown.build(late, as_of + DAY)) == {"pattern_features"}
        assert grown.published() == from_scratch(tmp_path / "x", compiled, late, as_of + DAY)

    def test_a_case_changes_the_labels_of_all_steps(
        self, compiled: CompiledFeatures, tmp_path: Path
    ) -> None:
        world, grown = World("telemetry", seed=8), GrowingHome(tmp_path / "home", compiled)
        as_of = world.events[-1].occurred_at
        lake = world.at(as_of)
        grown.build(lake, as_of)
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
