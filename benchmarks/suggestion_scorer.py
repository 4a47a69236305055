"""GradientBoosting against HistGradientBoosting on shares, and what training costs at a million rows.

    python -m benchmarks.suggestion_scorer FEATURES.parquet     # suggestion_features of any home
    python -m benchmarks.suggestion_scorer --rows 1000000       # time alone, on generated rows

Both learners see the same encoded rows and the same cross-entropy; they are evaluated on the last block of time
inside the training part, never on the test part. The interval resamples users.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.training_rows import training_rows
from ml_platform.models.encoding import Encoding, fit_categories, to_grid
from ml_platform.models.gradient_boosting.fit import BoostingRows, grow
from ml_platform.models.gradient_boosting.trees import boosted_trees, export_boosting
from ml_platform.models.suggestion_scorer import HYPERPARAMETERS, LABEL_DELAY, PLAN, SPEC
from ml_platform.training_sets.time_split import Gap, row_folds

RESAMPLES = 1_000


def gradient_boosting(ready: BoostingRows, seed: int) -> object:
    """The older learner with like hyperparameters: each row once as a yes, once as a no, by weight."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        learning_rate=HYPERPARAMETERS.learning_rate,
        n_estimators=HYPERPARAMETERS.iterations,
        max_leaf_nodes=HYPERPARAMETERS.leaves,
        min_samples_leaf=HYPERPARAMETERS.leaf(len(ready.share)),
        max_features=HYPERPARAMETERS.column_share,
        random_state=seed,
    )
    weight = np.concatenate([ready.weights * ready.share, ready.weights * (1 - ready.share)])
    outcome = np.repeat([1.0, 0.0], len(ready.share))
    seen = weight > 0
    return model.fit(np.tile(ready.matrix, (2, 1))[seen], outcome[seen], sample_weight=weight[seen])


def compare(features: Path) -> None:
    """Print R2, its paired difference by users, and seconds of both learners."""
    with tempfile.TemporaryDirectory() as folder:
        training_set = training_rows(features, SPEC, Path(folder))
    rows = training_set.train
    encoding = Encoding(PLAN.encoding, 1, fit_categories(rows, PLAN.encoding), (), ())
    share = rows[SPEC.label].to_numpy(dtype=np.float64)
    weights = PLAN.weights(rows, HYPERPARAMETERS.repeat_power)
    ready = BoostingRows(encoding.transform(rows), share, weights, PLAN.signs)
    *_, last = row_folds(
        rows, HYPERPARAMETERS.folds, Gap.between_folds(LABEL_DELAY), start_blocks=2
    )
    truth = share[last.held_out]
    users = np.unique(rows["user_id"].astype(str).to_numpy()[last.held_out], return_inverse=True)[1]
    predictions = {}
    for name in ("HistGradientBoosting", "GradientBoosting"):
        started = time.perf_counter()
        if name == "HistGradientBoosting":
            predicted = grow(ready.chosen(last.fit), HYPERPARAMETERS, 0).predict(
                ready.matrix[last.held_out]
            )
        else:
            model = gradient_boosting(ready.chosen(last.fit), 0)
            predicted = model.predict_proba(ready.matrix[last.held_out])[:, 1]  # type: ignore[attr-defined]
        seconds = time.perf_counter() - started
        predictions[name] = predicted
        spread = ((truth - truth.mean()) ** 2).sum()
        print(f"{name}: R2 {1 - ((truth - predicted) ** 2).sum() / spread:.4f}, {seconds:.1f} s")
    gain = (truth - predictions["GradientBoosting"]) ** 2 - (
        truth - predictions["HistGradientBoosting"]
    ) ** 2
    drawn = np.random.default_rng(0).multinomial(
        users.max() + 1, np.full(users.max() + 1, 1 / (users.max() + 1)), RESAMPLES
    )
    totals = drawn @ np.bincount(users, gain) / spread
    low, high = np.quantile(totals, [0.025, 0.975])
    print(f"R2, Hist minus the other: {gain.sum() / spread:.4f} [{low:.4f}, {high:.4f}], by users")


def cost(count: int) -> None:
    """Print seconds of training and export on ``count`` generated rows."""
    random = np.random.default_rng(0)
    width = len(PLAN.signs)
    matrix = to_grid(random.normal(size=(count, width)) * 2.0)
    chance = 1 / (1 + np.exp(-(matrix[:, 0] + matrix[:, 1] * (matrix[:, 2] > 0))))
    share = random.binomial(10, chance) / 10
    ready = BoostingRows(matrix, share, np.ones(count), [0] * width)
    started = time.perf_counter()
    model = grow(ready, replace(HYPERPARAMETERS), 0)
    trained = time.perf_counter() - started
    size = len(export_boosting(boosted_trees(model))) / 1e6
    moment = datetime.now(tz=UTC).date()
    print(f"{count} rows, {width} columns: {trained:.0f} s on one thread, {size:.1f} MB ({moment})")


def main() -> None:
    """One of the two."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("features", type=Path, nargs="?")
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    if options.rows:
        cost(options.rows)
    elif options.features:
        compare(options.features)
    else:
        parser.print_usage(sys.stderr)


if __name__ == "__main__":
    main()
