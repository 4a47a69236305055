"""Users, rows and scorers whose fairness is known."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from ml_platform.adapters.plugins import spec_named
from ml_platform.evaluation.dimensions.fairness.group_statistics import (
    GroupStatistics,
    group_sums,
)
from ml_platform.evaluation.dimensions.fairness.groups import Grouping, grouping_of
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.group_metrics import PersonDecision, Rate
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set

START = datetime(2024, 1, 1, tzinfo=UTC)
POLICY = FairnessPolicy(minimum_rows=20, minimum_clusters=20)


def sums_of(
    rates: tuple[Rate, ...],
    groupings: tuple[Grouping, ...],
    units: np.ndarray | None = None,
    *,
    policy: FairnessPolicy = POLICY,
    resamples: int = 500,
    seed: int = 0,
) -> GroupStatistics:
    """SufficientStatistics where every row is a unit of its own, unless ``units`` says otherwise."""
    rows = len(rates[0].top)
    return group_sums(
        rates,
        groupings,
        np.arange(rows) if units is None else units,
        minimum_rows=policy.minimum_rows,
        minimum_units=policy.minimum_clusters,
        seed=seed,
        resamples=resamples,
    )


def decision(scores: np.ndarray, positive: np.ndarray, threshold: float = 0.5) -> PersonDecision:
    return PersonDecision(scores, threshold, positive, np.ones(len(scores), dtype=bool))


def teams(names: list[str]) -> tuple[Grouping, ...]:
    return (grouping_of("team", names),)


def users_of(count: int, teams: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(count)],
            "team": [f"team-{i % teams}" for i in range(count)],
            "region": [("emea", "apac")[(i // teams) % 2] for i in range(count)],
            "tenure_days": [(30, 200, 700, 2000)[(i // (2 * teams)) % 4] for i in range(count)],
        }
    )


def shares(users: int = 200, rows: int = 4_000, seed: int = 0) -> tuple[TrainingSet, pd.DataFrame]:
    """Rows of a share in [0, 1] with its feature ``told``, which a fair scorer hands on."""
    generator = np.random.default_rng(seed)
    base = make_training_set(40)

    def part(first: int) -> pd.DataFrame:
        user = np.sort(generator.integers(0, users, rows))
        chance = generator.beta(2, 2, rows)
        yes = generator.random(rows) < chance
        return pd.DataFrame(
            {
                "row_id": [f"r{first + i}" for i in range(rows)],
                "user_id": [f"u{i}" for i in user],
                "cluster_id": [f"u{i}" for i in user],
                "change_set_id": [f"r{first + i}" for i in range(rows)],
                "occurred_at": pd.Timestamp(START) + pd.to_timedelta(np.arange(rows), unit="min"),
                "adopted_share": np.clip(chance + generator.normal(0, 0.1, rows), 0, 1),
                "adopted": np.where(yes, "yes", "no"),
                "told": chance,
            }
        )

    record = replace(
        base.record,
        label="adopted_share",
        classes=("adopted_share",),
        features=("told",),
        feature_versions={"told": "1"},
    )
    return TrainingSet(record, part(0), part(rows)), users_of(users)


class Handed:
    """Predictions with ``told``; for users of ``team`` less by ``short``, and worth nothing where ``noise``."""

    classes = ("adopted_share",)

    def __init__(self, users: pd.DataFrame, team: str = "", short: float = 0.0) -> None:
        self.unlucky = set(users.loc[users["team"] == team, "user_id"])
        self.short = short

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        less = rows["user_id"].isin(self.unlucky).to_numpy() * self.short
        return np.clip(rows["told"].to_numpy() - less, 0.0, 1.0)[:, None]


def examined(
    rows: TrainingSet, users: pd.DataFrame | None, scorer: object, model: str = "suggestion_scorer"
) -> EvaluationContext:
    spec = spec_named(model)
    predictions = Predictions(scorer.predict_proba(rows.test), getattr(scorer, "threshold", None))
    return EvaluationContext(
        replace(spec, features=rows.record.features),
        rows,
        evaluator_of(spec.task, rows),
        scorer,
        predictions,
        seed=7,
        users=users,
        resamples=300,
    )
