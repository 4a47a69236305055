"""Coverage of the 95 % intervals in simulation, and their time against the scikit-learn loop.

    python benchmarks/intervals.py                 # half a minute
    python benchmarks/intervals.py --simulations 1000 --rows 100000 --loop 1000 --json

Coverage: populations of clusters with a shared effect (or independent rows), four classes of which one
is rare, a scorer that is not calibrated; the exact value comes from half a million clusters. Time: the
loop that resamples rows and calls scikit-learn is run for ``--loop`` of the 1,000 resamples, and scaled.
"""

import argparse
import json
import time

import numpy as np

from ml_platform.evaluation.intervals import RESAMPLES, Replicates, interval, replicate
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.sums import Predictions, cluster_sums

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "log_loss",
    "brier",
    "expected_calibration_error",
    "roc_auc_ovr",
    "average_precision_macro",
)
SHARES = np.array([0.55, 0.30, 0.10, 0.05])


def percentile_interval(of: Replicates) -> Estimate:
    """The plain percentile interval, to compare with."""
    low, high = np.quantile(of.resampled, [0.025, 0.975])
    return Estimate(of.value, float(low), float(high))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to one."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def draw(generator: np.random.Generator, clusters: int, size: float) -> tuple[np.ndarray, ...]:
    """Truth, clusters and two scorers' probabilities; ``size`` rows a cluster on average (1: independent)."""
    sizes = np.ones(clusters, int) if size == 1 else 1 + generator.poisson(size - 1, clusters)
    codes = np.repeat(np.arange(clusters), sizes)
    shape = (len(codes), len(SHARES))
    shared = generator.normal(0, 0 if size == 1 else 1, (clusters, len(SHARES)))[codes]
    logits = np.log(SHARES) + shared + generator.normal(0, 1.5, shape)
    exact = softmax(logits)
    truth = (generator.random(len(codes))[:, None] > exact.cumsum(axis=1)).sum(axis=1)
    good = softmax(1.3 * (logits + generator.normal(0, 0.7, shape)))
    fair = softmax(0.7 * logits + generator.normal(0, 1.0, shape))
    return np.minimum(truth, len(SHARES) - 1), codes, good, fair


def replicas(
    truth: np.ndarray, codes: np.ndarray, p: np.ndarray, seed: int
) -> dict[str, Replicates]:
    """Every metric with its resamples; clusters are codes from 0."""
    return replicate(cluster_sums(Predictions(truth, p, codes), int(codes.max()) + 1), seed=seed)


def exact_values(truth: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """The metrics of a population."""
    sums = cluster_sums(Predictions(truth, p, np.zeros_like(truth)), 1)
    return {name: float(value[0]) for name, value in sums.metrics(sums.sums).items()}


def coverage(clusters: int, size: float, simulations: int) -> dict[str, dict[str, float]]:
    """Share of simulations whose interval holds the population's value, by metric and method."""
    generator = np.random.default_rng(20_240)
    truth, _, good, fair = draw(generator, 500_000 if size == 1 else 150_000, size)
    exact, other = exact_values(truth, good), exact_values(truth, fair)
    hits: dict[str, dict[str, list[bool]]] = {}
    for seed in range(simulations):
        truth, codes, good, fair = draw(generator, clusters, size)
        left, right = replicas(truth, codes, good, seed), replicas(truth, codes, fair, seed)
        targets = {name: (left[name], exact[name]) for name in METRICS if name in left}
        for name in ("accuracy", "macro_f1"):
            paired = left[name].minus(right[name])
            targets[f"{name}, paired difference"] = (paired, exact[name] - other[name])
        for name, (of, value) in targets.items():
            both = {"ours": interval(name, of), "percentile": percentile_interval(of)}
            for method, estimate in both.items():
                held = estimate.low <= value <= estimate.high
                hits.setdefault(name, {}).setdefault(method, []).append(held)
    return {
        name: {method: float(np.mean(held)) for method, held in methods.items()}
        for name, methods in hits.items()
    }


def timing(rows: int, size: float, loop: int) -> dict[str, float]:
    """Seconds for all metrics and 1,000 resamples, ours in full, scikit-learn's scaled from ``loop``."""
    from sklearn.metrics import f1_score, roc_auc_score

    generator = np.random.default_rng(1)
    truth, codes, p, _ = draw(generator, int(rows / size), size)
    started = time.perf_counter()
    for name, of in replicas(truth, codes, p, 0).items():
        interval(name, of)
    ours = time.perf_counter() - started
    clusters = int(codes.max()) + 1
    bounds = np.searchsorted(codes, np.arange(clusters + 1))
    spent = {"f1": 0.0, "auc": 0.0}
    for _ in range(loop):
        chosen = generator.integers(0, clusters, clusters)
        taken = np.concatenate([np.arange(bounds[c], bounds[c + 1]) for c in chosen])
        y, q = truth[taken], p[taken]
        started = time.perf_counter()
        f1_score(y, q.argmax(axis=1), average="macro")
        spent["f1"] += time.perf_counter() - started
        started = time.perf_counter()
        roc_auc_score(y, q, multi_class="ovr", labels=np.arange(len(SHARES)))
        spent["auc"] += time.perf_counter() - started
    return {
        "rows": float(len(truth)),
        "clusters": float(clusters),
        "ours, all metrics": ours,
        "scikit-learn loop, macro F1 alone": spent["f1"] * RESAMPLES / loop,
        "scikit-learn loop, ROC AUC alone": spent["auc"] * RESAMPLES / loop,
    }


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--loop", type=int, default=20, help="resamples of the scikit-learn loop")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    options = parser.parse_args()
    cases = {
        "independent rows, 100": (100, 1.0),
        "independent rows, 1000": (1_000, 1.0),
        "100 clusters of 5": (100, 5.0),
        "400 clusters of 5": (400, 5.0),
    }
    found = {
        name: coverage(clusters, size, options.simulations)
        for name, (clusters, size) in cases.items()
    }
    times = {
        "independent": timing(options.rows, 1.0, options.loop),
        "clusters of 5": timing(options.rows, 5.0, options.loop),
    }
    if options.json:
        print(json.dumps({"simulations": options.simulations, "coverage": found, "seconds": times}))
        return
    for case, metrics in found.items():
        print(
            f"\n{case}: coverage of 95 % intervals, {options.simulations} simulations (ours, plain percentiles)"
        )
        for name, methods in metrics.items():
            print(f"  {name:36s} {methods['ours']:.3f}  {methods['percentile']:.3f}")
    for case, seconds in times.items():
        print(f"\n{case}: seconds for {RESAMPLES:,} resamples")
        for name, value in seconds.items():
            print(f"  {name:36s} {value:,.2f}")


if __name__ == "__main__":
    main()
