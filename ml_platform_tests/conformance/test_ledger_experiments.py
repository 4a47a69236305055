"""Both ledgers keep experiments: frozen definitions, results with their statistics, and what was pruned."""

from dataclasses import replace

import pytest

from ml_platform.errors import ConflictError
from ml_platform.experiments.definition import digest
from ml_platform.experiments.lifecycle import ExperimentEvent, Happening
from ml_platform.values import fingerprint
from ml_platform_tests.experiments.examples import definition, experiment, result
from ml_platform_tests.prediction_log.examples import HOUR
from ml_platform_tests.registry.examples import (
    AT,
)


def test_an_experiment_is_frozen_under_its_name(ledger):
    first = ledger.define_experiment(definition(), AT)
    assert first == experiment()
    assert ledger.define_experiment(definition(), AT + HOUR) == first
    with pytest.raises(ConflictError, match=r"faster is frozen since .* differs in minimum_effect"):
        ledger.define_experiment(definition(minimum_effect=0.01), AT)
    assert ledger.experiment("faster") == first
    assert ledger.experiment("other") is None
    ledger.define_experiment(definition(name="earlier"), AT - HOUR)
    assert ledger.experiment_names() == ("earlier", "faster")
    (event,) = ledger.experiment_events("faster")
    assert (event.happening, event.detail) == (Happening.DEFINED, {"hash": first.hash})


def test_a_result_is_kept_once_with_its_statistics(ledger):
    ledger.define_experiment(definition(), AT)
    assert ledger.experiment_result("faster") is ledger.experiment_statistics("faster") is None
    started = ExperimentEvent("faster", Happening.STARTED, AT, {"pid": "7"})
    ledger.record_experiment_event(started)
    assert ledger.save_experiment_result("faster", result(), b"\x00sums") is True
    later = replace(result(), finished_at=AT + HOUR)
    assert ledger.save_experiment_result("faster", later, b"other") is False
    assert ledger.experiment_result("faster") == result()
    assert ledger.experiment_statistics("faster") == b"\x00sums"
    _, second, done = ledger.experiment_events("faster")
    assert second == started
    assert done.detail == {"result": fingerprint(result()), "verdict": "promote"}


def test_a_pruned_experiment_leaves_its_log_and_its_name_is_taken(ledger):
    ledger.define_experiment(definition(), AT)
    ledger.save_experiment_result("faster", result(), b"sums")
    ledger.prune_experiment("faster", AT + HOUR)
    ledger.prune_experiment("nobody", AT)
    assert ledger.experiment_names() == ()
    assert ledger.experiment_result("faster") is ledger.experiment_statistics("faster") is None
    last = ledger.experiment_events("faster")[-1]
    assert (last.happening, last.at) == (Happening.PRUNED, AT + HOUR)
    assert last.detail == {"hash": digest(definition()), "verdict": "promote"}
    with pytest.raises(ConflictError, match="was pruned"):
        ledger.define_experiment(definition(), AT)
