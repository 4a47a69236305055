"""A small artifact of every kind, with rows that it scores; made once a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import pandas as pd

from ml_platform.models import (
    anomaly_detector,
    sequence_ngram,
    suggestion_scorer,
    trigger_predictor,
    workflow_recommender,
    workflow_recommender_ease,
)
from ml_platform.models.random_forest.fit import ForestHyperparameters, fit_forest_model
from ml_platform.models.rules import fit_rules
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import FitRequest, ModelSpec, Parameter
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models import (
    adoption_rows,
    nets,
    pattern_rows,
    session_rows,
    start_time_rows,
    step_rows,
    suggestion_rows,
)

ROWS = 40
FOREST = ForestHyperparameters(
    trees=4,
    smallest_leaf=3,
    leaf_share=0.0,
    drawn_share=0.6,
    drawn_most=200,
    change_set_weight_power=0.5,
    folds=2,
    threads=1,
)


@dataclass(frozen=True)
class Example:
    """An artifact, and rows that it scores."""

    artifact: Artifact
    rows: pd.DataFrame


def example_of(training_set: TrainingSet, artifact: Artifact) -> Example:
    """The artifact with the first test rows, under labels from 0."""
    return Example(artifact, training_set.test.iloc[:ROWS].reset_index(drop=True))


def fitted(spec: ModelSpec, training_set: TrainingSet, **parameters: Parameter) -> Example:
    outcome = spec.fit(training_set, FitRequest(1, {**spec.defaults, **parameters}))
    return example_of(training_set, outcome.artifact)


def rules(spec: ModelSpec, training_set: TrainingSet) -> Example:
    return example_of(training_set, spec.fit_rules(training_set))


def random_forest() -> Example:
    rows = pattern_rows.training_set(60)
    outcome = fit_forest_model(
        rows, pattern_rows.PLAN, FOREST, 1, timedelta(hours=1), lambda _: None
    )
    return example_of(rows, outcome.artifact)


def classification_rules() -> Example:
    rows = pattern_rows.training_set(60)
    return example_of(rows, fit_rules(rows))


def sequence_network() -> Example:
    from ml_platform.models.sequences.fit import fit_network

    rows = step_rows.training_set(30)
    # The transformer, since an LSTM takes ten times as long to export.
    hyperparameters = replace(nets.TRANSFORMER, first=8, second=8, layers=1, visits=500)
    outcome = fit_network(rows, FitRequest(1), nets.PLAN, hyperparameters, timedelta(hours=2))
    return example_of(rows, outcome.artifact)


@cache
def suggestions() -> TrainingSet:
    return suggestion_rows.suggestion_set()


@cache
def sessions() -> TrainingSet:
    return session_rows.training_set(session_rows.synthetic_rows(400, share=0.05))


@cache
def start_times() -> TrainingSet:
    return start_time_rows.training_set(start_time_rows.synthetic_rows(150))


@cache
def adoptions() -> TrainingSet:
    return adoption_rows.training_set(adoption_rows.snapshots(60))


@cache
def steps() -> TrainingSet:
    return step_rows.training_set(40)


EXAMPLES: Mapping[str, Callable[[], Example]] = {
    "random_forest": random_forest,
    "classification_rules": classification_rules,
    "gradient_boosting": lambda: fitted(
        suggestion_scorer.SPEC, suggestions(), **{**suggestion_rows.SMALL, "iterations": 5}
    ),
    "proportion_rules": lambda: rules(suggestion_scorer.SPEC, suggestions()),
    "isolation_forest": lambda: fitted(anomaly_detector.SPEC, sessions(), trees=5, samples=64),
    "detection_rules": lambda: rules(anomaly_detector.SPEC, sessions()),
    "start_time": lambda: fitted(trigger_predictor.SPEC, start_times()),
    "start_time_rules": lambda: rules(trigger_predictor.SPEC, start_times()),
    "matrix_factorisation": lambda: fitted(
        workflow_recommender.SPEC, adoptions(), choose=False, tastes=4
    ),
    "ease": lambda: fitted(workflow_recommender_ease.SPEC, adoptions(), choose=False),
    "popularity": lambda: rules(workflow_recommender.SPEC, adoptions()),
    "ngram": lambda: fitted(sequence_ngram.SPEC, steps()),
    "sequence_network": sequence_network,
}


@cache
def example(kind: str) -> Example:
    """The example of an artifact kind, by its name."""
    return EXAMPLES[kind]()
