"""Both arms: the rows they are evaluated on, the features they see, and that only times differ between runs."""

from dataclasses import replace

import pytest

from ml_platform.errors import InsufficientData
from ml_platform.experiments.arms import check_rows, evaluation_part, run_arms, without
from ml_platform.experiments.conclude import conclude
from ml_platform.experiments.definition import Place
from ml_platform.experiments.statistics import statistics_of
from ml_platform_tests.experiments.examples import (
    SPEC,
    definition,
    experiment,
    holdout,
    result,
    rows,
    run,
)
from ml_platform_tests.models.proportion_rows import proportion_training_set


def test_the_holdout_is_the_newest_of_the_training_part_and_the_test_part_is_not_looked_at() -> (
    None
):
    part = holdout()
    train = rows().train
    assert set(part.test.row_id) <= set(train.row_id)
    assert part.train.occurred_at.max() < part.test.occurred_at.min()
    assert part.test.occurred_at.max() == train.occurred_at.max()
    blind = replace(rows(), test=rows().test.iloc[:0])
    again = run_arms(experiment(), SPEC, blind, lambda _: None)
    assert again.statistics == run().statistics


def test_the_test_part_can_be_asked_for() -> None:
    assert evaluation_part(SPEC, rows(), Place.TEST) is rows()


def test_too_few_clusters_are_refused_before_anything_is_fitted() -> None:
    few = proportion_training_set()
    train = few.train[few.train.user_id.isin([f"u{n}" for n in range(20)])]
    with pytest.raises(InsufficientData, match="20 clusters; an interval needs 30"):
        evaluation_part(SPEC, replace(few, train=train.reset_index(drop=True)), Place.HOLDOUT)


def test_the_planted_improvement_is_promoted_and_the_same_again() -> None:
    lines: list[str] = []
    again = run_arms(experiment(), SPEC, rows(), lines.append)
    assert again.statistics == run().statistics
    assert again.measured.variant.artifact_sha256 == run().measured.variant.artifact_sha256
    assert again.measured.baseline.latency_ms > 0
    assert [line for line in lines if line.startswith("arm 2/2")]
    assert result().conclusion.verdict == "promote"


def test_a_feature_that_is_left_out_teaches_nothing() -> None:
    part = without(holdout(), ("size",))
    assert part.train["size"].nunique() == part.test["size"].nunique() == 1
    assert part.train["size"].iloc[0] == holdout().train["size"].median()
    assert holdout().train["size"].nunique() > 1
    blinded = experiment(change=("features=-size",), baseline=("learning_rate=0.3",), guardrail=())
    arms = run_arms(blinded, SPEC, rows(), lambda _: None)
    verdict = conclude(blinded.definition, arms.measured, statistics_of(arms.statistics))
    assert verdict.row == "shown worse than the baseline"


def test_words_and_lists_are_held_constant_too() -> None:
    part = holdout()
    tool = ["vim", "vim", "sed"] * len(part.train)
    with_words = replace(
        part,
        train=part.train.assign(tool=tool[: len(part.train)], words=[["a", "b"]] * len(part.train)),
        test=part.test.assign(tool="awk", words=[["c"]] * len(part.test)),
    )
    constant = without(with_words, ("tool", "words"))
    assert set(constant.test["tool"]) == {"vim"}
    assert constant.test["words"].iloc[0] == []


def test_a_run_is_of_the_definition_that_was_stored_whatever_is_parsed_of_it() -> None:
    stored_by_an_earlier_release = replace(experiment(), hash="e" * 64, text_sha256="e" * 64)
    again = run_arms(stored_by_an_earlier_release, SPEC, rows(), lambda _: None)
    assert again.measured.definition_hash == "e" * 64


def test_other_rows_are_named() -> None:
    assert check_rows(definition(), "f" * 64) == ""
    assert "frozen on the training set ffffffffffff of toy" in check_rows(definition(), "0" * 64)
