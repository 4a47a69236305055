"""All definitions of the platform, from the models it has and the windows of its home."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from ml_platform.adapters.plugins import home_project, warn_of
from ml_platform.defs.automation import (
    ingestion_schedule,
    mlflow_sensor,
    monitoring_schedule,
    notification_sensor,
)
from ml_platform.defs.events import lake, lake_checks
from ml_platform.defs.executor import side_by_side
from ml_platform.defs.features import feature_assets
from ml_platform.defs.missed_windows import catch_up_job, missed_windows_sensor
from ml_platform.defs.model_chain import training_chain, watching_chain
from ml_platform.defs.online_state import (
    equal_to_training,
    online_state,
    online_state_schedule,
    skew_schedule,
)
from ml_platform.defs.partitions import windows
from ml_platform.defs.platform import Platform
from ml_platform.defs.progress import progress_logger
from ml_platform.defs.records import RecordIOManager
from ml_platform.defs.retention import retention, retention_schedule
from ml_platform.defs.retraining import retraining_sensor
from ml_platform.defs.self_test import objective_holds, self_test_asset, self_test_schedule
from ml_platform.defs.versions import UnlockedPlatform, version_jobs
from ml_platform.gates.faults.catalogue import require_faults
from ml_platform.settings import read_settings
from ml_platform.spec.model import ModelSpec

EVENTS = dg.AssetSelection.assets(lake)


def build_definitions() -> dg.Definitions:
    """The definitions for the home that the environment names; called again when its clock has settled.

    Raises:
        IntegrityError: a gate of one of the models has no fault.
    """
    settings = read_settings()
    parsed = home_project(settings)
    models = parsed.catalogue.models
    warn_of(parsed.catalogue.refusals)
    require_faults(models)
    grid = windows()
    all_features = feature_assets(parsed)
    features = dg.AssetSelection.assets(*all_features)
    training = {spec.name: training_chain(spec) for spec in models}
    watching = {spec.name: watching_chain(spec, grid) for spec in models}
    tested = self_test_asset(models)
    all_training = [asset for chain in training.values() for asset in chain]
    all_watching = [asset for chain in watching.values() for asset in chain]
    refresh = dg.define_asset_job(
        "refresh",
        EVENTS | features,
        description="A live source into the lake, and features from it.",
    )
    caught_up = catch_up_job(models)
    jobs = [
        refresh,
        caught_up,
        *_shared_jobs(
            features,
            dg.AssetSelection.assets(*all_training),
            dg.AssetSelection.assets(*all_watching),
        ),
        _self_test_job(tested),
        *(_training_job(spec, training[spec.name]) for spec in models),
        *version_jobs(),
    ]
    return dg.Definitions(
        assets=[
            lake,
            *all_features,
            *all_training,
            *all_watching,
            tested,
            online_state,
            retention,
        ],
        asset_checks=[lake_checks, equal_to_training, objective_holds],
        jobs=jobs,
        schedules=[
            ingestion_schedule("refresh"),
            monitoring_schedule("six_hourly"),
            online_state_schedule,
            skew_schedule,
            retention_schedule,
            self_test_schedule,
        ],
        sensors=[
            mlflow_sensor(models),
            notification_sensor(),
            missed_windows_sensor(
                [spec.name for spec in models], (caught_up, refresh), settings.look_every
            ),
            *(
                retraining_sensor(spec, f"train_{spec.name}", settings.look_every)
                for spec in models
            ),
        ],
        resources={
            "platform": Platform(),
            "unlocked": UnlockedPlatform(),
            "records": RecordIOManager(),
        },
        loggers={"progress": progress_logger, "console": dg.colored_console_logger},
        executor=side_by_side,
    )


def _shared_jobs(
    features: dg.AssetSelection,
    training: dg.AssetSelection,
    watching: dg.AssetSelection,
) -> Iterator[Any]:
    """The jobs that run for all models together."""
    yield dg.define_asset_job(
        "ingestion", EVENTS, description="The source into the lake, with its checks."
    )
    yield dg.define_asset_job(
        "pipeline",
        features | training,
        description="Features to gated champions, for every model.",
    )
    yield dg.define_asset_job(
        "monitoring",
        watching,
        description="Predictions and the monitoring report of one six-hour window, for every model.",
    )
    yield dg.define_asset_job(
        "train_and_watch",
        features | training | watching,
        description="Features to gated champions, and the report of one six-hour window, for every model.",
    )
    yield dg.define_asset_job(
        "keep_online_state",
        dg.AssetSelection.assets(online_state).without_checks(),
        description="The state that features of now look back on, up to date with the lake, and its snapshot.",
    )
    yield dg.define_asset_job(
        "compare_online_features",
        dg.AssetSelection.checks(equal_to_training),
        description="Features of now beside those of training, to the bit.",
    )
    yield dg.define_asset_job(
        "remove_expired",
        dg.AssetSelection.assets(retention),
        description="What is past its days and what nothing needs; removed with `apply`.",
    )
    yield dg.define_asset_job(
        "six_hourly",
        EVENTS | features | watching,
        description="The newest events, features from them, and the report of the window that ended.",
    )


def _self_test_job(tested: dg.AssetsDefinition) -> Any:
    return dg.define_asset_job(
        "test_monitoring",
        dg.AssetSelection.assets(tested),
        description="False incidents and planted shifts in the past weeks of the home, with its check.",
    )


def _training_job(spec: ModelSpec, chain: Sequence[dg.AssetsDefinition]) -> Any:
    return dg.define_asset_job(
        f"train_{spec.name}",
        dg.AssetSelection.assets(*chain),
        description=f"A new candidate of the {spec.title}, evaluated and, if it earns it, promoted.",
    )
