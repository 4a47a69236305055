"""Each planted defect is named, a clean column is not, and the score follows from the points."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ml_platform.features.quality.assess import assess
from ml_platform.features.quality.report import POINTS, Defect, feature_score
from ml_platform.features.quality.together import cramers_v
from ml_platform.spec.feature import Family, FeatureSpec, Kind

ROWS = 2_000
CLEAN = ("size", "tool", "words", "flag")


def rows(seed=0, size=ROWS):
    drawn = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "row_id": [f"{seed}-{n}" for n in range(size)],
            "size": drawn.lognormal(2, 1, size),
            "tool": pd.Categorical(drawn.choice(["editor", "browser", "mail"], size)),
            "words": [list(drawn.choice(list("abcde"), 3)) for _ in range(size)],
            "flag": drawn.integers(0, 2, size).astype(float),
            "other": drawn.normal(size=size),
        }
    )


def named(train, test, *names):
    findings = assess(train, test, (*CLEAN, *names)).findings
    return {(finding.defect, finding.feature) for finding in findings}


def infinite(train):
    return train["other"].mask(train.index == 7, np.inf)


def as_id(train):
    return pd.Series([f"k{n}" for n in range(len(train))])


def as_number(train):
    return pd.Series(np.arange(len(train), dtype=float))


def skewed(train):
    return pd.Series(stats.lognorm.ppf(train["other"].rank(pct=True) - 1e-4, 3))


PLANTED = {
    Defect.INFINITE: infinite,
    Defect.EMPTY: lambda train: train["other"] * np.nan,
    Defect.UNIQUE: as_id,
    Defect.CONSTANT: lambda train: train["other"] * 0 + 3,
    Defect.MISSING: lambda train: train["other"].mask(train.index % 10 < 6),
    Defect.MANY_VALUES: lambda train: pd.Series([f"k{n // 4}" for n in range(len(train))]),
    Defect.NEAR_CONSTANT: lambda train: (train.index < 10).astype(float) + 0 * train["other"],
    Defect.CORRELATED: lambda train: -(train["size"] ** 3),
    Defect.OUTLIERS: lambda train: train["other"].mask(train.index % 500 == 0, 1e9),
    Defect.SKEWED: skewed,
    Defect.MIXED_SCALES: lambda train: train["other"] * 1e9,
}


def test_clean_columns_have_no_finding_and_ten_points():
    report = assess(rows(), rows(1, 600), CLEAN)
    assert (report.findings, report.score, report.weakest) == ((), 10.0, 10.0)
    assert [feature.kind for feature in report.features] == [
        Kind.NUMBER, Kind.CATEGORY, Kind.TOKENS, Kind.NUMBER,
    ]  # fmt: skip


@pytest.mark.parametrize("defect", PLANTED, ids=lambda defect: defect.value)
def test_a_planted_defect_is_named(defect):
    train, test = rows(), rows(1, 600)
    for part in (train, test):
        part["planted"] = PLANTED[defect](part)
    findings = named(train, test, "planted")
    assert (defect, "planted") in findings
    assert {feature for _, feature in findings} == {"planted"}


def test_a_column_missing_in_test_alone_is_unusable():
    train, test = rows(), rows(1, 600)
    test["other"] = np.nan
    report = assess(train, test, (*CLEAN, "other"))
    assert [(f.defect, f.feature, f.value) for f in report.findings] == [
        (Defect.MISSINGNESS_SHIFT, "other", 1.0)
    ]
    assert report.weakest == 1.0
    assert report.score == pytest.approx((4 * 10 + 1) / 5)


def test_a_row_number_is_an_identifier_and_a_measurement_is_none():
    train, test = rows(), rows(1, 600)
    train["number"], test["number"] = as_number(train), as_number(test)
    assert (Defect.UNIQUE, "number") in named(train, test, "number")
    assert named(train, test, "other") == set()


def test_lists_whose_tokens_never_come_again():
    train, test = rows(), rows(1, 600)
    for part in (train, test):
        part["paths"] = [[f"p{n}", f"q{n}"] for n in range(len(part))]
    assert (Defect.MANY_VALUES, "paths") in named(train, test, "paths")


def test_a_renamed_category_and_a_coarser_one_are_named_with_their_twin():
    train, test = rows(), rows(1, 600)
    for part in (train, test):
        part["renamed"] = part["tool"].astype(str).str.upper()
        part["fine"] = part["tool"].astype(str) + (part.index % 3).astype(str)
    report = assess(train, test, ("tool", "renamed", "fine"))
    assert [(f.feature, f.other) for f in report.findings] == [
        ("tool", "fine"), ("renamed", "tool"), ("renamed", "fine"),
    ]  # fmt: skip
    declared = FeatureSpec("fine", Family.INTERACTION, Kind.CATEGORY, None, None, "", "", "")
    report = assess(train, test, ("tool", "fine"), [declared])
    assert report.findings == ()


def test_cramers_v_is_that_of_a_table_worked_by_hand():
    left = np.repeat([0, 0, 1, 1], [30, 20, 20, 30])
    right = np.repeat([0, 1, 0, 1], [30, 20, 20, 30])
    assert cramers_v(left, right) == pytest.approx(0.2)
    assert cramers_v(left, np.arange(100)) == 0.0


def test_points_add_up_and_stop_at_one():
    assert feature_score(()) == 10
    assert feature_score((Defect.CORRELATED, Defect.SKEWED)) == 7
    assert feature_score(tuple(Defect)) == 1
    assert set(POINTS) == set(Defect)


def test_a_handful_of_rows_and_a_column_that_is_not_there():
    report = assess(rows(size=12), rows(1, 0), (*CLEAN, "gone"))
    assert [feature.feature for feature in report.features] == list(CLEAN)
    assert report.findings == ()


def test_the_order_of_the_rows_changes_nothing():
    train, test = rows(), rows(1, 600)
    shuffled = train.sample(frac=1, random_state=5)
    assert assess(train, test, CLEAN).score == assess(shuffled, test, CLEAN).score
