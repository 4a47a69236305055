"""The loop closes unattended: Dagster's daemon, the service, users who ask over HTTP, a clock set forward."""

import logging
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import httpx
import psutil
import pytest

from ml_platform import resources
from ml_platform.adapters.processes import free_port
from ml_platform.adapters.services import services
from ml_platform.application.connections import Connections
from ml_platform.application.incidents import list_incidents
from ml_platform.application.monitor import monitor_window
from ml_platform.application.predict import feature_rows, predict_window
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.cli.instance import dagster_environment, dagster_instance, run_job
from ml_platform.clock import WINDOW
from ml_platform.defs.home_storage import DATABASE_VARIABLE
from ml_platform.defs.missed_windows import CATCH_UP
from ml_platform.home import HomeState, SourceChoice, read_home, write_home
from ml_platform.models.sequence_ngram import SPEC
from ml_platform.monitoring.report import Light, MonitoringReport, Performance
from ml_platform.registry.records import Action
from ml_platform.registry.rollout.policy import Newer, RampStep
from ml_platform.serving.keys import Scope, new_key
from ml_platform.settings import Settings, read_settings
from ml_platform_tests.end_to_end.command import COMMAND, environment
from ml_platform_tests.end_to_end.loop_events import USERS, write_events

pytestmark = [
    pytest.mark.timeout(2400),
    pytest.mark.filterwarnings(
        "ignore:.*currently in beta"
    ),  # of Dagster, in the process of the test
]

MODEL = SPEC.name
DAY = timedelta(days=1)
START = datetime(2026, 5, 4, tzinfo=UTC)
FIRST = START + 14 * DAY
"""The end of the events that the first version is trained on."""
CHANGED = FIRST + 3 * DAY
"""Three busy days after the habits of everybody have changed."""
LATER = CHANGED + 7 * DAY + WINDOW
"""When a window holds none of the rows that the second version was evaluated on."""
LOST = LATER + 2 * DAY + 3 * WINDOW
"""Two days after everything has become a matter of chance, which no training helps."""
A_DAY_ON = LOST + DAY + WINDOW
HABITS = [((1, 3), 1)] * 14 + [((2, 5), 3)] * 3 + [((2, 5), 1)] * 8 + [((), 1)] * 4
POLICY = """preset = "mission"

[sequence_ngram]
minimum_test_clusters = 50

[sequence_ngram.calibration]
decides = false

[sequence_ngram.fair_equal_opportunity_difference]
decides = false
"""
"""Sixty users are too few for these gates; all others decide."""
STEPS = (RampStep(0.0, 100, 0.0), RampStep(0.5, 100, 0.0), RampStep(1.0, 100, 0.0))
_LOG = logging.getLogger(__name__)
DAEMON = Path(sys.executable).with_name("dagster-daemon")


@dataclass
class Loop:
    """A home with its daemon and its service."""

    settings: Settings
    platform: Connections
    instance: dg.DagsterInstance
    address: str
    key: str
    folder: Path

    def set_clock(self, at: datetime) -> None:
        state = read_home(self.settings)
        assert state is not None
        write_home(self.settings, replace(state, as_of=at))

    def report(self, end: datetime) -> MonitoringReport | None:
        """The report of the window that ends then, if there is one."""
        newest = self.platform.ledger.monitoring_reports(MODEL, limit=1)
        return newest[0] if newest and newest[0].window_end == end else None

    def runs(self, job: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(job_name=job)))

    def rests(self) -> bool:
        """Whether no run waits or is at work."""
        return all(run.is_finished for run in self.instance.get_runs())

    def happened(self, action: Action) -> int:
        return sum(event.action is action for event in self.platform.ledger.events(MODEL))

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 400.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                log = (self.folder / "daemon.log").read_text()[-3_000:]
                raise AssertionError(f"not within {seconds:g} s: {what}\n{log}")
            time.sleep(0.3)
        _LOG.info("%s: %.0f s", what, time.monotonic() - until + seconds)


