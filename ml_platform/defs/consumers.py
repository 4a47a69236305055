"""Who reads what a model answers: the assets behind its champion."""

from ml_platform.defs.own_assets import own_assets
from ml_platform.spec.model import ModelSpec


def consumers_of(spec: ModelSpec) -> tuple[str, ...]:
    """The assets of the platform that read the answers of a model, as Dagster names them."""
    own = (key.to_user_string() for definition in own_assets(spec) for key in definition.keys)
    return (f"{spec.name}/predictions", f"{spec.name}/monitoring_report", *own)
