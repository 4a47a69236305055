"""The factory: from one `ModelSpec` to the chain of its assets, checks and sensor."""

import dagster as dg

from ml_platform.defs.evaluation import evaluation_report_asset
from ml_platform.defs.models import candidate_asset
from ml_platform.defs.monitoring import monitoring_report_asset
from ml_platform.defs.own_assets import own_assets
from ml_platform.defs.prediction_log import predictions_asset
from ml_platform.defs.registry import champion_asset, registered_version_asset
from ml_platform.defs.training_sets import training_set_asset
from ml_platform.spec.model import ModelSpec


def training_chain(spec: ModelSpec) -> list[dg.AssetsDefinition]:
    """Training set to champion, in order, and what the model brings of its own."""
    return [
        training_set_asset(spec),
        candidate_asset(spec),
        evaluation_report_asset(spec),
        registered_version_asset(spec),
        champion_asset(spec),
        *own_assets(spec),
    ]


def watching_chain(
    spec: ModelSpec, windows: dg.TimeWindowPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Predictions and the monitoring report of each six-hour window."""
    return [predictions_asset(spec, windows), monitoring_report_asset(spec, windows)]
