"""`ml-platform up`: PostgreSQL, MLflow, Dagster's daemon and UI, the prediction service, until Ctrl-C."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from ml_platform.cli.options import home_option, open_home
from ml_platform.home import read_home
from ml_platform.settings import Settings

if TYPE_CHECKING:
    from ml_platform.adapters.processes import ServerProcess
    from ml_platform.adapters.services import Services

DAEMON = "dagster-daemon"
UI = "dagster-webserver"
SERVICE = "prediction-service"
_CHECK_SECONDS = 15.0
"""Seconds between two checks for runs whose process was killed; the queue waits that long at most."""
_RELOAD = """
mutation { reloadRepositoryLocation(repositoryLocationName: "ml_platform") { __typename } }
"""


@click.command()
@home_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Port of Dagster's UI.",
)
@click.option(
    "--service-port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port of the prediction service and its pages.",
)
def up(home: Path | None, port: int, service_port: int) -> None:
    """Open the UIs and the prediction service: Dagster, MLflow, the database behind them. Ctrl-C stops all.

    A server that ends by itself (or is killed) is started again. No process outlives this command,
    however it ends. A home has one at a time: two would run its schedules twice.
    """
    settings = open_home(home)
    stop = Stop()
    signal.signal(signal.SIGINT, stop.ask)
    signal.signal(signal.SIGTERM, stop.ask)
    from ml_platform.adapters.home_files import only_one

    with only_one(settings.home, "up", f"process {os.getpid()}, started for port {port}"):
        Supervisor(settings, port, service_port, stop).run()


class Stop:
    """Whether a signal has asked this process to end.

    It holds no lock, as `threading.Event` does: a second signal in the middle of the first one's handler, or of a
    wait, would wait for it for ever.
    """

    def __init__(self) -> None:
        self._asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal: from now on the process is to end."""
        self._asked = True

    def is_set(self) -> bool:
        """Whether the process is to end."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Return whether the process is to end, as soon as it is, and after ``seconds`` in any case."""
        until = time.monotonic() + seconds
        while not self._asked and time.monotonic() < until:
            time.sleep(0.05)
        return self._asked


