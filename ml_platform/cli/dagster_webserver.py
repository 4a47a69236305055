"""Dagster's UI behind the guard: the server that `ml-platform up` starts, ``python -m`` this module.

It serves the application of the command ``dagster-webserver`` on the instance of ``DAGSTER_HOME``.
"""

import argparse
from collections.abc import Sequence

from ml_platform.adapters.page_guard import PageGuard, own_hosts
from ml_platform.settings import disable_telemetry, read_settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="dagster-webserver")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", required=True)
    options = parser.parse_args(arguments)
    disable_telemetry()
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    settings = read_settings()
    target = WorkspaceFileTarget(paths=[options.workspace])
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, target, version=__version__) as workspace,
    ):
        instance.optimize_for_webserver(
            statement_timeout=15_000, pool_recycle=3_600, max_overflow=20
        )
        application = create_app_from_workspace_process_context(
            workspace, live_data_poll_rate=2_000
        )
        guarded = PageGuard(
            application, own_hosts(options.port, settings.ui_hosts), settings.ui_token
        )
        uvicorn.run(guarded, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