@dataclass
class Asking:
    """Users who ask one after the other, as long as the block lasts."""

    loop: Loop
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    """Status, version and arm."""

    @property
    def by(self) -> set[tuple[str, str]]:
        """The versions and arms that have answered."""
        return {(version, arm) for _, version, arm in self.answers}

    def __enter__(self) -> "Asking":
        rows = feature_rows(self.loop.platform, SPEC, CHANGED - DAY, CHANGED)
        columns = rows[[*SPEC.features]]
        self._rows = [
            {name: [*value] if name in ("steps", "gaps") else value for name, value in row.items()}
            for row in columns.to_dict("records")
        ]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        headers = {"Authorization": f"Bearer {self.loop.key}"}
        with httpx.Client(base_url=self.loop.address, headers=headers, timeout=60) as http:
            while not self._ended.is_set():
                number = len(self.answers)
                body = {
                    "model": MODEL,
                    "user_id": USERS[number % len(USERS)],
                    "row_id": f"asked {number}",
                    "features": self._rows[number % len(self._rows)],
                }
                response = http.post("/api/ml/predict", json=body)
                answer = response.json() if response.status_code == 200 else {}
                self.answers.append(
                    (response.status_code, answer.get("version", ""), answer.get("arm", ""))
                )


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    """A home with a version in production, trained and watched once, whose features reach to the last event."""
    write_events(tmp_path / "events", START, HABITS)
    home = tmp_path / "home"
    for name, value in (
        ("ML_PLATFORM_HOME", str(home)),
        ("ML_PLATFORM_LOOK_EVERY", "1"),
        ("DAGSTER_HOME", ""),
        (DATABASE_VARIABLE, ""),
    ):
        monkeypatch.setenv(name, value)
    home.mkdir(mode=0o755)
    settings = read_settings()
    source = SourceChoice(f"files:{tmp_path / 'events'}")
    write_home(settings, HomeState(source, A_DAY_ON, FIRST - WINDOW, settled=True))
    (home / "policy.toml").write_text(POLICY)
    with ExitStack() as stack:
        running = stack.enter_context(services(settings))
        instance = stack.enter_context(dagster_instance(settings, running))
        found = Loop(settings, Connections(settings), instance, "", "", tmp_path)
        run_job("refresh", instance, processes=1)
        found.set_clock(FIRST)
        run_job(f"train_{MODEL}", instance, processes=1)
        assert found.platform.ledger.production(MODEL).version == 1
        predict_window(found.platform, SPEC, FIRST, print)
        monitor_window(found.platform, SPEC, FIRST, print, with_drawing=False)
        set_rollout_policy(
            found.platform, "ramp", needs_approval=False, newer=Newer.SUPERSEDES, steps=STEPS
        )
        key, found.key = new_key(
            "ada", tuple(Scope), datetime.now(UTC), secrets.token_bytes, by="test"
        )
        found.platform.ledger.add_api_key(key)
        variables = {**environment(), **dagster_environment(settings, running)}
        variables["ML_PLATFORM_LOOK_EVERY"] = "1"
        stack.enter_context(
            started(found, "daemon", [DAEMON, "run", "-w", resources.WORKSPACE], variables)
        )
        port = free_port()
        found.address = f"http://127.0.0.1:{port}"
        serve = [COMMAND, "serve", "--home", home, "--port", port, "--guard-every", "0.5"]
        stack.enter_context(started(found, "serve", [*serve, "--rate", "100000"], environment()))
        found.wait(lambda: is_ready(found.address), "the service is ready")
        yield found


def is_ready(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/ready", timeout=5).status_code == 200
    return False


class started:  # noqa: N801
    """A process of the home, which ends with the block, and its children with it."""

    def __init__(
        self, loop: Loop, name: str, command: list[object], variables: dict[str, str]
    ) -> None:
        with (loop.folder / f"{name}.log").open("w") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                env=variables,
                cwd=loop.settings.home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._process.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def test_the_loop_closes_and_what_no_training_helps_is_handed_over(loop: Loop) -> None:
    loop.set_clock(CHANGED)
    loop.wait(lambda: loop.report(CHANGED), "the windows of the week are caught up")
    red = loop.report(CHANGED)
    assert red is not None
    assert (red.version, red.light, red.performance.level) == ("1", Light.RED, Performance.ALERT)
    assert red.action == "retrain_urgent"
    loop.wait(lambda: loop.happened(Action.SHADOWED), "a version is trained and its rollout begins")
    with Asking(loop) as asking:
        loop.wait(lambda: loop.platform.ledger.production(MODEL).version == 2, "promoted")
        loop.wait(lambda: ("2", "champion") in asking.by, "the champion answers")
    assert {status for status, _, _ in asking.answers} == {200}
    assert {("1", "champion"), ("2", "canary")} <= asking.by
    loop.set_clock(LATER)
    loop.wait(lambda: loop.report(LATER), "the windows of the week after are caught up")
    green = loop.report(LATER)
    assert green is not None
    assert (green.version, green.light, green.performance.level) == (
        "2",
        Light.GREEN,
        Performance.OK,
    )
    assert [
        each for each in list_incidents(loop.platform).incidents if each.kind == "performance"
    ] == []
    assert len(loop.runs(f"train_{MODEL}")) == 2, "the first one, and one for the cause"

    loop.set_clock(LOST)
    loop.wait(lambda: loop.report(LOST), "the windows of chance are caught up")
    loop.wait(lambda: len(loop.platform.ledger.versions(MODEL)) == 3, "a third version is trained")
    loop.set_clock(A_DAY_ON)
    loop.wait(lambda: loop.report(A_DAY_ON), "the windows of a day are caught up")
    loop.wait(loop.rests, "no run is at work")
    (incident,) = [
        each for each in list_incidents(loop.platform).incidents if each.kind == "performance"
    ]
    assert (incident.status, incident.severity) == ("a person has to look", "critical")
    assert len(loop.platform.ledger.retraining_requests(MODEL)) == 2
    assert len(loop.runs(f"train_{MODEL}")) == 3
    windows = [
        record.partition_key
        for record in loop.instance.fetch_materializations(
            dg.AssetKey([MODEL, "monitoring_report"]), limit=1_000
        ).records
    ]
    assert len(windows) == len(set(windows)), "a window was watched twice"
    assert {run.status for run in loop.runs(CATCH_UP)} == {dg.DagsterRunStatus.SUCCESS}
