"""The recommender on git histories as a stand-in: authors are users, directories are what they come to work on.

No public set of workflow adoption is at hand, and the sets that recommenders are published on are not among
the folders, so no figure is published for this. A change of a file below a directory (its first two levels)
is a run of it; the first one ever is its adoption. People only, snapshots each Monday of who was seen in the four
weeks before, the newest 40 % as the test, 14 days of gap: the platform's own table, split and evaluator.
"""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.real.fit_and_evaluate import fit_and_evaluate, quiet
from benchmarks.real.line import Line
from ml_platform.adapters.training_set_files import build_training_set
from ml_platform.adapters.warehouse import build_features
from ml_platform.events import schema
from ml_platform.models.workflow_recommender import SPEC
from ml_platform.models.workflow_recommender_ease import SPEC as EASE
from ml_platform.spec.training_set import TrainingSet

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TEST_SHARE = 0.4
"""Share of the snapshots that test: in a fortnight few people begin anything, so few snapshots say something."""
FOLDERS = ("git-ibis", "git-vite")
METRICS = ("ndcg_at_5", "recall_at_5", "precision_at_5", "mrr", "hit_at_1")
NOTE = "stand-in: authors and directories; baseline popularity, difference"


def run(folder: Path) -> list[Line]:
    """Lines of the histories that lie in ``folder``: factors and EASE, each beside popularity."""
    return [
        line
        for name in FOLDERS
        if (folder / name).is_dir()
        for line in _lines(name, training_set_of(folder / name / "events.parquet"))
    ]


def training_set_of(history: Path) -> TrainingSet:
    """The training set of a history, through the lake, the warehouse and the split of the platform."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write_lake(place / "lake", pd.read_parquet(history))
        built = build_features(
            place / "lake", place / "features", place / "w" / "w.duckdb", NOW, quiet
        )
        return build_training_set(
            built.path(SPEC.table.name),
            replace(SPEC, test_share=TEST_SHARE),
            feature_versions=SPEC.table.versions(built.sql_by_model),
            source=history.parent.name,
            simulated=False,
            as_of=NOW,
            folder=place / "training_sets",
        )


def _write_lake(lake: Path, changes: pd.DataFrame) -> None:
    """Events, and one execution a commit and directory; people only."""
    people = changes[~changes["is_bot"]].reset_index(drop=True)
    directory = people["path"].str.split("/").str[:-1].str[:2].str.join("/")
    at = people["commit_time_utc"]
    ids = people["commit"].str.cat(people.index.astype(str), sep=":")
    common = {"user_id": people["author"], "received_at": at, "source": "git"}
    events = pd.DataFrame(
        common
        | {
            "event_id": ids,
            "occurred_at": at,
            "tool": people["tool"].fillna("git"),
            "operation": people["op"],
            "object_path": None,
            "object_extension": None,
            "session_id": None,
            "change_set_id": people["commit"],
            "workflow_category": people["cc_type"],
            "is_bot": False,
            "utc_offset_minutes": None,
            "attributes": None,
        }
    )
    runs = pd.DataFrame(
        common
        | {
            "execution_id": ids,
            "workflow_id": directory.where(directory != "", "."),
            "started_at": at,
            "finished_at": at,
            "status": "success",
            "trigger": "manual",
            "propensity": None,
            "candidate_set": None,
            "attributes": None,
        }
    ).assign(commit=people["commit"])
    runs = runs.drop_duplicates(["commit", "workflow_id"])
    for name, rows in (("events", events), ("workflow_executions", runs)):
        _write(lake, name, pa.Table.from_pandas(rows, preserve_index=False))
    for name in schema.TABLES.keys() - {"events", "workflow_executions"}:
        _write(lake, name, schema.TABLES[name].empty_table())


def _write(lake: Path, name: str, table: pa.Table) -> None:
    (lake / name).mkdir(parents=True)
    kind = schema.TABLES[name]
    pq.write_table(table.select(kind.names).cast(kind), lake / name / "rows.parquet")


def _lines(name: str, training_set: TrainingSet) -> list[Line]:
    rows = []
    for spec in (SPEC, EASE):
        report = fit_and_evaluate(spec, training_set)
        for metric in METRICS:
            estimate = report.candidate.metrics[metric]
            gained = report.difference_to_baseline[metric]
            rows.append(
                Line.of(
                    name,
                    spec.name,
                    metric,
                    estimate,
                    baseline=report.baseline.metrics[metric].value,
                    note=f"{NOTE} {gained.value:.3f} [{gained.low:.3f}, {gained.high:.3f}]",
                )
            )
    return rows
