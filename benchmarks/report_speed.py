"""Seconds of the statistics of a whole report, and of intervals beside the resampling loop with scikit-learn.

    python -m benchmarks.report_speed --json

A report: candidate, rules, dummy and champion, each with every metric and its interval, paired differences, the
table of classes, and ten groups with all their intervals; scoring and HTML aside. The loop resamples rows and calls
scikit-learn; ``--loop`` of its 1,000 resamples are timed, in turns with ours, and scaled; the least is reported.
"""

import argparse
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.interval_populations import classes
from ml_platform.evaluation.intervals.bootstrap import (
    RESAMPLES,
    differences,
    estimates,
    interval,
    replicate,
)
from ml_platform.evaluation.intervals.delong import area_interval
from ml_platform.evaluation.metrics.classification import metrics_of_counts
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.classification import ClassificationEvaluator
from ml_platform.evaluation.tasks.row_clusters import row_clusters

CLASSES = tuple("abcdefghijk")
SHARES = np.linspace(1.0, 0.2, len(CLASSES))
GROUPS = 10


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one core that ``work`` takes, whoever else is at work on the machine, and what it gives."""
    started = time.process_time()
    replicates_of_sums = work()
    return time.process_time() - started, replicates_of_sums


def whole_report(rows: int, size: float) -> dict[str, float]:
    """Seconds of each part."""
    generator = np.random.default_rng(1)
    truth, codes, good, fair = classes(generator, int(rows / size), size, SHARES)
    test = pd.DataFrame(
        {
            "row_id": np.arange(len(truth)),
            "cluster_id": codes,
            "change_set_id": np.arange(len(truth)),
            "label": np.array(CLASSES)[truth],
        }
    )
    record = SimpleNamespace(label="label", classes=CLASSES)
    training_set: Any = SimpleNamespace(record=record, train=test, test=test)
    figures: dict[str, float] = {"rows": float(len(truth)), "clusters": float(codes.max() + 1)}
    figures["rows as codes"], units = seconds(lambda: row_clusters(training_set))
    evaluator = ClassificationEvaluator(training_set, units)
    dummy = evaluator.dummy.predict_proba(test)
    replicates = []
    for name, values in (
        ("candidate", good),
        ("rules", fair),
        ("champion", fair),
        ("dummy", dummy),
    ):
        spent, sums = seconds(
            lambda values=values: evaluator.sufficient_statistics(Predictions(values))
        )
        more, replicates_of_sums = seconds(lambda sums=sums: replicate(sums, seed=0))
        last, _ = seconds(
            lambda replicates_of_sums=replicates_of_sums: estimates(replicates_of_sums)
        )
        figures[name] = spent + more + last
        replicates.append(replicates_of_sums)
    figures["differences"], _ = seconds(
        lambda: [differences(replicates[0], other) for other in replicates[1:3]]
    )
    figures["table of classes"], _ = seconds(lambda: evaluator.details(Predictions(good)))
    group = units.clusters % GROUPS

    def of_groups() -> None:
        for number in range(GROUPS):
            own = group == number
            _, dense = np.unique(units.clusters[own], return_inverse=True)
            inside = ClassPredictions(evaluator.truth[own], good[own], dense)
            estimates(replicate(class_statistics(inside, int(dense.max()) + 1), seed=0))

    figures["ten groups"], _ = seconds(of_groups)
    figures["total"] = sum(
        value for name, value in figures.items() if name not in ("rows", "clusters")
    )
    return figures


def f1_of_cells(truth: np.ndarray, predicted: np.ndarray, seed: int) -> tuple[float, float]:
    """Percentile interval of macro F1 on independent rows: their cells are multinomial."""
    count = len(CLASSES)
    cells = np.bincount(truth * count + predicted, minlength=count * count)
    drawn = np.random.default_rng(seed).multinomial(len(truth), cells / len(truth), RESAMPLES)
    cubes = drawn.reshape(-1, count, count)
    hits = np.diagonal(cubes, axis1=1, axis2=2)
    replicates_of_sums = metrics_of_counts(hits, cubes.sum(axis=2), cubes.sum(axis=1))["macro_f1"]
    low, high = np.quantile(replicates_of_sums, [0.025, 0.975])
    return float(low), float(high)


def against_the_loop(rows: int, loop: int, turns: int) -> dict[str, float]:
    """Seconds for 1,000 resamples of macro F1, and of the ROC AUC of one class, by each way."""
    from sklearn.metrics import f1_score, roc_auc_score

    generator = np.random.default_rng(1)
    truth, codes, values, _ = classes(generator, rows, 1.0, SHARES)
    predicted, first, scores = values.argmax(axis=1), truth == 0, values[:, 0]

    def resampled(metric: Callable[[np.ndarray], float]) -> list[float]:
        return [metric(generator.integers(0, rows, rows)) for _ in range(loop)]

    def delong() -> None:
        ranking = rank_class(first, scores)
        assert ranking is not None
        area_interval(ranking, first, codes, rows)

    ways: dict[str, tuple[Callable[[], Any], float]] = {
        "F1, loop": (
            lambda: resampled(lambda i: f1_score(truth[i], predicted[i], average="macro")),
            RESAMPLES / loop,
        ),
        "F1, cells": (lambda: f1_of_cells(truth, predicted, 0), 1.0),
        "AUC, loop": (
            lambda: resampled(lambda i: roc_auc_score(first[i], scores[i])),
            RESAMPLES / loop,
        ),
        "AUC, closed form": (delong, 1.0),
    }
    figures = dict.fromkeys(ways, np.inf)
    for _ in range(turns):
        for name, (work, scale) in ways.items():
            figures[name] = min(figures[name], seconds(work)[0] * scale)
    judge_rows = ClassPredictions(truth, values, codes % 5_000)
    spent, _ = seconds(
        lambda: [
            interval(n, of)
            for n, of in replicate(class_statistics(judge_rows, 5_000), seed=0).items()
        ]
    )
    figures["every metric of a report, ours"] = spent
    figures["F1, times as fast"] = figures["F1, loop"] / figures["F1, cells"]
    figures["AUC, times as fast"] = figures["AUC, loop"] / figures["AUC, closed form"]
    return figures


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--loop", type=int, default=10, help="resamples of the scikit-learn loop")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    options = parser.parse_args()
    replicates_of_sums = {
        "report, independent rows": whole_report(options.rows, 1.0),
        "report, clusters of 14": whole_report(options.rows, 14.0),
        "intervals": against_the_loop(options.rows, options.loop, options.turns),
    }
    if options.json:
        print(json.dumps(replicates_of_sums))
        return
    for name, parts in replicates_of_sums.items():
        print(f"\n{name}")
        for part, value in parts.items():
            print(f"  {part:34s} {value:12,.4f}")


if __name__ == "__main__":
    main()
