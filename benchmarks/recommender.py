"""The recommenders on planted tastes: against popularity and references, at a million pairs, and one row.

    python benchmarks/recommender.py                      # half a minute
    python benchmarks/recommender.py --pairs 1000000      # minutes

Users mix a few of twelve tastes, each a distribution over items with a long tail; items come one after another by
the user's mixture, without return. The first part of a user's items is history, the next trains, the last
tests. Beside each recommender: popularity, the truth (the user's own mixture), and the reference, which is
scikit-learn's ``transform`` for the factors and a ridge regression an item for EASE.
"""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.recommenders.item_weights import ItemWeightsScorer
from ml_platform.models.recommenders.top_items import hits, ndcg_rows, top_items, wanted
from ml_platform.models.workflow_recommender import SPEC
from ml_platform.models.workflow_recommender_ease import SPEC as EASE
from ml_platform.spec.model import FitRequest
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

TASTES = 12
HISTORY = 40
"""Items of a user; of these the last ten are begun in the test."""
STEPS = (10, 20, 30)
"""Lengths of the history at a user's three snapshots."""
START = datetime(2026, 1, 5, tzinfo=UTC)
GAP = timedelta(days=14)


def planted(users: int, items: int, seed: int) -> tuple[TrainingSet, np.ndarray]:
    """A training set of ``users``, and the true chances of each item, shape (users, items)."""
    random = np.random.default_rng(seed)
    tail = 1.0 / (1.0 + np.arange(items)) ** 0.6
    tastes = random.gamma(0.3, 1.0, (TASTES, items)) * random.permutation(tail)
    tastes /= tastes.sum(axis=1, keepdims=True)
    chances = random.dirichlet(np.full(TASTES, 0.15), users) @ tastes
    # The largest of log chance + Gumbel noise, in order, is a draw without return (Plackett-Luce).
    noise = random.gumbel(size=chances.shape)
    order = np.argsort(-(np.log(chances + 1e-12) + noise), axis=1)[:, :HISTORY]
    names = np.array([f"item-{n:05d}" for n in range(items)], dtype=object)
    parts = [_rows(names[order], step, moment) for moment, step in enumerate(STEPS)]
    train, test = pd.concat(parts[:2], ignore_index=True), parts[2]
    training_set = assembled(
        train,
        test,
        model=SPEC.name,
        source="planted",
        table=SPEC.table.name,
        label=SPEC.label,
        classes=tuple(names),
        features=SPEC.features,
        gap=GAP,
        as_of=START + 6 * GAP,
    )
    return training_set, chances


def _rows(order: np.ndarray, step: int, moment: int) -> pd.DataFrame:
    """One row per user with ``step`` items of history; what comes next is begun."""
    users = [f"u{n:06d}" for n in range(len(order))]
    return pd.DataFrame(
        {
            "row_id": [f"{user}@{moment}" for user in users],
            "user_id": users,
            "cluster_id": users,
            "change_set_id": [f"{user}@{moment}" for user in users],
            "occurred_at": pd.Timestamp(START + moment * 1.01 * GAP),
            "next_used": list(order[:, step : step + 10]),
            "used": list(order[:, :step]),
            "recent": list(order[:, step - 3 : step]),
            "recent_doings": [[]] * len(users),
            "team": None,
        }
    )


def gain(scores: np.ndarray, rows: pd.DataFrame, items: tuple[str, ...], k: int = 10) -> float:
    """Mean over the rows of nDCG at k."""
    truth = wanted(rows["next_used"], items)
    return float(ndcg_rows(hits(top_items(scores, k), truth.known), truth.total).mean())


def reference_ease(scorer: ItemWeightsScorer, gram: np.ndarray, penalty: float) -> float:
    """Largest difference of a weight to the ridge regression of one item in ten on all the others."""
    ridge = penalty * np.trace(gram) / len(gram)
    worst = 0.0
    for item in range(0, len(gram), 10):
        others = np.delete(np.arange(len(gram)), item)
        left = gram[np.ix_(others, others)] + ridge * np.eye(len(others))
        expected = np.linalg.solve(left, gram[others, item])
        worst = max(worst, float(np.abs(scorer.array[others, item] - expected).max()))
    return worst


def one_row_ms(scorer: object, row: pd.DataFrame) -> float:
    """Median of 300 answers to one row."""
    taken = []
    for _ in range(300):
        started = time.perf_counter()
        scorer.predict_proba(row)  # type: ignore[attr-defined]
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)) * 1e3


def measure(users: int, items: int, seed: int) -> dict[str, float]:
    """Every figure, by name."""
    from ml_platform.models.recommenders.user_vectors import adoption_matrix, latest_rows

    training_set, chances = planted(users, items, seed)
    names, test = training_set.record.classes, training_set.test
    sample = test.head(4_000)
    has = wanted(sample["used"], names).known
    figures = {"pairs": float(users * HISTORY), "users": float(users), "items": float(items)}
    figures["popularity"] = gain(
        scorer_of(SPEC.fit_rules(training_set)).predict_proba(sample), sample, names
    )
    figures["truth"] = gain(np.where(has, -1.0, chances[: len(sample)]), sample, names)
    for spec in (SPEC, EASE):
        started = time.perf_counter()
        outcome = spec.fit(training_set, FitRequest(spec.seed, spec.defaults))
        name = spec.name.removeprefix("workflow_")
        figures[f"{name} seconds"] = time.perf_counter() - started
        scorer = scorer_of(outcome.artifact)
        scores = scorer.predict_proba(sample)
        figures[name] = gain(scores, sample, names)
        reference = outcome.estimator.predict_proba(sample)
        figures[f"{name} parity"] = float(np.abs(scores - reference).max())
        figures[f"{name} one row ms"] = one_row_ms(scorer, sample.head(1))
        if isinstance(scorer, ItemWeightsScorer):
            newest = latest_rows(training_set.train, "user_id", "occurred_at")
            growth = float(outcome.parameters["growth"])
            matrix = adoption_matrix(newest, SPEC.label, names, 0.0, growth)
            gram = (matrix.T @ matrix).toarray()
            penalty = float(outcome.parameters["penalty"])
            figures[f"{name} reference"] = reference_ease(scorer, gram, penalty)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=80_000)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measure(given.pairs // HISTORY, given.items, given.seed)
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:40} {value:14.6g}")


if __name__ == "__main__":
    main()
