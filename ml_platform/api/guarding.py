"""The watch over rollouts, as the supervisor of the service repeats it."""

from datetime import UTC, datetime

from ml_platform.application.connections import Connections
from ml_platform.application.watch_rollouts import RolloutWatch
from ml_platform.errors import ServiceError
from ml_platform.settings import Settings


class Guarding:
    """Looks at the rollouts of a home whenever it is called; connects anew after the database was away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watch: RolloutWatch | None = None

    def __call__(self) -> None:
        """Look once.

        Raises:
            ServiceError: the database does not answer.
        """
        from ml_platform.adapters.plugins import installed_catalogue

        if self._watch is None:
            platform = Connections(self._settings)
            self._watch = RolloutWatch(platform, installed_catalogue().models)
        try:
            self._watch.look(datetime.now(UTC))
        except ServiceError:
            self._watch = None
            raise
