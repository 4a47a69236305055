"""Everything that a worker of the service follows: what answers for each model, and who may ask."""

from dataclasses import dataclass, field

from ml_platform.serving.keys import ApiKey
from ml_platform.serving.table import ServingTable


@dataclass(frozen=True)
class ServiceState:
    """What was read from the ledger at one moment; one file hands it to all workers."""

    table: ServingTable = field(default_factory=ServingTable)
    keys: tuple[ApiKey, ...] = ()
    database: str = field(default="", repr=False)
    """Where answers are logged, as libpq reads it; empty before the database was ever reached."""
    home: str = ""
    """The folder of the home that this is of: a copy of it elsewhere has another database."""
