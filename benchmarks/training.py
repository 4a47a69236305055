"""What the training set and the candidate of each model cost, by the number of rows that are fitted on.

    python -m benchmarks.training [--rows 1000000] [--models pattern_classifier ...] [--features FOLDER] [--json]

SIMULATED rows: the feature tables of the default simulation (or those of ``--features``, a home's folder), as often
as it takes, each copy with users, sessions, change sets and rows of its own and some seconds later. Two steps a
model, each in a process of its own on two cores: the training set built from the features, and the candidate as
`ml-platform run` makes it (read, fitted with its folds, exported, its rules, the estimator's scores of the test
rows). After them the peer that a user would pick instead fits once, without folds, on the same file. Processor
seconds are those of all threads, peaks those of the process.
"""

import argparse
import json
import math
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.ingestion import peak_mb

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
FITTED_SHARE = 0.78
"""Share of the labelled rows that the training part holds, about: the rest are tested on, or lie in the gap."""
SECONDS_LATER = 7
"""How much later each copy of the simulation happens than the one before."""
KEYS = ("row_id", "user_id", "cluster_id", "change_set_id")


def simulated_features(folder: Path) -> Path:
    """The feature tables of the default simulation, built in ``folder`` as a home builds them."""
    from ml_platform.adapters.lake import ParquetLake
    from ml_platform.adapters.warehouse import build_features
    from ml_platform.events.ingest import ingest
    from ml_platform.events.sources.simulate import SimulateSource

    lake = ParquetLake(folder / "lake", folder / "quarantine")
    ingest(SimulateSource(as_of=AS_OF), lake, now=AS_OF, progress=lambda line: None)
    build_features(
        folder / "lake", folder / "features", folder / "w.duckdb", AS_OF, lambda line: None
    )
    return folder / "features"


def copies(source: Path, target: Path, known: str, rows: int) -> None:
    """The feature table ``source`` so often that it has ``rows`` rows of people with a value in ``known``."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'; set enable_progress_bar = false")
        there = connection.execute(
            f"select count(*) from '{source}/*.parquet' where {known} is not null and not is_bot"
        ).fetchall()[0][0]
        whole = rows / there
        keys = ", ".join(f"{key} || '#' || copy as {key}" for key in KEYS)
        connection.execute(
            f"""
            copy (
                select * exclude (copy) replace (
                    {keys}, occurred_at + to_seconds({SECONDS_LATER} * copy) as occurred_at
                )
                from '{source}/*.parquet', (select unnest(range({math.ceil(whole)})) as copy)
                where copy + (hash(user_id) % 10000) / 10000.0 < {whole}
            ) to '{target}' (format parquet, row_group_size 122880)
            """
        )


def make_training_set(folder: Path, model: str) -> dict[str, Any]:
    """The training set of ``folder``'s features, kept where `make_candidate` finds it."""
    from ml_platform import files, values
    from ml_platform.adapters.training_set_files import build_training_set
    from ml_platform.models.catalogue import Catalogue

    spec = Catalogue().spec_named(model)

    def work() -> dict[str, Any]:
        record = build_training_set(
            folder / "features.parquet",
            spec,
            feature_versions=dict.fromkeys(spec.features, "benchmark"),
            source="benchmark",
            simulated=True,
            as_of=AS_OF + timedelta(days=1),
            folder=folder / "training_sets",
        ).record
        files.write_bytes(folder / "record.json", values.to_json(record).encode())
        return {"rows": record.split.rows_train, "fingerprint": record.fingerprint}

    return measured(work)


def make_candidate(folder: Path, model: str) -> dict[str, Any]:
    """The candidate of the training set in ``folder``, as a run makes it."""
    from ml_platform.adapters.in_memory.ledger import InMemoryLedger
    from ml_platform.application.connections import Connections
    from ml_platform.application.train import train_candidate
    from ml_platform.models.catalogue import Catalogue
    from ml_platform.settings import Settings

    platform = Connections(Settings(folder, None, None, None))
    platform.ledger = InMemoryLedger()

    def work() -> dict[str, Any]:
        record = train_candidate(
            platform, Catalogue().spec_named(model), _record(folder), lambda line: None
        )
        return {"artifact": record.artifact_sha256, "size_mb": round(record.size_bytes / 1e6, 1)}

    return measured(work)


def make_peer(folder: Path, model: str) -> dict[str, Any]:
    """What a user would pick instead, fitted once on the same rows."""
    import pandas as pd

    from ml_platform.adapters.training_set_files import rows_path

    def work() -> dict[str, Any]:
        record = _record(folder)
        columns = [*record.features, record.label, "occurred_at"]
        rows = pd.read_parquet(rows_path(folder / "training_sets", record), columns=columns)
        rows = rows[rows["occurred_at"] < record.split.train_until]
        name, fit = PEERS[model]
        fit(_plain(rows[list(record.features)]), rows[record.label])
        return {"peer": name, "rows": len(rows)}

    return measured(work)


