"""The pattern classifier on real git histories, through the platform's own source, warehouse and evaluator.

Humans only, all eleven Conventional Commits types, the newest fifth of the commits as the test; published
are a plain forest's figures with aggregates of the commit's own files, per file event.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.real.fit_and_evaluate import fit_and_evaluate, quiet
from benchmarks.real.line import Line
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.adapters.training_set_files import build_training_set
from ml_platform.adapters.warehouse import build_features
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.events.ingest import ingest
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.spec.training_set import TrainingSet

MAP = Path(__file__).parents[2] / "docs" / "maps" / "git-events.toml"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
FOLDERS = {"git-ibis": (0.487, 0.342), "git-vite": (0.489, 0.331)}
"""Accuracy and macro-F1 that a plain forest was measured at."""
METRICS = ("accuracy", "macro_f1", "change_set_accuracy", "change_set_macro_f1")


def run(folder: Path) -> list[Line]:
    """Lines of the histories that lie in ``folder``."""
    return [
        line
        for name, published in FOLDERS.items()
        if (folder / name).is_dir()
        for line in _lines(name, fit_and_evaluate(SPEC, rows_of(folder / name)), published)
    ]


def rows_of(history: Path) -> TrainingSet:
    """The labelled commits of a history, with features and split of the platform."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lake = ParquetLake(place / "lake", place / "quarantine")
        ingest(FilesSource(history, MAP), lake, now=NOW, progress=quiet)
        built = build_features(
            place / "lake", place / "features", place / "warehouse" / "w.duckdb", NOW, quiet
        )
        return build_training_set(
            built.path(SPEC.table.name),
            SPEC,
            feature_versions=SPEC.table.versions(built.sql_by_model),
            source=history.name,
            simulated=False,
            as_of=NOW,
            folder=place / "training_sets",
        )


def _lines(name: str, report: EvaluationReport, published: tuple[float, float]) -> list[Line]:
    known = dict(zip(METRICS, published, strict=False))
    lines = []
    for metric in METRICS:
        estimate, rules = report.candidate.metrics[metric], report.baseline.metrics[metric]
        note = (
            "one prediction a commit"
            if metric.startswith("change_set_")
            else "one a file of a commit"
        )
        lines.append(
            Line.of(
                name,
                SPEC.name,
                metric,
                estimate,
                baseline=rules.value,
                published=known.get(metric),
                note=f"{note}; majority {report.dummy.metrics[metric].value:.3f}",
            )
        )
    return lines
