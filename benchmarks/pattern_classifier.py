"""The pattern classifier beside majority, rules and a forest of the five basic columns, on the same test rows.

    python benchmarks/pattern_classifier.py .ml_platform/features/pattern_features
    python benchmarks/pattern_classifier.py FEATURES --ceilings .ml_platform/lake/ceilings --json

Accuracy and macro-F1 of rows and of change sets (one prediction a commit), with 95 % intervals that resample
sessions or commits whole. ``--ceilings`` is the folder or file of the Bayes rule's predictions, which only a
simulation has.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from benchmarks.training_rows import training_rows
from ml_platform.evaluation.evaluate import ComparedScorer, evaluate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.encoding import EncodingPlan
from ml_platform.models.pattern_classifier import HYPERPARAMETERS, LABEL_DELAY, SPEC
from ml_platform.models.random_forest.fit import fit_forest_model
from ml_platform.spec.model import FitOutcome, FitRequest
from ml_platform.spec.training_set import TrainingSet

FIVE = EncodingPlan(
    numbers=("hour", "weekday"), categories=("extension", "tool", "operation"), target_encoded=()
)
METRICS = (
    "accuracy",
    "macro_f1",
    "change_set_accuracy",
    "change_set_macro_f1",
    "expected_calibration_error",
)


def tell(line: str) -> None:
    """Progress goes to standard error."""
    print(line, file=sys.stderr)


def ceilings(path: Path | None) -> pd.DataFrame | None:
    """The class that the Bayes rule predicts for each row."""
    if path is None:
        return None
    table = ds.dataset(path, format="parquet").to_table(columns=["target", "row_id", "prediction"])
    return table.to_pandas().query("target == @SPEC.ceiling_target")


def evaluated(
    training_set: TrainingSet, fitted: FitOutcome, five_columns: FitOutcome, best: Path | None
) -> EvaluationReport:
    """Everything on the test rows; the forest of five columns takes the place of a champion."""
    return evaluate(
        training_set,
        candidate=scorer_of(fitted.artifact),
        estimator=fitted.estimator,
        baseline=scorer_of(SPEC.fit_rules(training_set)),
        ceiling=ceilings(best),
        champion=ComparedScorer(scorer_of(five_columns.artifact)),
        seed=SPEC.seed,
    )


def text(estimate: Estimate | None) -> str:
    """Value and interval; a dash for what a scorer does not have."""
    if estimate is None:
        return "-"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def main() -> None:
    """Fit, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("features", type=Path, help="the folder of the table")
    parser.add_argument("--ceilings", type=Path, help="predictions of the Bayes rule (simulation)")
    parser.add_argument("--seed", type=int, default=SPEC.seed)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        training_set = training_rows(options.features, SPEC, Path(folder))
        fitted = SPEC.fit(training_set, FitRequest(options.seed, SPEC.defaults, tell))
        five_columns = fit_forest_model(
            training_set, FIVE, HYPERPARAMETERS, options.seed, LABEL_DELAY, tell
        )
        report = evaluated(training_set, fitted, five_columns, options.ceilings)
    subjects = {
        "dummy": report.dummy,
        "rules": report.baseline,
        "five columns": report.champion,
        "ours": report.candidate,
        "ceiling": report.ceiling,
    }
    rows_by_name = {
        name: {metric: subject.metrics.get(metric) for metric in METRICS}
        for name, subject in subjects.items()
        if subject is not None
    }
    if options.json:
        plain = {
            name: {metric: value and vars(value) for metric, value in row.items()}
            for name, row in rows_by_name.items()
        }
        facts = {
            "rows": report.rows,
            "clusters": report.clusters,
            "parity_gap": report.parity_gap,
            "fit_seconds": fitted.seconds,
            "artifact_bytes": fitted.artifact.size_bytes,
        }
        print(json.dumps({"facts": facts, "subjects": plain}))
        return
    print(
        f"{report.rows:,} test rows in {report.change_sets:,} change sets and {report.clusters:,} clusters"
    )
    print(
        f"fit {fitted.seconds:.1f} s, {fitted.artifact.size_bytes / 1e6:.1f} MB, parity {report.parity_gap:.1e}"
    )
    for metric in METRICS:
        print(f"\n{metric}")
        for name, row in rows_by_name.items():
            print(f"  {name:13s} {text(row[metric])}")


if __name__ == "__main__":
    main()
