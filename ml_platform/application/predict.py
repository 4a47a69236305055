"""What answers now for a model, and the rows that it answers for."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.register import rules_of, rules_version
from ml_platform.errors import InsufficientData
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.model import Scorer


def in_production(platform: Connections, model: str) -> "tuple[str, Scorer]":
    """The version that answers now, and its scorer: the champion, or the rules without one."""
    from ml_platform.adapters.artifact_files import load_scorer

    version = platform.ledger.production(model).version
    if version is not None:
        record = platform.ledger.version(model, version)
        path = platform.settings.home / record.artifact_path
        return str(version), load_scorer(path, record.artifact_sha256)
    sha256 = rules_of(platform, model)
    if not sha256:
        raise InsufficientData(
            f"Nothing can answer for {model}: it has no champion and no rules.",
            remedy=f"materialise {model}/registered_version on a source that has what it needs",
        )
    return rules_version(sha256), load_scorer(platform.settings.artifacts / sha256, sha256)


def newest_rows(platform: Connections, spec: ModelSpec) -> "pd.DataFrame":
    """Keys and features of the newest rows of the model's table, those of one and the same moment."""
    import pyarrow.parquet as pq

    path = platform.settings.features / spec.table.file_name
    times = pq.read_table(path, columns=["occurred_at"])["occurred_at"]
    if len(times) == 0:
        raise InsufficientData(
            f"There is no row of {spec.table.name}.", remedy=f"ingest {' and '.join(spec.needs)}"
        )
    newest = max(times.to_pylist())
    return feature_rows(platform, spec, newest, newest + timedelta(microseconds=1))


def feature_rows(
    platform: Connections, spec: ModelSpec, start: datetime, end: datetime
) -> "pd.DataFrame":
    """Keys, label and the model's features of the rows of people in ``[start, end)``, oldest first."""
    from ml_platform.adapters.training_set_files import read_window

    path = platform.settings.features / spec.table.file_name
    return read_window(path, spec, start, end)
