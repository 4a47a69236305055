"""`ml-platform serve`: the prediction service, until Ctrl-C."""

import logging
import os
import signal
import sys
from pathlib import Path

import click

from ml_platform.cli.options import home_option, open_home, require_home
from ml_platform.cli.up import Stop
from ml_platform.settings import Settings


@click.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
)
@click.option(
    "--rate",
    type=click.FloatRange(1),
    default=1_000.0,
    show_default=True,
    help="Requests a second that one key may make; for a moment twice as many.",
)
@click.option(
    "--guard-every",
    type=click.FloatRange(0.1, 120),
    default=15.0,
    show_default=True,
    help="Seconds between looks of the guard of rollouts.",
)
def serve(
    home: Path | None, host: str, port: int, workers: int, rate: float, guard_every: float
) -> None:
    """Answer predictions by what is in production, until Ctrl-C.

    A worker that ends is replaced; what is in production is followed within two seconds. Every answer is logged
    before it leaves. A key to ask with: `ml-platform keys create`.
    """
    settings = open_home(home)
    require_home(settings)
    stop = Stop()
    signal.signal(signal.SIGINT, stop.ask)
    signal.signal(signal.SIGTERM, stop.ask)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    from ml_platform.adapters.home_files import only_one, remember_port
    from ml_platform.api.processes import begin_importing

    with only_one(settings.home, "serve", f"process {os.getpid()}, started for port {port}"):
        context = begin_importing(settings.serving)
        from ml_platform.api.supervisor import ServeOptions, Supervisor
        from ml_platform.application.connections import SERVICE

        click.echo(f"Predictions http://{host}:{port}")
        click.echo(f"A key       ml-platform keys create --user YOU{settings.home_option}")
        click.echo("Ctrl-C stops it.")
        sys.stdout.flush()
        remember_port(settings.home, SERVICE, port)
        Supervisor(
            settings,
            ServeOptions(host, port, workers, rate, 2 * rate, guard_every),
            lambda: _database(settings),
            stop.is_set,
            context,
        ).run()


def _database(settings: Settings) -> str:
    from ml_platform.adapters.services import running_services

    return running_services(settings).urls.ml_platform
