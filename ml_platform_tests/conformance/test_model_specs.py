"""What holds for every model of the catalogue."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import numpy as np
import pytest

from ml_platform.adapters.plugins import spec_named
from ml_platform.errors import UsageError
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.feature import Kind
from ml_platform.spec.gates import Bound
from ml_platform.spec.model import FitRequest, ModelSpec, Parameter
from ml_platform.spec.search_space import defaults_in
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.conformance.scorer_examples import (
    adoptions,
    sessions,
    start_times,
    steps,
    suggestions,
)
from ml_platform_tests.features.table_keys import KEYS
from ml_platform_tests.models import suggestion_rows

each_model = pytest.mark.parametrize("spec", MODELS, ids=[spec.name for spec in MODELS])


def test_names_are_unique() -> None:
    assert len({spec.name for spec in MODELS}) == len(MODELS)


@each_model
def test_inputs_are_features_of_its_table_and_the_rest_are_labels(spec: ModelSpec) -> None:
    features = {feature.name for feature in spec.table.features}
    labels = {label.name for label in spec.table.labels}
    assert set(spec.features) <= features
    assert {spec.label, *spec.extra_columns} <= labels


@each_model
def test_it_must_beat_its_baseline_and_is_watched(spec: ModelSpec) -> None:
    bounds = {gate.bound for gate in spec.policy.quality}
    assert {Bound.BASELINE, Bound.CHAMPION} <= bounds
    assert spec.monitored_metric in adapter_of(spec.task).gains
    assert all(gate.why for gate in spec.policy.quality)


@each_model
def test_a_challenged_model_is_trained_before_on_the_same_table(spec: ModelSpec) -> None:
    names = [other.name for other in MODELS]
    assert (Bound.CHALLENGED in {gate.bound for gate in spec.policy.quality}) == bool(
        spec.challenges
    )
    if spec.challenges:
        assert names.index(spec.challenges) < names.index(spec.name)
        assert spec_named(spec.challenges).table == spec.table


def test_a_name_that_is_no_model_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match="no model 'forest'") as error:
        spec_named("forest")
    assert MODELS[0].name in str(error.value)


@each_model
def test_the_search_begins_at_the_defaults(spec: ModelSpec) -> None:
    start = defaults_in(spec.search_space, spec.defaults)
    assert start == {
        dimension.name: spec.defaults[dimension.name] for dimension in spec.search_space
    }


@each_model
def test_it_declares_how_it_is_trained_and_shown(spec: ModelSpec) -> None:
    assert spec.title
    assert spec.needs
    assert spec.technologies
    assert spec.label_delay > timedelta(0)
    assert 0 < spec.test_share < 1
    assert spec.policy.quality
    assert not set(spec.features) & {*KEYS, spec.label, *spec.extra_columns}


class Untouchable:
    """A test part that fails whoever looks at it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the fit looked at the test part ({name})")

    def __getitem__(self, name: object) -> Any:
        raise AssertionError(f"the fit looked at the test part ({name})")


SMALL: Mapping[str, tuple[Callable[[], TrainingSet], dict[str, Parameter]]] = {
    "suggestion_scorer": (suggestions, {**suggestion_rows.SMALL, "iterations": 3}),
    "sequence_ngram": (steps, {}),
    "trigger_predictor": (start_times, {}),
    "workflow_recommender": (adoptions, {"choose": False}),
    "workflow_recommender_ease": (adoptions, {"choose": False}),
    "anomaly_detector": (sessions, {"trees": 5}),
}
"""Models whose own fit is cheap on synthetic rows of their table."""


@pytest.mark.parametrize("name", SMALL)
def test_a_fit_looks_at_the_training_part_alone(name: str) -> None:
    spec = spec_named(name)
    rows, parameters = SMALL[name]
    training_set = replace(rows(), test=cast(Any, Untouchable()))
    request = FitRequest(spec.seed, {**spec.defaults, **parameters})
    outcome = spec.fit(training_set, request)
    rules = spec.fit_rules(training_set)
    assert outcome.artifact.classes == rules.classes
    assert set(outcome.artifact.features) <= set(spec.features)
    assert set(rules.features) <= set(spec.features) | {spec.label}


@pytest.mark.parametrize("value", [1.0, np.nan], ids=["constant", "missing"])
@pytest.mark.parametrize("name", SMALL)
def test_numbers_that_never_vary_in_training_stay_inputs_of_the_artifact(
    name: str, value: float
) -> None:
    """Short histories have such numbers; the schema gate compares an artifact's inputs with the declared ones."""
    spec = spec_named(name)
    rows, parameters = SMALL[name]
    training_set = rows()
    numbers = {feature.name for feature in spec.table.features if feature.kind is Kind.NUMBER}
    flat = training_set.train.assign(**dict.fromkeys(numbers & set(spec.features), value))
    request = FitRequest(spec.seed, {**spec.defaults, **parameters})
    outcome = spec.fit(replace(training_set, train=flat), request)
    assert set(outcome.artifact.features) == set(spec.features)
    served = scorer_of(outcome.artifact).predict_proba(training_set.test)
    expected = outcome.estimator.predict_proba(training_set.test)
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-5)
