"""`ml-platform online`: the state that features of now look back on, brought up to date and kept."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import home_option, json_option, open_home, print_json, require_home


@click.command()
@home_option
@json_option
def online(home: Path | None, as_json: bool) -> int:
    """Bring the online state up to date with the lake, and keep a snapshot of it.

    A process that answers for features as of now starts from the snapshot. What is new in the lake since it was
    kept is told; without one that can be gone on from the whole lake is read.
    """
    settings = open_home(home)
    from ml_platform.application.online_state import OnlineState

    require_home(settings)
    begin = time.perf_counter()
    state = OnlineState(settings)
    found = state.catch_up(_tell_each_tenth())
    caught_up = time.perf_counter()
    size = state.keep()
    kept = time.perf_counter()
    seconds, writing = caught_up - begin, kept - caught_up
    if as_json:
        took = {"seconds": seconds, "snapshot_bytes": size, "snapshot_seconds": writing}
        moment = found.newest.isoformat() if found.newest else None
        print_json({**asdict(found), "newest": moment, **took})
        return 0
    began = "went on from the snapshot" if found.from_snapshot else f"read everything: {found.why}"
    newest = f", the newest event of {found.newest:%Y-%m-%d %H:%M} UTC" if found.newest else ""
    click.echo(f"{began}; {found.told:,} told from {found.days:,} files in {seconds:.1f} s{newest}")
    click.echo(f"kept a snapshot of {size / 1e6:,.1f} MB in {writing:.1f} s")
    return 0


def _tell_each_tenth() -> Callable[[float], None]:
    """Says on standard error how much of the lake has been read, each time that another tenth is."""
    told = 0

    def tell(share: float) -> None:
        nonlocal told
        if int(share * 10) > told:
            told = int(share * 10)
            click.echo(f"{told * 10} % of what is new in the lake", err=True)

    return tell
