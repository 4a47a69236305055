"""A model whose data do not suffice says so, and the rest of the run goes on.

The asset that finds it out leaves no output: what is downstream is skipped, the run succeeds, the reason stands
on the asset as an observation and in the ledger, where `ml-platform run` and `status` read it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.errors import InsufficientData


def unless_insufficient(
    context: dg.AssetExecutionContext,
    platform: Connections,
    materialise: Callable[[], dg.MaterializeResult[Any]],
) -> Iterator[Any]:
    """What ``materialise`` gives; or, where data do not suffice, an observation with the reason."""
    key = f"insufficient/{context.asset_key.to_user_string()}"
    try:
        result = materialise()
    except InsufficientData as error:
        context.log.info(f"INSUFFICIENT: {error}")
        platform.ledger.set_state(key, {"reason": str(error)})
        yield dg.AssetObservation(context.asset_key, metadata={"INSUFFICIENT": str(error)})
        return
    platform.ledger.set_state(key, {"reason": ""})
    yield result


def reason(platform: Connections, model: str) -> str:
    """Why the model could not be trained in its last run; empty if it could."""
    for asset in ("training_set", "candidate"):
        stored = platform.ledger.state(f"insufficient/{model}/{asset}")
        if stored and stored["reason"]:
            return str(stored["reason"])
    return ""
