"""What a fitted network answers, and that equal inputs give equal bytes."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ml_platform
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.spec.model import FitOutcome, FitRequest, Scorer
from ml_platform.spec.training_set import CLUSTER, TrainingSet
from ml_platform_tests.models.nets import LSTM, PLAN, TRANSFORMER, accuracy, majority
from ml_platform_tests.models.step_rows import of_rows, synthetic_rows, training_set

GAP = timedelta(hours=12)


def fit(
    made: TrainingSet, hyperparameters: NetworkHyperparameters, said: list[str] | None = None
) -> FitOutcome:
    from ml_platform.models.sequences.fit import fit_network

    progress = (said if said is not None else []).append
    return fit_network(made, FitRequest(1, {}, progress), PLAN, hyperparameters, GAP)


def train(made: TrainingSet, hyperparameters: NetworkHyperparameters) -> Scorer:
    from ml_platform.models.sequences.fit import train_network

    return train_network(made, FitRequest(1), PLAN, hyperparameters, GAP)[0]


@pytest.fixture(scope="module")
def made() -> TrainingSet:
    return training_set(220)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def fitted(made: TrainingSet, said: list[str]) -> FitOutcome:
    return fit(made, TRANSFORMER, said)


@pytest.fixture(scope="module")
def lstm(made: TrainingSet) -> FitOutcome:
    return fit(made, LSTM)


def test_the_transformer_finds_the_third_last_step(made, fitted):
    assert accuracy(fitted.estimator, made.test) > majority(made.train, made.test) + 0.4


def test_the_lstm_finds_more_than_the_marginal(made, lstm):
    assert accuracy(lstm.estimator, made.test) > majority(made.train, made.test) + 0.4


def test_an_early_step_raises_the_alarm(made, fitted):
    scorer = scorer_of(fitted.artifact)
    alarm = scorer.predict_proba(made.test)[:, -1] >= scorer.threshold
    need = (made.test["workflow_soon"] == "yes").to_numpy()
    assert 2 * (alarm & need).sum() / (alarm.sum() + need.sum()) > 0.5


@pytest.mark.parametrize("which", ["fitted", "lstm"])
def test_the_artifact_answers_as_the_estimator(which, made, request):
    outcome = request.getfixturevalue(which)
    scorer = scorer_of(outcome.artifact)
    served, wanted = scorer.predict_proba(made.test), outcome.estimator.predict_proba(made.test)
    assert scorer.classes == outcome.estimator.classes == (*made.record.classes, "soon")
    assert np.abs(served - wanted).max() < 1e-5
    assert served[:, :-1].sum(axis=1) == pytest.approx(np.ones(len(served)), abs=1e-5)
    assert scorer.threshold == outcome.estimator.threshold


@pytest.mark.parametrize("which", ["fitted", "lstm"])
def test_one_row_is_scored_and_no_row_at_all(which, made, request):
    scorer = scorer_of(request.getfixturevalue(which).artifact)
    one = made.test.iloc[:1]
    assert scorer.predict_proba(one).shape == (1, len(scorer.classes))
    assert scorer.predict_proba(one.iloc[:0]).shape == (0, len(scorer.classes))


def test_steps_and_words_that_were_never_seen_are_answered(made, fitted):
    strange = made.test.iloc[:3].copy()
    strange["steps"] = [["no:such"], [], None]
    answers = scorer_of(fitted.artifact).predict_proba(strange)
    assert np.isfinite(answers).all()


def test_the_order_of_the_steps_is_what_it_knows(made):
    """Steps in a drawn order, in training and test: what is left is close to the marginal."""
    random = np.random.default_rng(3)
    mixed = pd.concat([made.train, made.test], ignore_index=True)
    mixed["steps"] = [list(random.permutation(steps)) for steps in mixed["steps"]]
    # The position in the session still tells where it ends.
    mixed = mixed[mixed["next_step"] != "end"].reset_index(drop=True)
    shuffled = of_rows(mixed)
    found = accuracy(train(shuffled, TRANSFORMER), shuffled.test)
    assert found < majority(shuffled.train, shuffled.test) + 0.2


def test_drawn_labels_teach_nothing():
    rows = synthetic_rows(220)
    rows["next_step"] = np.random.default_rng(4).permutation(rows["next_step"].to_numpy())
    made = of_rows(rows)
    found = accuracy(train(made, replace(TRANSFORMER, visits=8_000)), made.test)
    most = made.test["next_step"].value_counts(normalize=True).max()
    assert found < most + 0.05


def test_users_are_not_known_to_it(made, fitted):
    rows = made.test.assign(user_id="another", change_set_id="x")
    again = fitted.estimator.predict_proba(rows)
    assert (again == fitted.estimator.predict_proba(made.test)).all()


def test_where_no_need_is_known_soon_is_never(made):
    unknown = replace(made, train=made.train.assign(workflow_soon=None))
    trained = train(unknown, replace(TRANSFORMER, visits=2_000))
    assert not trained.predict_proba(made.test)[:, -1].any()
    assert trained.threshold == 1.0


def test_several_networks_answer_by_their_mean_and_may_learn_the_newest_rows_too(made):
    hyperparameters = replace(TRANSFORMER, visits=2_000, members=2, again=True)
    outcome = fit(made, hyperparameters)
    served = scorer_of(outcome.artifact).predict_proba(made.test)
    assert np.abs(served - outcome.estimator.predict_proba(made.test)).max() < 1e-5
    assert {found["member"] for found in outcome.fold_metrics} == {0.0, 1.0}


def test_training_leaves_torch_as_it_was(made):
    import torch

    threads = torch.get_num_threads()
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    train(made, replace(TRANSFORMER, visits=2_000))
    assert torch.rand(1) == wanted
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_progress_tells_every_epoch(said, fitted):
    assert fitted.parameters["encoder"] == "transformer"
    epochs = [line for line in said if line.startswith("epoch ")]
    assert len(epochs) == len(fitted.fold_metrics)
    assert "[##" in epochs[-1]
    assert "validation loss" in epochs[-1]


def test_sessions_of_the_validating_block_are_not_trained_on(made, said, fitted):
    rows = made.train[CLUSTER].nunique() * 12
    told = said[0].split()
    assert int(told[0]) + int(told[3]) < rows


PROCESS = """
from ml_platform_tests.models.test_sequence_training import hashes
print(*hashes())
"""


def hashes() -> list[str]:
    """Of both networks on few rows, with dropout."""
    small = training_set(30)
    hyperparameters = (replace(LSTM, visits=600), replace(TRANSFORMER, visits=600, dropout=0.2))
    return [fit(small, hyperparameters).artifact.sha256 for hyperparameters in hyperparameters]


def test_the_same_seed_gives_the_same_hash_in_two_processes():
    folder = Path(ml_platform.__file__).parents[1]
    told = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True, cwd=folder
    )
    assert told.stdout.split() == hashes()
