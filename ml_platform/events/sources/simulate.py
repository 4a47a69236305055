"""The source ``simulate``: SIMULATED telemetry, of any size, with a known truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.values import fingerprint

if TYPE_CHECKING:
    from ml_platform.events.simulator.parameters import PlantedEffects
    from ml_platform.events.simulator.simulate import Simulation


@dataclass(frozen=True, kw_only=True)
class SimulateSource:
    """Simulated events that end at ``as_of`` and start ``days`` before.

    ``users``: None takes the default of the parameter set. Equal values give equal tables.

    Raises:
        SourceError: days or users below 1, a negative seed, a naive time, an unknown parameter set.
    """

    as_of: datetime
    days: int = 90
    users: int | None = None
    seed: int = 0
    parameters: Literal["default", "second"] = "default"
    planted: "PlantedEffects | None" = None
    """Defects on purpose; None: a quiet, stationary simulation."""

    simulated = True
    live = True

    def __post_init__(self) -> None:
        from ml_platform.events.simulator.parameters import PARAMETER_SETS

        for field, value, least in (
            ("days", self.days, 1),
            ("users", self.users, 1),
            ("seed", self.seed, 0),
        ):
            if value is not None and value < least:
                raise SourceError(
                    f"Simulation with {field}={value}, below {least}.",
                    remedy=f"Give {field} as a whole number of at least {least}.",
                )
        if self.as_of.tzinfo is None:
            raise SourceError(
                f"Simulation with as_of={self.as_of.isoformat()}, which has no time zone.",
                remedy="Give as_of with its zone, such as 2026-01-31T12:00:00+00:00.",
            )
        if self.parameters not in PARAMETER_SETS:
            raise SourceError(
                f"Simulation with parameters={self.parameters!r}.",
                remedy=f"Take one of: {', '.join(PARAMETER_SETS)}.",
            )

    @property
    def name(self) -> str:
        """Kind, parameter set, size and seed."""
        return self._simulation().name

    def content(self) -> str:
        """See `WithContent.content`: the parameters decide every row."""
        planted = repr(self.planted)
        return fingerprint(
            (self.as_of, self.days, self.users or 0, self.seed, self.parameters, planted)
        )

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """All five tables, block of users by block of users, `BATCH_ROWS` rows at a time."""
        from ml_platform.events.simulator.simulate import tables

        for name, rows in tables(self._simulation()):
            for first in range(0, rows.num_rows, BATCH_ROWS):
                yield name, rows.slice(first, BATCH_ROWS)

    def _simulation(self) -> "Simulation":
        from ml_platform.events.simulator.parameters import NOTHING_PLANTED, PARAMETER_SETS
        from ml_platform.events.simulator.simulate import Simulation

        return Simulation(
            as_of=self.as_of,
            days=self.days,
            users=self.users,
            seed=self.seed,
            parameters=PARAMETER_SETS[self.parameters],
            planted=self.planted or NOTHING_PLANTED,
        )
