"""Coverage of the 95 % intervals in simulation, for each kind of model.

    python -m benchmarks.intervals                 # a few minutes
    python -m benchmarks.intervals --kinds detection replay --simulations 1000 --json

The exact values come from populations a thousand times as large (``benchmarks/interval_populations.py``). How fast
the intervals are is measured by ``benchmarks/report_speed.py``.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks import interval_populations as populations
from ml_platform.evaluation.intervals.bootstrap import Replicates, interval, replicate
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate

POPULATION_ROWS = 500_000


@dataclass(frozen=True)
class Kind:
    """A kind of model: how it is drawn, on how many clusters of what size, and the metrics to measure."""

    draw: Callable[[np.random.Generator, int, float, bool], tuple[SufficientStatistics, ...]]
    cases: tuple[tuple[int, float], ...]
    metrics: tuple[str, ...]
    paired: tuple[str, ...] = ()


KINDS = {
    "classification": Kind(
        populations.classification,
        ((100, 1), (1_000, 1), (100, 5), (400, 5)),
        (
            "accuracy",
            "balanced_accuracy",
            "macro_f1",
            "weighted_f1",
            "matthews",
            "cohen_kappa",
            "log_loss",
            "brier",
            "expected_calibration_error",
            "roc_auc_ovr",
            "roc_auc_ovr_weighted",
            "average_precision_macro",
            "average_precision_weighted",
        ),
        ("accuracy", "macro_f1", "roc_auc_ovr"),
    ),
    "share": Kind(
        populations.share,
        ((100, 1), (1_000, 1), (100, 5), (240, 30)),
        ("mse", "rmse", "mae", "bias", "r2", "spearman"),
    ),
    "detection": Kind(
        populations.detection,
        ((1_000, 1), (4_000, 1), (240, 17)),
        (
            "precision",
            "recall",
            "f1",
            "specificity",
            "balanced_accuracy",
            "matthews",
            "roc_auc",
            "average_precision",
            "precision_at_1_percent",
            "precision_at_2_percent",
            "precision_at_5_percent",
            "brier",
            "log_loss",
        ),
    ),
    "sequence": Kind(
        populations.sequence,
        ((1_000, 1), (400, 5), (1_000, 10)),
        ("accuracy", "top_3_accuracy", "macro_f1", "weighted_f1", "matthews", "log_loss", "brier"),
    ),
    "ranking": Kind(
        populations.ranking,
        ((100, 1), (1_000, 1), (240, 2)),
        ("ndcg_at_5", "precision_at_5", "recall_at_5", "hit_at_5", "map_at_5", "hit_at_1", "mrr"),
    ),
    "replay": Kind(
        populations.replay,
        ((300, 1), (2_000, 1), (240, 5)),
        (
            "relative_success",
            "policy_success",
            "policy_success_ips",
            "fixed_success",
            "roc_auc",
            "average_precision",
            "brier",
            "brier_skill",
        ),
    ),
}


def percentile_interval(of: Replicates) -> Estimate:
    """The plain percentile interval, to compare with."""
    low, high = np.quantile(of.resampled, [0.025, 0.975])
    return Estimate(of.value, float(low), float(high))


def exact_values(kind: Kind, generator: np.random.Generator, size: float) -> list[dict[str, float]]:
    """The metrics of a population, scorer by scorer."""
    whole = kind.draw(generator, int(POPULATION_ROWS / size), size, True)
    return [
        {name: float(value[0]) for name, value in of.metrics(of.sums.sum(axis=0)[None, :]).items()}
        for of in whole
    ]


def coverage(
    kind: Kind, clusters: int, size: float, simulations: int
) -> dict[str, dict[str, float]]:
    """Share of simulations whose interval holds the population's value, by metric and method."""
    generator = np.random.default_rng(20_240)
    exact = exact_values(kind, generator, size)
    hits: dict[str, dict[str, list[bool]]] = {}
    for seed in range(simulations):
        drawn = kind.draw(generator, clusters, size, False)
        replicates = [replicate(of, seed=seed) for of in drawn]
        targets = {name: (replicates[0][name], exact[0][name]) for name in kind.metrics}
        for name in kind.paired:
            difference = replicates[0][name].minus(replicates[1][name])
            targets[f"{name}, paired"] = (difference, exact[0][name] - exact[1][name])
        for name, (of, value) in targets.items():
            both = {"ours": interval(name, of), "percentile": percentile_interval(of)}
            for method, estimate in both.items():
                held = estimate.low <= value <= estimate.high
                hits.setdefault(name, {}).setdefault(method, []).append(held)
    return {
        name: {method: float(np.mean(held)) for method, held in methods.items()}
        for name, methods in hits.items()
    }


def case_name(clusters: int, size: float) -> str:
    """The name of a case in the printed table."""
    return f"{clusters} independent rows" if size == 1 else f"{clusters} clusters of {size:g}"


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    options = parser.parse_args()
    by_kind: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for name in options.kinds:
        for clusters, size in KINDS[name].cases:
            measured = coverage(KINDS[name], clusters, size, options.simulations)
            by_kind.setdefault(name, {})[case_name(clusters, size)] = measured
    if options.json:
        print(json.dumps({"simulations": options.simulations, "coverage": by_kind}))
        return
    for name, cases in by_kind.items():
        for case, metrics in cases.items():
            print(f"\n{name}, {case}: {options.simulations} simulations (ours, plain percentiles)")
            for metric, methods in metrics.items():
                print(f"  {metric:36s} {methods['ours']:.3f}  {methods['percentile']:.3f}")


if __name__ == "__main__":
    main()
