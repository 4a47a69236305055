"""Synthetic start times whose success follows workflow and hour, as rows of the feature table."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.features.start_time_features import TABLE
from ml_platform.models.trigger_predictor import SPEC
from ml_platform.spec.feature import Kind
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

START = datetime(2026, 1, 1, tzinfo=UTC)
WORKFLOWS = ("export", "report", "sync", "clean")
BEST = np.array([2.0, 9.0, 15.0, 21.0])


def true_success(workflow: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """Probability of success of each launch, by code of the workflow and local hour."""
    return np.asarray(
        1 / (1 + np.exp(0.3 - 1.3 * np.cos((hour + 0.5 - BEST[workflow]) * np.pi / 12)))
    )


def synthetic_rows(launches: int = 1_500, seed: int = 0, candidates: int = 4) -> pd.DataFrame:
    """Every candidate hour of launches by thirty users, one of them drawn with its logged propensity."""
    random = np.random.default_rng(seed)
    hours = np.sort(random.random((launches, 24)).argsort(axis=1)[:, :candidates], axis=1)
    odds = np.exp(random.normal(0, 0.4, hours.shape))
    propensity = odds / odds.sum(axis=1, keepdims=True)
    drawn = (np.cumsum(propensity, axis=1) < random.random((launches, 1))).sum(axis=1)
    drawn = np.minimum(drawn, candidates - 1)
    each = np.arange(launches)
    workflow = random.integers(0, len(WORKFLOWS), launches)
    good = random.random(launches) < true_success(workflow, hours[each, drawn])
    launch = np.repeat(each, candidates)
    hour = hours.ravel().astype(np.float64)
    chosen = (np.arange(candidates) == drawn[:, None]).ravel()
    outcome = np.where(good, "yes", "no")[launch].astype(object)
    rows = pd.DataFrame(
        {
            "row_id": [f"x{a:05d}:{int(h)}" for a, h in zip(launch, hour, strict=True)],
            "user_id": [f"u{a % 30}" for a in launch],
            "cluster_id": [f"u{a % 30}" for a in launch],
            "change_set_id": [f"x{a:05d}" for a in launch],
            "occurred_at": [START + timedelta(minutes=60 * int(a)) for a in launch],
            "succeeded": np.where(chosen, outcome, None),
            "outcome": outcome,
            "chosen": chosen.astype(np.float64),
            "propensity": propensity[each, drawn][launch],
            "logged_hour": hours[each, drawn][launch].astype(np.float64),
            "slot": hour,
            "workflow": np.array(WORKFLOWS)[workflow][launch],
            "launch_trigger": "schedule",
            "hour": hour,
            "hour_sin": np.sin((hour + 0.5) * np.pi / 12),
            "hour_cos": np.cos((hour + 0.5) * np.pi / 12),
            "truth": true_success(workflow[launch], hour),
        }
    )
    for feature in TABLE.features:
        if feature.kind is Kind.NUMBER and feature.name not in rows:
            noise = random.random(len(rows))
            rows[feature.name] = np.where(random.random(len(rows)) < 0.1, np.nan, noise)
    return rows


def training_set(rows: pd.DataFrame, share: float = 0.7) -> TrainingSet:
    """The first ``share`` of launches train, the rest test."""
    cut = rows["occurred_at"].sort_values().iloc[int(len(rows) * share)]
    train, test = rows[rows["occurred_at"] < cut], rows[rows["occurred_at"] >= cut]
    return assembled(
        train,
        test,
        label=SPEC.label,
        classes=SPEC.classes,
        features=SPEC.features,
        as_of=START + timedelta(days=100),
        model=SPEC.name,
        table=TABLE.name,
        test_from=cut,
    )
