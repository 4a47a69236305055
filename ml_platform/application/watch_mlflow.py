"""MLflow watched from a sensor: looked at only while it answers, so that nothing waits for it or starts it."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.mirror import mirror
from ml_platform.application.projection import Repair
from ml_platform.errors import ServiceError

_SECONDS = 30.0
"""After them no further model is looked at: a sensor has a minute."""


@dataclass(frozen=True)
class Watch:
    """What one look at MLflow has come to."""

    repairs: tuple[Repair, ...]
    fault: str = ""
    """Why MLflow could not be looked at, or put right."""

    def __str__(self) -> str:
        if self.fault:
            return self.fault
        return "; ".join(map(str, self.repairs)) or "MLflow shows what the ledger says"


def watch_mlflow(platform: Connections, *, thorough: bool) -> Watch:
    """Put right what MLflow shows, if it answers at once."""
    from ml_platform.adapters.mlflow_server import answers, running_address

    address = platform.settings.tracking_url or running_address(platform.settings.home)
    if address is None or not answers(address):
        return Watch((), "MLflow does not answer; it is looked at again when it does")
    try:
        return Watch(mirror(platform, thorough=thorough, seconds=_SECONDS))
    except ServiceError as error:
        return Watch((), str(error))
