"""Each probe finds the failure that was planted for it, and nothing is said against a sturdy scorer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.dimensions.robustness.dimension import ANSWERED, robustness
from ml_platform.spec.model import Scorer
from ml_platform_tests.evaluation.dimensions.robustness.toys import (
    NUMBERS,
    BlindToRare,
    Explodes,
    Memorises,
    OneColumn,
    Outdated,
    Sturdy,
    TwoColumns,
    examined,
    training_set,
)

ROWS = training_set(800)


def dimension_of(scorer: Scorer) -> Dimension:
    return robustness(examined(scorer, ROWS))


def value(dimension: Dimension, measure: str) -> float:
    return dimension.measures[measure].value


@pytest.fixture(scope="module")
def sturdy() -> Dimension:
    return dimension_of(Sturdy())


def test_a_sturdy_scorer_stands(sturdy: Dimension) -> None:
    assert sturdy.measures["score"].low > 8
    assert value(sturdy, "noise_retained") > 0.9
    assert value(sturdy, "missing_retained") > 0.85
    assert value(sturdy, "missing_column_retained") > 0.95
    assert value(sturdy, "extremes_retained") > 0.95
    assert value(sturdy, "shift_worst_retained") > 0.9
    assert value(sturdy, "worst_class_recall") > 0.85
    assert abs(value(sturdy, "overconfidence_perturbed")) < 0.1
    assert value(sturdy, "unanswered") == 0
    assert not sturdy.undefined
    assert not sturdy.not_applicable
    assert set(sturdy.measures) == set(ANSWERED)


def test_the_score_is_the_mean_of_the_parts_shown(sturdy: Dimension) -> None:
    parts = [part.score for part in sturdy.parts]
    assert len(parts) == 10
    assert all(1 <= score <= 10 for score in parts)
    assert value(sturdy, "score") == pytest.approx(np.mean(parts), abs=0.01)
    for estimate in sturdy.measures.values():
        assert estimate.low <= estimate.value + 1e-9
        assert estimate.value <= estimate.high + 1e-9


def test_curves_begin_with_the_unchanged_rows(sturdy: Dimension) -> None:
    noise = next(chart for chart in sturdy.charts if chart.title.startswith("Noise"))
    accuracy = next(series for series in noise.series if series.name == "accuracy")
    assert accuracy.x == (0.0, 0.1, 0.25, 0.5, 1.0)
    assert len(accuracy.low) == len(accuracy.high) == len(accuracy.y) == 5
    missing = next(chart for chart in sturdy.charts if chart.title.startswith("Cells"))
    assert missing.series[0].x == (0.0, 0.1, 0.3, 0.5)
    assert missing.series[0].y[0] == accuracy.y[0] > missing.series[0].y[-1]


def test_one_that_rests_on_one_column_is_found_and_the_column_named() -> None:
    dimension = dimension_of(OneColumn())
    assert value(dimension, "missing_column_retained") == pytest.approx(0, abs=0.01)
    assert any(text.startswith("Without word, accuracy falls from") for text in dimension.findings)
    assert dimension.watch[0].startswith("word:")
    assert any("Fill a missing word" in text for text in dimension.advice) is False


def test_one_that_explodes_with_extremes_is_found_with_what_would_help() -> None:
    dimension = dimension_of(Explodes())
    assert value(dimension, "extremes_worst_retained") < 0.5
    assert value(dimension, "unanswered") == 0
    assert any("Keep numbers within the range" in text for text in dimension.advice)


def test_one_that_stops_at_infinity_is_found() -> None:
    dimension = dimension_of(Explodes(crashes=True))
    assert value(dimension, "unanswered") == 3
    assert value(dimension, "extremes_worst_retained") == 0
    assert any("input contains infinity" in text for text in dimension.findings)


def test_one_that_is_too_sure_outside_is_found() -> None:
    honest, overconfident = (
        dimension_of(TwoColumns(sure=False)),
        dimension_of(TwoColumns(sure=True)),
    )
    for measure in ("overconfidence_ood", "overconfidence_perturbed"):
        assert overconfident.measures[measure].low > honest.measures[measure].high
    assert (
        value(honest, "overconfidence_perturbed")
        < 0.1
        < value(overconfident, "overconfidence_perturbed")
    )
    assert value(honest, "ood_auc_confidence") > 0.6
    assert value(overconfident, "ood_auc_confidence") == pytest.approx(0.5)
    assert any("Do not act on confidence alone" in text for text in overconfident.advice)


def test_one_that_never_says_the_rare_class_is_found() -> None:
    dimension = dimension_of(BlindToRare())
    assert value(dimension, "worst_class_recall") == 0
    assert value(dimension, "label_shift_retained") < 0.9
    assert any(text.startswith("Of the class rare") for text in dimension.findings)
    assert any("rows of rare" in text for text in dimension.advice)


def test_one_that_is_outdated_is_found() -> None:
    middle = ROWS.test["occurred_at"].iloc[len(ROWS.test) // 2]
    dimension = dimension_of(Outdated(middle))
    assert value(dimension, "newest_half_retained") < 0.2
    assert any("newest half of the test period" in text for text in dimension.findings)


def test_one_that_knows_values_by_heart_is_found_and_has_a_low_score() -> None:
    known = frozenset(np.concatenate([ROWS.test[name] for name in NUMBERS]).tolist())
    dimension = dimension_of(Memorises(known))
    assert value(dimension, "noise_retained") == 0
    assert value(dimension, "decisions_kept") < 0.7
    assert dimension.measures["score"].high < 6


def test_rare_classes_are_insufficient_when_too_few() -> None:
    rows = training_set(400)
    keep = ~(rows.test["label"] == "rare") | (np.arange(400) < 100)
    dimension = robustness(examined(Sturdy(), replace(rows, test=rows.test[keep])))
    assert any("Nothing can be said of 1 classes" in text for text in dimension.findings)
    table = next(t for t in dimension.tables if t.title == "Classes recognised worst")
    assert {row[0] for row in table.rows} == {"common", "other"}


@pytest.mark.parametrize("count", [2, 20])
def test_few_rows_say_nothing(count: int) -> None:
    dimension = robustness(examined(Sturdy(), replace(ROWS, test=ROWS.test.iloc[:count])))
    assert not dimension.measures
    assert set(dimension.undefined) == set(ANSWERED)
    assert "clusters of test rows" in dimension.undefined["score"]


def test_one_cluster_says_nothing() -> None:
    rows = replace(ROWS, test=ROWS.test.assign(cluster_id="c"))
    assert "1 clusters" in robustness(examined(Sturdy(), rows)).undefined["score"]


def test_without_skill_there_is_none_to_lose() -> None:
    rows = training_set(600)
    shuffled = rows.test.assign(label=np.random.default_rng(0).permutation(rows.test["label"]))
    dimension = robustness(examined(Sturdy(), replace(rows, test=shuffled)))
    assert "no skill to lose is shown" in dimension.undefined["score"]


def test_a_missing_column_is_left_out() -> None:
    rows = training_set(600)
    dimension = robustness(
        examined(OneColumn(), replace(rows, test=rows.test.drop(columns=["words", "x5"])))
    )
    assert value(dimension, "missing_column_retained") < 0.1


def test_the_same_inputs_give_the_same_dimension() -> None:
    subject = examined(Sturdy(), training_set(400))
    assert robustness(subject) == robustness(subject)


def test_all_at_one_time_has_no_halves() -> None:
    rows = training_set(400)
    now = rows.test.assign(occurred_at=pd.Timestamp("2024-03-01", tz="UTC"))
    dimension = robustness(examined(Sturdy(), replace(rows, test=now)))
    assert "newest_half_retained" in dimension.undefined
    assert "shift_worst_retained" in dimension.measures
