"""The same source shuffled, doubled and a day late: the same features, fingerprint and model hash."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.training_set_files import build_training_set
from ml_platform.adapters.warehouse import build_features
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.features.pattern_features import TABLE
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.spec.model import FitRequest

AS_OF = datetime(2026, 9, 1, tzinfo=UTC)
SOURCE = SimulateSource(as_of=AS_OF, days=6, users=20, seed=3)


class Disturbed:
    """The simulation's rows shuffled, a third of them sent twice, all received a day later, in two parts."""

    name = "simulate:disturbed"
    simulated = True
    live = True

    def batches(self):
        drawn = np.random.default_rng(5)
        batches = [(name, rows) for name, rows in SOURCE.batches() if len(rows)]
        for name, rows in reversed(batches):
            twice = drawn.choice(len(rows), size=len(rows) // 3)
            order = drawn.permutation(np.concatenate([np.arange(len(rows)), twice]))
            shuffled = rows.take(pa.array(order))
            late = [moment + timedelta(days=1) for moment in shuffled["received_at"].to_pylist()]
            place = shuffled.schema.get_field_index("received_at")
            field = shuffled.schema.field("received_at")
            shuffled = shuffled.set_column(place, field, pa.array(late, field.type))
            half = len(shuffled) // 2
            yield name, shuffled.slice(half)
            yield name, shuffled.slice(0, half)


def model_of(source, folder: Path) -> dict[str, str]:
    """The fingerprints of what follows from a source, in an empty folder but for what dbt keeps of a parse."""
    lake = ParquetLake(folder / "lake", folder / "quarantine")
    ingest(source, lake, now=AS_OF + timedelta(days=3), progress=lambda _: None)
    built = build_features(
        folder / "lake",
        folder / "features",
        folder / "warehouse" / "w.duckdb",
        AS_OF,
        lambda _: None,
    )
    training_set = build_training_set(
        built.path("pattern_features"),
        SPEC,
        feature_versions=TABLE.versions(built.sql_by_model),
        source="simulate",
        simulated=True,
        as_of=AS_OF,
        folder=folder / "training_sets",
    )
    outcome = SPEC.fit(training_set, FitRequest(SPEC.seed))
    return {
        "events": lake.fingerprint("events", AS_OF),
        "features": built.version("pattern_features"),
        "training set": training_set.record.fingerprint,
        "model": outcome.artifact.sha256,
    }


def test_shuffled_doubled_and_late_is_the_same_model(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    disturbed = model_of(Disturbed(), folder)
    (folder / "warehouse" / "dbt" / "partial_parse.msgpack").rename(tmp_path / "parsed")
    shutil.rmtree(folder)
    (folder / "warehouse" / "dbt").mkdir(parents=True)
    (tmp_path / "parsed").rename(folder / "warehouse" / "dbt" / "partial_parse.msgpack")
    assert model_of(SOURCE, folder) == disturbed
