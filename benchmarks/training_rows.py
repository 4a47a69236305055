"""The rows of a feature table as a training set of a model, outside any home."""

from datetime import timedelta
from pathlib import Path

from ml_platform.adapters.training_set_files import build_training_set, newest_moment
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSet


def training_rows(features: Path, spec: ModelSpec, folder: Path) -> TrainingSet:
    """All labelled rows of the published table ``features``, split as the model splits them; kept in ``folder``."""
    newest = newest_moment(features)
    assert newest is not None, f"{features} has no rows"
    return build_training_set(
        features,
        spec,
        feature_versions=dict.fromkeys(spec.features, "benchmark"),
        source=str(features),
        simulated=False,
        as_of=newest + timedelta(microseconds=1),
        folder=folder,
    )
