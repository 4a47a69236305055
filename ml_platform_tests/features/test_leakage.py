"""The checks report planted leaks, and neither strong columns nor repeated content."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml_platform.features.future_check import ColumnCheck, Comparison, FutureCheck
from ml_platform.features.leakage import find_leaks
from ml_platform.features.leakage_report import LeakageLevel
from ml_platform.features.sample import hashed_sample
from ml_platform_tests.evaluation.examples import CLASSES, CUT, make_training_set

HONEST = (
    "extension",
    "is_docs",
    "tokens",
    "past_day",
    "since_previous",
    "previous_label",
    "hour",
    "noise",
)


def with_features(rows, generator):
    """Honest columns, among them an extension that tells two classes nearly for certain."""
    rows = rows.sort_values(["user_id", "occurred_at", "row_id"], ignore_index=True)
    by_user = rows.groupby("user_id")
    usual = rows["label"].map({"build": "toml", "docs": "md", "feature": "py", "fix": "py"})
    odd = generator.random(len(rows)) < 0.03
    rows["extension"] = usual.mask(odd, "txt")
    rows["is_docs"] = (rows["label"] == "docs").astype(float).mask(odd, 0.0)
    rows["tokens"] = [[extension, "src"] for extension in rows["extension"]]
    rows["seconds"] = rows["occurred_at"].astype("int64") / 1e9
    rows["past_day"] = (
        by_user["seconds"]
        .transform(lambda s: np.arange(len(s)) - np.searchsorted(s, s - 86_400))
        .astype(float)
    )
    change_sets = rows.drop_duplicates("change_set_id")
    by_user = change_sets.groupby("user_id")
    beside = pd.DataFrame(
        {
            "change_set_id": change_sets["change_set_id"],
            "since_previous": by_user["seconds"].diff(),
            "previous_label": by_user["label"].shift(1).fillna(""),
        }
    )
    rows = rows.merge(beside, on="change_set_id", how="left")
    rows["hour"] = rows["occurred_at"].dt.hour.astype(float)
    rows["noise"] = generator.normal(size=len(rows))
    rows["target"] = pd.Index(CLASSES).get_indexer(rows["label"]).astype(float)
    rows["near_target"] = rows["label"].mask(generator.random(len(rows)) < 0.01, "fix")
    rows["spelled"] = [[label, "x"] for label in rows["label"]]
    usual = rows["label"].mask(generator.random(len(rows)) < 0.09, "fix")
    rows["suspicious"] = usual.mask(generator.random(len(rows)) < 0.01, "docs")
    rows["one_token"] = [["src", "py", label[::-1]] for label in rows["label"]]
    return rows.sort_values(["occurred_at", "row_id"], ignore_index=True)


@pytest.fixture(scope="module")
def parts():
    training_set = make_training_set(change_sets=3_000, seed=4)
    generator = np.random.default_rng(1)
    return with_features(training_set.train, generator), with_features(training_set.test, generator)


def look(train, test, features=HONEST, **changes):
    arguments = {
        "label": "label",
        "features": features,
        "declared": {*features},
        "train_until": CUT,
        "test_from": CUT,
    }
    return find_leaks(train, test, **(arguments | changes))


def subjects(report, check):
    return [finding.subject for finding in report.findings if finding.check == check]


def test_honest_columns_are_safe(parts):
    report = look(*parts)
    assert (report.level, report.findings) == (LeakageLevel.SAFE, ())
    assert report.rows_test == len(parts[1])


@pytest.mark.parametrize("name", ["target", "near_target", "spelled", "one_token"])
def test_a_copy_of_the_target_is_dangerous(parts, name):
    report = look(*parts, (*HONEST, name))
    assert subjects(report, "target") == [name]
    assert report.level is LeakageLevel.DANGEROUS


def test_a_column_that_tells_nearly_as_much_as_a_copy_is_a_warning(parts):
    report = look(*parts, (*HONEST, "suspicious"))
    assert [(f.check, f.subject, f.level) for f in report.findings] == [
        ("target", "suspicious", LeakageLevel.WARNING)
    ]


def test_what_the_rebuilding_finds_is_dangerous_in_the_columns_that_the_model_sees(parts):
    differing = Comparison(300, 3, 0, "r1 is 1.0, else 2.0")
    same = Comparison(300, 0, 0, "")
    columns = tuple(ColumnCheck(name, differing, same, None) for name in ("noise", "unused"))
    future = FutureCheck("t", "", 10_000, 300, CUT, columns)
    report = look(*parts, future=future)
    assert subjects(report, "future") == ["noise"]
    assert report.level is LeakageLevel.DANGEROUS
    assert report.future is future


def test_a_column_outside_the_catalogue_is_dangerous(parts):
    report = look(*parts, declared={*HONEST} - {"noise"})
    assert subjects(report, "declared") == ["noise"]
    assert report.level is LeakageLevel.DANGEROUS


def test_rows_beyond_the_cut_are_dangerous(parts):
    train, test = parts
    late = look(train, test, train_until=train["occurred_at"].max())
    assert subjects(late, "split") == ["train"]
    early = look(train, test, test_from=test["occurred_at"].min() + timedelta(seconds=1))
    assert subjects(early, "split") == ["test"]
    assert late.level is early.level is LeakageLevel.DANGEROUS


def test_the_same_row_or_change_set_on_both_sides_is_dangerous(parts):
    train, test = parts
    moved = test.iloc[:1].assign(occurred_at=train["occurred_at"].max(), cluster_id="other")
    report = look(pd.concat([train, moved], ignore_index=True), test)
    assert subjects(report, "split") == ["row_id", "change_set_id"]
    assert all(test["row_id"].iloc[0] in finding.explanation for finding in report.findings)
    assert report.level is LeakageLevel.DANGEROUS


def test_sessions_across_the_split_are_a_warning(parts):
    train, test = parts
    joined = test.copy()
    joined.loc[: len(joined) // 2, "cluster_id"] = train["cluster_id"].iloc[0]
    report = look(train, joined)
    assert subjects(report, "split") == ["cluster_id"]
    assert report.level is LeakageLevel.WARNING


@pytest.mark.parametrize(
    ("share", "level"),
    [(0.0, LeakageLevel.SAFE), (0.02, LeakageLevel.WARNING), (0.5, LeakageLevel.DANGEROUS)],
)
def test_duplicated_content(parts, share, level):
    train, test = parts
    copies = test.sample(frac=share, random_state=0).copy()
    for column in ("row_id", "change_set_id", "cluster_id"):
        copies[column] = copies[column] + "-copy"
    copies["occurred_at"] = train["occurred_at"].max()
    report = look(pd.concat([train, copies], ignore_index=True), test)
    assert report.level is level
    assert bool(subjects(report, "duplicates")) is (share > 0)
    for finding in report.findings:
        named = finding.explanation.partition("such as ")[2].partition(";")[0].split(", ")
        assert set(named) <= {*copies["row_id"].str.removesuffix("-copy")}


def test_people_who_repeat_themselves_are_no_duplicates(parts):
    assert look(*parts, ("hour", "extension")).level is LeakageLevel.SAFE


def test_samples_do_not_depend_on_the_order(parts):
    rows = parts[0]
    shuffled = rows.sample(frac=1, random_state=3)
    chosen = set(hashed_sample(rows, "row_id", 300)["row_id"])
    assert len(chosen) == 300
    assert set(hashed_sample(shuffled, "row_id", 300)["row_id"]) == chosen


def test_a_small_set_is_judged_by_its_split_alone(parts):
    train, test = parts
    assert look(train.head(50), test.head(50), (*HONEST, "target")).level is LeakageLevel.SAFE


@pytest.mark.parametrize("kind", ["number", "list"])
def test_a_copy_of_a_number_or_a_list_is_found_too(kind: str) -> None:
    drawn = np.random.default_rng(4)

    def part(rows: int, start: str) -> pd.DataFrame:
        value = drawn.random(rows).round(3)
        items = [[f"w{number}"] for number in drawn.integers(0, 5, rows)]
        label = value if kind == "number" else items
        copy = value * 3 + 1 if kind == "number" else [item[0].upper() for item in items]
        frame = pd.DataFrame(
            {
                "row_id": [f"{start}{n}" for n in range(rows)],
                "change_set_id": [f"{start}{n}" for n in range(rows)],
                "cluster_id": "c",
                "user_id": [f"u{n % 7}" for n in range(rows)],
                "occurred_at": pd.date_range(start, periods=rows, freq="min", tz="UTC"),
                "copy": copy,
                "honest": drawn.random(rows),
                "label": label,
            }
        )
        if kind == "list":
            words = pa.array(label, pa.list_(pa.string()))
            frame["label"] = pd.Series(pd.arrays.ArrowExtensionArray(words))
        frame.loc[::10, "label"] = None
        return frame

    parts = part(2_000, "2026-01-01"), part(800, "2026-02-01")
    report = find_leaks(
        *parts,
        label="label",
        features=("copy", "honest"),
        declared={"copy", "honest"},
        train_until=datetime(2026, 1, 20, tzinfo=UTC),
        test_from=datetime(2026, 1, 25, tzinfo=UTC),
    )
    assert subjects(report, "target") == ["copy"]
