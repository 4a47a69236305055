"""The processes of the service, as they are started: nothing that takes long to import stands here.

They are forked from one process that imports what they share while the supervisor is still starting itself.
"""

import multiprocessing
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

from ml_platform.adapters.serving.asked_marks import ASKED
from ml_platform.api.options import SHARED_COUNTS, WorkerOptions

_IMPORTED = ["ml_platform.api.worker", "ml_platform.models.one_row", "uvicorn"]


def begin_importing(folder: Path) -> ForkServerContext:
    """Let another process import what workers share, meanwhile; it is what they are forked from.

    Args:
        folder: Where the state of the service lies; the counts that workers share, and what is known of versions
            that end processes, begin anew in it.
    """
    shutil.rmtree(folder / ASKED, ignore_errors=True)
    counts = folder / "metrics"
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True, mode=0o700)
    os.environ[SHARED_COUNTS] = str(counts)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    forkserver.ensure_running()
    return context


def worker(options: WorkerOptions, listening: socket.socket) -> None:
    """Answer requests."""
    from ml_platform.api.worker import run_worker

    run_worker(options, listening)


def shadow(options: WorkerOptions) -> None:
    """Answer in shadow."""
    from ml_platform.api.shadow import run_shadow

    run_shadow(options)


def features(options: WorkerOptions) -> None:
    """Know features as of now."""
    from ml_platform.api.features import run_features

    run_features(options)


BESIDE_THE_WORKERS: Mapping[str, Callable[[WorkerOptions], None]] = {
    "shadow": shadow,
    "features": features,
}
