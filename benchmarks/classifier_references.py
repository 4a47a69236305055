"""What the forest of the pattern classifier adds to naive Bayes and to a hidden Markov filter, and where.

    python -m benchmarks.classifier_references HOME/features/pattern_features
    python -m benchmarks.classifier_references --history DATA/git-vite

Both simple methods are those of the report (`ModelSpec.references`), fitted on the same training part. Printed:
their accuracy, macro-F1 and log loss beside the forest's, and the forest's accuracy less theirs, with a 95 %
interval by cluster (session or commit): on all test rows, by how sure the filter is, by the place of an event in
its session where a change set is one event, and with one prediction a change set where it has several.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real.git_histories import rows_of
from benchmarks.training_rows import training_rows
from ml_platform.evaluation.tasks.row_clusters import row_clusters
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.macro_f1 import macro_f1
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.models.rules import class_codes
from ml_platform.spec.model import FitRequest
from ml_platform.spec.training_set import CLUSTER, TIME, TrainingSet

FOREST = "forest"
NAIVE_BAYES, FILTER = (reference.title for reference in SPEC.references)
NORMAL = 1.96
LEAST_CLUSTERS = 20
"""A part of the rows with fewer clusters is left out."""


@dataclass(frozen=True)
class Scored:
    """Predictions of each method for the same rows: a test part, or its change sets."""

    probabilities: dict[str, np.ndarray]
    """By method, shape (rows, classes)."""
    truth: np.ndarray
    """(rows,) codes of the classes."""
    clusters: np.ndarray
    """(rows,) codes from 0."""

    def right(self, method: str) -> np.ndarray:
        """Whether each row is classified right, as 1 or 0."""
        right: np.ndarray = (self.probabilities[method].argmax(axis=1) == self.truth) * 1.0
        return right


def scored(rows: TrainingSet) -> Scored:
    """The predictions of the forest and of both references for the test part."""
    test = rows.test
    outcome = SPEC.fit(rows, FitRequest(SPEC.seed, SPEC.defaults, _tell))
    scorers = {FOREST: scorer_of(outcome.artifact)}
    scorers |= {reference.title: reference.fit(rows) for reference in SPEC.references}
    return Scored(
        {name: scorer.predict_proba(test) for name, scorer in scorers.items()},
        class_codes(test, SPEC.label, rows.record.classes),
        row_clusters(rows).clusters,
    )


def of_change_sets(scored: Scored, change_sets: np.ndarray) -> Scored:
    """One prediction a change set, the mean of its rows'; label and cluster are those of its first row."""
    _, first, dense = np.unique(change_sets, return_index=True, return_inverse=True)
    sizes = np.bincount(dense)[:, None]
    means = {}
    for name, values in scored.probabilities.items():
        sums = np.zeros((len(first), values.shape[1]))
        np.add.at(sums, dense, values)
        means[name] = sums / sizes
    return Scored(means, scored.truth[first], scored.clusters[first])


def by_place(rows: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Names and masks (rows,) of the test rows by their place in the session."""
    ordered = rows[[CLUSTER, TIME]].sort_values(TIME, kind="stable")
    place = ordered.groupby(CLUSTER, observed=True).cumcount().reindex(rows.index).to_numpy()
    yield "first event of a session", place == 0
    yield "second to tenth", (place > 0) & (place < 10)
    yield "later", place >= 10


def by_sureness(scored: Scored) -> Iterator[tuple[str, np.ndarray]]:
    """Names and masks (rows,) of the rows by the filter's highest probability."""
    sureness = scored.probabilities[FILTER].max(axis=1)
    for low, high in ((0.0, 0.5), (0.5, 0.9), (0.9, 1.0)):
        inside = (sureness >= low) & ((sureness < high) | (high == 1.0))
        yield f"the filter is {low:.0%} to {high:.0%} sure", inside


def difference(scored: Scored, method: str, mask: np.ndarray) -> tuple[float, float]:
    """The forest's accuracy less that of ``method`` in the masked rows, and its standard error by cluster."""
    gained = (scored.right(FOREST) - scored.right(method))[mask]
    clusters = np.unique(scored.clusters[mask], return_inverse=True)[1]
    value = float(gained.mean())
    deviations = np.bincount(clusters, weights=gained - value) / len(gained)
    count = len(deviations)
    return value, float(np.sqrt((deviations**2).sum() * count / (count - 1)))


def show(title: str, scored: Scored) -> None:
    """Print the figures of every method on all rows."""
    print(f"\n{title}: {len(scored.truth):,} in {scored.clusters.max() + 1:,} clusters")
    for method, values in scored.probabilities.items():
        chosen = values[np.arange(len(values)), scored.truth]
        print(
            f"  {method:46} accuracy {scored.right(method).mean():.4f}, macro-F1 "
            f"{macro_f1(scored.truth, values.argmax(axis=1)):.4f}, log loss "
            f"{-np.log(np.clip(chosen, 1e-12, 1.0)).mean():.4f}"
        )


def show_difference(name: str, scored: Scored, mask: np.ndarray) -> None:
    """Print what the forest adds to each method in the masked rows."""
    if len(np.unique(scored.clusters[mask])) < LEAST_CLUSTERS:
        return
    forest = scored.right(FOREST)[mask].mean()
    line = f"  {name:34} {mask.mean():6.1%} of the rows, forest {forest:.3f}"
    for method in (NAIVE_BAYES, FILTER):
        value, error = difference(scored, method, mask)
        low, high = value - NORMAL * error, value + NORMAL * error
        line += f"; less {method.split(' over')[0].split(' of')[0]} {value:+.4f} [{low:+.4f}, {high:+.4f}]"
    print(line)


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("features", nargs="?", type=Path, help="the folder of the table")
    source.add_argument("--history", type=Path, help="a folder of a git history as files")
    options = parser.parse_args()
    if options.history:
        rows = rows_of(options.history)
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = training_rows(options.features, SPEC, Path(folder))
    by_row = scored(rows)
    show("test rows", by_row)
    show_difference("all", by_row, np.ones(len(by_row.truth), dtype=bool))
    for name, mask in by_sureness(by_row):
        show_difference(name, by_row, mask)
    change_sets = row_clusters(rows).change_sets
    by_change_set = of_change_sets(by_row, change_sets)
    if len(by_change_set.truth) < len(by_row.truth):
        show("change sets", by_change_set)
        show_difference("all", by_change_set, np.ones(len(by_change_set.truth), dtype=bool))
        return
    for name, mask in by_place(rows.test):
        show_difference(name, by_row, mask)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