def _plain(rows: Any) -> Any:
    """Numbers as they are, categories as their codes, lists left out; shape (rows, columns), float32."""
    import numpy as np
    import pandas as pd

    columns = []
    for name in rows.columns:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column):
            columns.append(column.to_numpy(np.float32))
        elif not isinstance(column.iloc[0], np.ndarray):
            columns.append(pd.factorize(column)[0].astype(np.float32))
    return np.column_stack(columns)


def _forest(matrix: Any, label: Any) -> None:
    from sklearn.ensemble import RandomForestClassifier

    from ml_platform.models.pattern_classifier import HYPERPARAMETERS

    RandomForestClassifier(
        HYPERPARAMETERS.trees,
        max_samples=min(HYPERPARAMETERS.drawn_most, len(matrix)),
        min_samples_leaf=HYPERPARAMETERS.leaf(len(matrix)),
        n_jobs=2,
        random_state=0,
    ).fit(matrix, label.astype(str))


def _boosted_shares(matrix: Any, label: Any) -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    HistGradientBoostingRegressor(max_iter=300, random_state=0).fit(matrix, label.to_numpy())


def _boosted_classes(matrix: Any, label: Any) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = label.notna().to_numpy()
    HistGradientBoostingClassifier(random_state=0).fit(matrix[known], label[known].astype(str))


def _isolation(matrix: Any, label: Any) -> None:
    import numpy as np
    from sklearn.ensemble import IsolationForest

    IsolationForest(n_estimators=200, random_state=0).fit(np.nan_to_num(matrix))


PEERS: dict[str, tuple[str, Callable[[Any, Any], None]]] = {
    "pattern_classifier": ("RandomForestClassifier, as many rows a tree", _forest),
    "suggestion_scorer": ("HistGradientBoostingRegressor", _boosted_shares),
    "trigger_predictor": ("HistGradientBoostingClassifier", _boosted_classes),
    "anomaly_detector": ("IsolationForest", _isolation),
}
"""The networks, the n-gram and the recommenders have no peer that reads these rows as they are."""


def _record(folder: Path) -> Any:
    from ml_platform import values
    from ml_platform.spec.training_set import TrainingSetRecord

    return values.from_json(TrainingSetRecord, (folder / "record.json").read_text())


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Processor seconds of all threads, wall seconds, the peak of this process, and what the work says."""
    wall, began = time.monotonic(), time.process_time()
    figures = work()
    seconds = {"processor_s": time.process_time() - began, "wall_s": time.monotonic() - wall}
    return (
        {name: round(value, 1) for name, value in seconds.items()}
        | {"peak_mb": peak_mb()}
        | figures
    )


def in_a_process(
    step: Callable[[Path, str], dict[str, Any]], folder: Path, model: str
) -> dict[str, Any]:
    """What ``step`` measures in a fresh process on two cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_on_two_cores) as pool:
        return pool.submit(step, folder, model).result()


def _on_two_cores() -> None:
    from ml_platform.settings import disable_telemetry

    disable_telemetry()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def figures_of(features: Path, model: str, rows: int) -> dict[str, Any]:
    """The steps of one model on ``rows`` rows, and its peer."""
    from ml_platform.models.catalogue import Catalogue

    spec = Catalogue().spec_named(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = spec.required_column or spec.label
        copies(
            features / spec.table.name,
            folder / "features.parquet",
            known,
            round(rows / FITTED_SHARE),
        )
        figures: dict[str, Any] = {"model": model}
        figures["training_set"] = in_a_process(make_training_set, folder, model)
        figures["candidate"] = in_a_process(make_candidate, folder, model)
        if model in PEERS:
            figures["peer"] = in_a_process(make_peer, folder, model)
    return figures


def main() -> int:
    """Print the figures of every model."""
    from ml_platform.models.catalogue import MODELS

    names = [spec.name for spec in MODELS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    parser.add_argument("--features", type=Path, help="the features folder of a home")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        features = options.features or simulated_features(Path(name))
        for model in options.models:
            figures = figures_of(features, model, options.rows)
            if options.json:
                print(json.dumps(figures), flush=True)
                continue
            print(f"SIMULATED, {model}, {figures['training_set']['rows']:,} rows to fit on")
            for step in ("training_set", "candidate", "peer"):
                if step in figures:
                    print(f"  {step}: {json.dumps(figures[step])}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
