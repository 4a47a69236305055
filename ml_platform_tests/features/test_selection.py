"""Planted signal is kept, planted noise and what drop rules name is dropped, each with its reason."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score, r2_score

from ml_platform.errors import InsufficientData
from ml_platform.features.leakage_report import KeyColumns
from ml_platform.features.quality.assess import assess
from ml_platform.features.selection.importance import fit_forest, importance, with_interval
from ml_platform.features.selection.matrix import take_sample
from ml_platform.features.selection.report import Choice, Figures, Why
from ml_platform.features.selection.rules import Known, lowest
from ml_platform.features.selection.select import select
from ml_platform.features.selection.statistics import mutual_information, statistics

NAMES = ("signal", "word", "tokens", "twin", "noise", "noisy_word", "gone", "same")
KINDS = ("classes", "number", "list", "yes or no")


def rows(kind="classes", size=1_500, seed=1):
    """A q of .05 lets one noise column in twenty pass: of seeds 0 to 8, two columns each, one at seed 0."""
    drawn = np.random.default_rng(seed)
    signal, word = drawn.normal(size=size), drawn.integers(0, 3, size)
    token = drawn.integers(0, 2, size)
    level = signal + word + token + drawn.normal(size=size) * 0.3
    code = np.clip(np.floor(level), 0, 3).astype(int)
    label = {
        "classes": [f"c{c}" for c in code],
        "number": level,
        "list": [[f"c{c}", "z"] for c in code],
        "yes or no": np.where(level > 1.5, "yes", "no"),
    }[kind]
    return pd.DataFrame(
        {
            "row_id": [f"r{n:05}" for n in range(size)],
            "change_set_id": [f"a{n}" for n in range(size)],
            "cluster_id": [f"s{n // 2}" for n in range(size)],
            "user_id": [f"u{n % 9}" for n in range(size)],
            "occurred_at": pd.date_range("2026-01-01", periods=size, freq="h", tz="UTC"),
            "label": label,
            "signal": signal,
            "word": pd.Categorical(np.array(["x", "y", "z"])[word]),
            "tokens": [["k", "on"] if t else ["k"] for t in token],
            "twin": signal * 2 + 1,
            "noise": drawn.normal(size=size),
            "noisy_word": drawn.choice(list("pqrs"), size),
            "gone": np.where(drawn.random(size) < 0.7, np.nan, signal),
            "same": 1.0,
        }
    )


def chosen(train, names=NAMES, **changes):
    report = select(train, "label", names, assess(train, train, names), seed=3, **changes)
    return report, {choice.feature: choice for choice in report.features}


@pytest.mark.parametrize("kind", KINDS)
def test_signal_is_kept_and_noise_is_dropped(kind):
    report, by_name = chosen(rows(kind))
    assert {name for name, choice in by_name.items() if choice.choice is Choice.KEEP} - {
        "signal", "twin",
    } == {"word", "tokens"}  # fmt: skip
    assert {by_name[name].choice for name in ("signal", "twin")} == {Choice.KEEP, Choice.DROP}
    pair = next(by_name[n] for n in ("signal", "twin") if by_name[n].choice is Choice.DROP)
    assert pair.why is Why.CORRELATED
    assert by_name["gone"].why is Why.MISSING
    assert by_name["same"].why is Why.EMPTY
    assert {by_name["noise"].why, by_name["noisy_word"].why} <= {Why.NOTHING, Why.LOWEST}
    assert [choice.rank for choice in report.features] == list(range(1, len(NAMES) + 1))
    assert all(choice.rationale for choice in report.features)


def test_what_dropping_costs_is_measured():
    report, _ = chosen(rows())
    assert report.skill[0] > 0.4
    assert report.change[0] == pytest.approx(report.skill_kept - report.skill[0])
    assert report.change[1] < report.change[0] < report.change[2]


def test_a_leaky_feature_is_dropped_and_hides_nothing():
    train = rows()
    train["leak"] = train["label"]
    _, by_name = chosen(train, (*NAMES, "leak"), leaky={"leak": "leak alone tells the label"})
    assert by_name["leak"].why is Why.LEAKY
    assert by_name["leak"].figures is None
    assert by_name["word"].choice is Choice.KEEP


def test_where_nothing_can_be_told_nothing_is_dropped_for_it():
    train = rows()
    train["label"] = np.random.default_rng(5).choice(["c0", "c1"], len(train))
    _, by_name = chosen(train, ("signal", "word", "noise"))
    assert {feature.choice for feature in by_name.values()} == {Choice.KEEP}
    assert Why.UNKNOWN in {feature.why for feature in by_name.values()}


@pytest.mark.parametrize("change", ["few", "one class"])
def test_too_little_is_insufficient(change):
    train = rows(size=100) if change == "few" else rows().assign(label="c0")
    with pytest.raises(InsufficientData):
        chosen(train)


def test_the_same_rows_in_another_order_give_the_same_report():
    train = rows(size=600)
    other = train.sample(frac=1, random_state=1).reset_index(drop=True)
    assert chosen(train)[0] == chosen(other)[0]


def test_figures_agree_with_scikit_learn():
    train = rows()
    sample = take_sample(train, "label", NAMES, KeyColumns())
    importances, cut = importance(sample, seed=3), sample.fitted
    forest = fit_forest(sample.columns[:cut], sample.target[:cut], 3)
    predicted = forest.predict(sample.columns[cut:])
    reference = r2_score(sample.target[cut:], predicted, multioutput="variance_weighted")
    assert importances.skill[0] == pytest.approx(reference)
    assert importances.forest.sum() == pytest.approx(1)
    assert importances.shap.sum() == pytest.approx(1)
    codes = sample.bins[:, 0]
    bias = (len(np.unique(codes)) - 1) * 3 / (2 * len(codes))
    assert mutual_information(codes, sample.classes) == pytest.approx(
        mutual_info_score(codes, sample.classes) - bias
    )


def test_rows_of_a_cluster_do_not_count_as_independent():
    train = rows().assign(cluster_id=lambda frame: [f"s{n % 60}" for n in range(len(frame))])
    sample = take_sample(train, "label", NAMES, KeyColumns())
    assert statistics(sample).rows_tested == 60
    values = np.array([1.0, 1.0, 3.0, 3.0])
    mean, low, high = with_interval(values, np.array([0, 0, 1, 1]))
    assert (mean, high - mean) == (2.0, pytest.approx(1.96 * np.sqrt(8) / 4))
    assert mean - low == pytest.approx(high - mean)


def test_false_discoveries_are_controlled():
    train = rows()
    drawn = np.random.default_rng(8)
    names = tuple(f"n{i}" for i in range(40))
    train[list(names)] = drawn.normal(size=(len(train), 40))
    q = statistics(take_sample(train, "label", ("signal", *names), KeyColumns())).q
    assert q[0] < 1e-6
    assert (q[1:] <= 0.05).sum() <= 2


def test_an_identifier_is_dropped_as_one():
    train = rows().assign(key=lambda frame: frame["row_id"])
    _, by_name = chosen(train, ("signal", "word", "key"))
    assert by_name["key"].why is Why.IDENTIFIER


def figures(permutation_low, q=0.01):
    return Figures("x", 0.0, 0.01, permutation_low, 0.0, 0.01, None, None, q, None, None, 3)


@pytest.mark.parametrize(
    ("rank", "low", "learned", "missed", "dropped"),
    [
        (20, -0.1, True, False, True),
        (18, -0.1, True, False, False),
        (20, 0.001, True, False, False),
        (20, -0.1, False, False, False),
        (20, -0.1, True, True, False),
    ],
)
def test_the_lowest_tenth_goes_unless_it_was_shown_to_matter(rank, low, learned, missed, dropped):
    quality = assess(rows(size=50), rows(size=50), ("noise",))
    known = Known(quality, rank, 20, (), learned, missed)
    assert (lowest(figures(low), known) is not None) is dropped


def test_importing_shap_keeps_nothing_of_who_needs_it_first():
    # It keeps the errors of what it cannot import: their frames held all rows of an evaluation, 1 GB of a million.
    script = """
import gc, weakref
from ml_platform.features.selection.importance import shap_library

class Rows: pass

def evaluate():
    rows = Rows()
    shap_library()
    return weakref.ref(rows)

kept = evaluate()
gc.collect()
print(kept() is None)
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert result.stdout.strip() == "True"
