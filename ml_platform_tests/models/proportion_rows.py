"""A small model of the product's shape (boosted trees on shares) and rows whose best parameter is known.

The share is a step of ``size``: trees that take four steps of a hundredth learn next to nothing, trees with
a learning rate of .3 learn it all.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.models.encoding import EncodingPlan
from ml_platform.models.gradient_boosting.fit import (
    BoostingHyperparameters,
    BoostingPlan,
    fit_boosting,
)
from ml_platform.models.gradient_boosting.rules import fit_proportion_rules
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.spec.feature import Kind
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import FitOutcome, FitRequest, ModelSpec
from ml_platform.spec.search_space import Choice, Float, Space
from ml_platform.spec.task import ProportionRegression
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled
from ml_platform_tests.training_sets.feature_files import feature

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 40
GAP = timedelta(days=1)
FEATURES = ("size", "noise")
TABLE = FeatureTable(
    name="toys",
    title="One row a toy.",
    labels=(LabelColumn("share", "double", "The label."),),
    parts=(FeaturePart(tuple(feature(name, Kind.NUMBER) for name in FEATURES), ("toys",)),),
)
PLAN = BoostingPlan(EncodingPlan(numbers=FEATURES, categories=(), target_encoded=()))
HYPERPARAMETERS = BoostingHyperparameters(
    iterations=4, learning_rate=0.01, leaves=4, smallest_leaf=20, column_share=1.0, folds=1
)
POLICY = GatePolicy(
    quality=(
        QualityGate("over_rules", "one_minus_mae", Bound.BASELINE, 0.0, "it must be nearer"),
        QualityGate("r2", "r2", Bound.LIMIT, 0.5, "it must tell half of the differences"),
    )
)


def fit(training_set: TrainingSet, request: FitRequest) -> FitOutcome:
    hyperparameters = hyperparameters_of(HYPERPARAMETERS, request.parameters)
    return fit_boosting(training_set, PLAN, hyperparameters, GAP, request)


SPACE: Space = (Float("learning_rate", 0.001, 0.5, log=True),)


def proportion_spec(space: Space = SPACE, **defaults: float) -> ModelSpec:
    return ModelSpec(
        name="toy",
        title="Toy",
        table=TABLE,
        task=ProportionRegression(outcome="adopted"),
        label="share",
        extra_columns=("adopted", "occasions"),
        label_delay=GAP,
        test_share=0.2,
        features=FEATURES,
        policy=POLICY,
        seed=7,
        fit=fit,
        fit_rules=fit_proportion_rules,
        defaults={**asdict(HYPERPARAMETERS), **defaults},
        search_space=space,
    )


BEST_IS_DEFAULT = proportion_spec(
    (Choice("learning_rate", (0.3, 0.001, 0.0001)),), learning_rate=0.3
)


def proportion_rows(change_sets: int = 600, seed: int = 0) -> pd.DataFrame:
    """Two rows a change set, sixty users, ``DAYS`` days."""
    generator = np.random.default_rng(seed)
    change_set = np.repeat(np.arange(change_sets), 2)
    minutes = np.sort(generator.integers(0, DAYS * 1440, change_sets))[change_set] + np.tile(
        [0, 5], change_sets
    )
    size = generator.random(len(change_set))
    share = np.clip(
        np.where(size > 0.5, 0.8, 0.2) + generator.normal(0, 0.1, len(change_set)), 0, 1
    )
    return pd.DataFrame(
        {
            "row_id": [f"t{n:05d}" for n in range(len(change_set))],
            "user_id": [f"u{a % 60}" for a in change_set],
            "cluster_id": [f"u{a % 60}" for a in change_set],
            "change_set_id": [f"a{a}" for a in change_set],
            "occurred_at": pd.Timestamp(START) + pd.to_timedelta(minutes, unit="min"),
            "share": share,
            "adopted": (generator.random(len(change_set)) < share).astype(float),
            "occasions": 10.0,
            "size": size,
            "noise": generator.random(len(change_set)),
        }
    )


def proportion_training_set(change_sets: int = 600) -> TrainingSet:
    """The last fifth of the days is the test part."""
    rows = proportion_rows(change_sets)
    cut = START + timedelta(days=DAYS * 0.8)
    return assembled(
        rows[rows.occurred_at < pd.Timestamp(cut - GAP)],
        rows[rows.occurred_at >= pd.Timestamp(cut)],
        label="share",
        classes=("share",),
        features=FEATURES,
        as_of=START + timedelta(days=DAYS),
        test_from=cut,
        gap=GAP,
    )
