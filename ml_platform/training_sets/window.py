"""Rows of a window of time with a model's features, in the shape that the model was trained on."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.errors import IntegrityError
from ml_platform.spec.training_set import (
    TIME,
    TrainingSetRecord,
)
from ml_platform.training_sets import build
from ml_platform.training_sets.build import ROWS_FILE, Labelling

if TYPE_CHECKING:
    import pandas as pd

_BOT = "is_bot"


def rows_path(folder: Path, record: TrainingSetRecord) -> Path:
    """The Parquet file of a training set below ``folder``."""
    return folder / record.model / record.fingerprint / ROWS_FILE


def read_window(path: Path, labelling: Labelling, start: datetime, end: datetime) -> "pd.DataFrame":
    """Keys, label (missing where unknown), what it carries and features of the rows of people in ``[start, end)``.

    Raises:
        IntegrityError: no features file, or columns are missing.
    """
    if not path.exists():
        raise IntegrityError(f"There are no features ({path}).", remedy="materialise the features")
    wanted = build.wanted_columns(labelling)
    missing = [name for name in wanted if name not in pq.read_schema(path).names]
    if missing:
        raise IntegrityError(
            f"{path.name} lacks {', '.join(missing)}.", remedy="build the features again"
        )
    within = (pc.field(TIME) >= pa.scalar(start)) & (pc.field(TIME) < pa.scalar(end))
    table = pq.read_table(path, columns=wanted, filters=within & ~pc.field(_BOT), partitioning=None)
    return build.frame(build.in_order(table.drop_columns([_BOT])))
