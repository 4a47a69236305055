"""The Dagster resource that gives assets their connections to the outside."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.settings import read_settings


class Platform(dg.ConfigurableResource[Connections]):
    """Gives assets their `Connections`, to the home that the environment names."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Connections]:
        """Give the connections, not opened yet. A run waits for the home's lock and holds it to its end."""
        from ml_platform.adapters.home_files import at_work

        settings, log = read_settings(), context.log
        if context.run is None or log is None:  # a schedule or a sensor, which only looks
            yield Connections(settings)
            return
        with at_work(settings.home, waiting=log.info):
            yield Connections(settings)
