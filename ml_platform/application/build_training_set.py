"""The training set of a model: labelled rows up to the home's clock, kept under their fingerprint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.application.build_features import feature_versions
from ml_platform.application.connections import Connections
from ml_platform.application.records import read_record, record_path
from ml_platform.errors import UsageError
from ml_platform.settings import Settings
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class BuiltTrainingSet:
    """A training set that was just built, and what its label looks like."""

    record: TrainingSetRecord
    label_is_number: bool
    label: dict[str, float]
    """The label in the test part: count, mean and quartiles of a number, else the share of each class or item."""


def build_training_set(
    platform: Connections, spec: ModelSpec, progress: Callable[[str], None]
) -> BuiltTrainingSet:
    """Build the training set of a model from the published features and keep its record in the ledger.

    The features behind it are searched for looks into the future; what is found counts at the gates.

    Raises:
        InsufficientData: too few labelled rows, or a history too short to split.
        IntegrityError: the features were never built in this home, or their SQL is gone, so that they cannot
            be searched.
    """
    from ml_platform.adapters.training_set_files import build_training_set as build
    from ml_platform.application.search_future import keep_search, search_future

    state = platform.home
    versions = feature_versions(platform, spec.table)
    built = _described(
        build(
            platform.published_features(spec.table.name),
            spec,
            feature_versions={name: versions[name] for name in spec.features},
            source=state.source.label,
            simulated=state.source.simulated,
            as_of=state.as_of,
            folder=platform.settings.training_sets,
        )
    )  # the rows are let go before the search, which needs as much memory as they do
    record = built.record
    keep_search(platform.settings, search_future(platform, spec.table, progress), record)
    platform.ledger.save_training_set(record)
    split = record.split
    progress(f"{split.rows_train:,} rows to fit on, {split.rows_test:,} rows to test on")
    return built


def latest_training_set(settings: Settings, spec: ModelSpec) -> TrainingSetRecord:
    """The record of the model's training set of the last run of this home.

    Raises:
        UsageError: there is none yet.
    """
    key = (spec.name, "training_set")
    if not record_path(settings, key).exists():
        raise UsageError(
            f"There is no training set of {spec.name} in the home {settings.home}.",
            remedy=f"`ml-platform run --models {spec.name}` first",
        )
    return read_record(settings, key, TrainingSetRecord)


def _described(training_set: "TrainingSet") -> BuiltTrainingSet:
    """The training set with the shares of its classes, or the distribution of a number."""
    import pandas as pd

    label = training_set.test[training_set.record.label]
    if isinstance(label.dtype, pd.ArrowDtype):
        label = label.explode()
    is_number = pd.api.types.is_float_dtype(label)
    summary = label.describe() if is_number else label.value_counts(normalize=True)
    return BuiltTrainingSet(
        training_set.record, is_number, {str(name): float(value) for name, value in summary.items()}
    )