class Supervisor:
    """Keeps the servers of a home (PostgreSQL, MLflow, Dagster's, predictions) running until it is stopped."""

    def __init__(self, settings: Settings, port: int, service_port: int, stop: Stop) -> None:
        self.settings = settings
        self.port = port
        self.service_port = service_port
        self.stop = stop
        self.dagster: dict[str, ServerProcess] = {}
        self.checked_at = 0.0
        self.first_window = self._first_window()

    def run(self) -> None:
        """Start all servers, print their addresses, restart what ends; at the end stop them in reverse order."""
        from ml_platform.adapters.services import start_services, stop_services

        services = start_services(self.settings)
        try:
            self._start_dagster(services)
            self._wait_for_ui()
            self._print_addresses(services)
            while not self.stop.wait(1.0):
                if services.ended():
                    click.echo(
                        f"{', '.join(services.ended())} ended; starting everything again", err=True
                    )
                    self._stop_dagster()
                    stop_services(services)
                    services = start_services(self.settings)
                    self._start_dagster(services)
                    self._wait_for_ui(again=True)
                    self._print_addresses(services)
                self._revive()
                if time.monotonic() - self.checked_at > _CHECK_SECONDS:
                    self._close_abandoned()
                self._follow_windows()
        finally:
            click.echo("stopping", err=True)
            self._stop_dagster()
            stop_services(services)

    def _print_addresses(self, services: "Services") -> None:
        if self.stop.is_set():
            return
        asks = "/?token=... (it asks for ML_PLATFORM_UI_TOKEN)" if self.settings.ui_token else ""
        click.echo(f"Dagster     http://127.0.0.1:{self.port}{asks}")
        click.echo(f"MLflow      {services.tracking_url}")
        if SERVICE in self.dagster:
            click.echo(f"Predictions http://127.0.0.1:{self.service_port}")
        click.echo(f"PostgreSQL  {services.urls.shown}")
        if self.first_window is None:
            click.echo("Nothing has been run in this home yet: `ml-platform run`")
        click.echo("Ctrl-C stops them all.")
        sys.stdout.flush()

    def _wait_for_ui(self, *, again: bool = False) -> None:
        """Wait until the UI answers; one that ends before is an error at the start, and started ``again`` later."""
        until = time.monotonic() + 120
        while time.monotonic() < until and not self.stop.wait(0.3):
            try:
                with urllib.request.urlopen(self._request("/server_info"), timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                if again:
                    self._revive()
                elif not self.dagster[UI].alive():
                    raise self.dagster[UI].failure("ended while it was starting") from None

    def _start_dagster(self, services: "Services") -> None:
        from ml_platform.adapters.home_files import remember_port
        from ml_platform.adapters.processes import free_port
        from ml_platform.application.connections import DAGSTER_UI
        from ml_platform.cli.instance import dagster_environment

        self.environment = {**os.environ, **dagster_environment(self.settings, services)}
        if services.tracking_address:
            self.environment["ML_PLATFORM_TRACKING_URL"] = services.tracking_address
        port = free_port(self.port)
        if port != self.port:
            click.echo(f"port {self.port} is taken; Dagster's UI is at {port}", err=True)
            self.port = port
        remember_port(self.settings.home, DAGSTER_UI, self.port)
        os.environ.update(self.environment)
        self._close_abandoned()
        self.first_window = self._first_window()
        for name in (UI, DAEMON):
            self._start(name)
        self._start_service()

    def _start_service(self) -> None:
        """Start the prediction service once there is something in the home that it could answer by."""
        from ml_platform.adapters.processes import free_port

        if SERVICE in self.dagster or self._first_window() is None:
            return
        port = free_port(self.service_port)
        if port != self.service_port:
            click.echo(f"port {self.service_port} is taken; predictions are at {port}", err=True)
            self.service_port = port
        self._start(SERVICE)

    def _start(self, name: str) -> None:
        from ml_platform.adapters.processes import start_server
        from ml_platform.resources import WORKSPACE

        guarded = ["-m", "ml_platform.cli.dagster_webserver"]
        commands: dict[str, list[str | Path]] = {
            UI: [sys.executable, *guarded, "--port", str(self.port), "--workspace", str(WORKSPACE)],
            DAEMON: [Path(sys.executable).with_name(DAEMON), "run", "-w", str(WORKSPACE)],
            SERVICE: [
                *(Path(sys.executable).with_name("ml-platform"), "serve"),
                *("--home", self.settings.home, "--port", str(self.service_port)),
            ],
        }
        self.dagster[name] = start_server(
            self.settings.home,
            name,
            commands[name],
            environment=self.environment,
            stop_signal=signal.SIGINT if name == DAEMON else signal.SIGTERM,
            grace=15.0 if name == SERVICE else 8.0,
            cwd=self.settings.home,
        )

    def _revive(self) -> None:
        for name, process in list(self.dagster.items()):
            if not process.alive():
                click.echo(f"{name} ended; starting it again", err=True)
                self._start(name)

    def _close_abandoned(self) -> None:
        """Close the runs whose process was killed, before this start or since the last check."""
        import dagster as dg
        from dagster_postgres.utils import DagsterPostgresException
        from sqlalchemy.exc import SQLAlchemyError

        from ml_platform.cli.abandoned import close_abandoned

        self.checked_at = time.monotonic()
        try:
            with dg.DagsterInstance.from_config(str(self.settings.dagster)) as instance:
                for run_id in close_abandoned(instance):
                    click.echo(f"the process of run {run_id[:8]} was killed; closed", err=True)
        except (SQLAlchemyError, DagsterPostgresException) as error:
            # The database ended this moment; the supervisor starts it again, and checks again.
            click.echo(f"the runs were not checked: {str(error).splitlines()[0]}", err=True)

    def _first_window(self) -> datetime | None:
        state = read_home(self.settings)
        return state.first_window if state else None

    def _follow_windows(self) -> None:
        """Let the UI reload its partitions when a run has moved the first window (the daemon does each minute)."""
        first_window = self._first_window()
        if first_window == self.first_window:
            return
        if SERVICE not in self.dagster:
            self._start_service()
            click.echo(f"Predictions http://127.0.0.1:{self.service_port}")
        request = self._request("/graphql", {"query": _RELOAD})
        try:
            with urllib.request.urlopen(request, timeout=60):
                click.echo("the windows of the home have changed; definitions loaded", err=True)
                self.first_window = first_window
        except OSError as error:
            click.echo(f"{UI} is not ready for the new windows yet: {error}", err=True)

    def _request(self, path: str, body: dict[str, str] | None = None) -> urllib.request.Request:
        """A request to the guarded UI: a GET, or a POST of JSON."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.settings.ui_token is not None:
            headers["Authorization"] = f"Bearer {self.settings.ui_token}"
        return urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )

    def _stop_dagster(self) -> None:
        for process in self.dagster.values():
            process.stop()
        self.dagster = {}
