"""A model whose data do not suffice says so, and the rest of the run goes on.

The asset that finds out leaves no output: what is downstream is skipped, the run succeeds, and the reason
stands on the asset as an observation and in the ledger, where `ml-platform run` and `status` read it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.insufficient import record_reason
from ml_platform.defs.materialisations import versions_behind
from ml_platform.errors import InsufficientData


def unless_insufficient(
    context: dg.AssetExecutionContext,
    platform: Connections,
    materialise: Callable[[], dg.MaterializeResult[Any]],
) -> Iterator[Any]:
    """The result of ``materialise``, or an observation with the reason where data do not suffice."""
    asset = context.asset_key.to_user_string()
    try:
        result = materialise()
    except InsufficientData as error:
        context.log.info(f"INSUFFICIENT: {error}")
        spec = context.assets_def.get_asset_spec(context.asset_key)
        present = versions_behind(context.instance, spec)
        record_reason(platform, asset, str(error), found_with=present)
        yield dg.AssetObservation(context.asset_key, metadata={"INSUFFICIENT": str(error)})
        return
    record_reason(platform, asset, "")
    yield result
