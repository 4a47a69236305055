"""What holds for every model of the catalogue."""

import pytest

from ml_platform.adapters.plugins import spec_named
from ml_platform.errors import UsageError
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import Bound
from ml_platform.spec.model import ModelSpec

each_model = pytest.mark.parametrize("spec", MODELS, ids=[spec.name for spec in MODELS])


def test_names_are_unique() -> None:
    assert len({spec.name for spec in MODELS}) == len(MODELS)


@each_model
def test_inputs_are_features_of_its_table_and_the_rest_are_labels(spec: ModelSpec) -> None:
    features = {feature.name for feature in spec.table.features}
    labels = {label.name for label in spec.table.labels}
    assert set(spec.features) <= features
    assert {spec.label, *spec.carried} <= labels


@each_model
def test_it_must_beat_its_baseline_and_is_watched(spec: ModelSpec) -> None:
    bounds = {gate.bound for gate in spec.policy.quality}
    assert {Bound.BASELINE, Bound.CHAMPION} <= bounds
    assert spec.monitored in adapter_of(spec.task).gains
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
