"""The declaration that all assets of a model's chain share: key, owner, inputs, and the store of their records."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from ml_platform.defs.code_versions import step_code_version
from ml_platform.spec.model import ModelSpec

_OWNER = "team:ml"
_PRIORITY = "dagster/priority"
"""The tag by which Dagster starts the more important steps first."""


def model_asset(
    spec: ModelSpec,
    name: str,
    *,
    group: str,
    kinds: set[str],
    description: str,
    reads: Mapping[str, str] | None = None,
    leaves_record: bool = True,
    **options: Any,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator that makes a function the asset ``<model>/<name>``.

    Args:
        spec: The model.
        name: The asset within the chain of the model.
        group: The stage.
        kinds: The tags that Dagster shows on the asset.
        description: One or two sentences for people.
        reads: The asset of the same chain whose record each parameter of the function gets, by parameter.
        leaves_record: Whether the asset returns a record, which the next assets read.
        options: Further arguments of `dagster.asset`.
    """
    decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        key=[spec.name, name],
        group_name=group,
        kinds=kinds,
        owners=[_OWNER],
        ins={parameter: dg.AssetIn([spec.name, read]) for parameter, read in (reads or {}).items()},
        io_manager_key="records" if leaves_record else None,
        description=description,
        code_version=step_code_version(spec, name),
        op_tags={_PRIORITY: str(spec.effort)},
        **options,
    )
    return decorator
