"""What each check for leaks says of rows that are counted by hand, at its limits."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.features.column_lookup import LookupLabels
from ml_platform.features.future_check import ColumnCheck, Comparison, FutureCheck
from ml_platform.features.leakage import find_leaks, undeclared
from ml_platform.features.leakage_report import KeyColumns, LeakageLevel
from ml_platform.features.leaking_labels import with_classes
from ml_platform.features.leaking_rows import duplicate_content, straddling
from ml_platform.features.target_copies import most_predictive_tokens, target_copies

CUT = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEYS = KeyColumns()
SAFE, WARNING, DANGEROUS = LeakageLevel.SAFE, LeakageLevel.WARNING, LeakageLevel.DANGEROUS
NOTHING = Comparison(300, 0, 0, "")


def check(column: str = "size", **compared: Comparison) -> ColumnCheck:
    return ColumnCheck(
        column,
        compared.get("future", NOTHING),
        compared.get("published", NOTHING),
        compared.get("arrival"),
    )


def search(*columns: ColumnCheck, histories: int = 300, rows: int = 10_000) -> FutureCheck:
    return FutureCheck("toys", "", rows, histories, CUT, columns)


def test_a_look_into_the_future_is_named_by_how_it_was_seen_and_how_often() -> None:
    findings = search(
        check("mean", future=Comparison(300, 3, 9, "r1 is 1, else 2")),
        check("edited", published=Comparison(200, 1, 0, "r7 is 3, else 4")),
        check("sum", future=Comparison(300, 0, 6, "r2 is 1.0, else 1.0")),
        check("both", future=Comparison(10, 10, 0, "a"), published=Comparison(10, 5, 0, "b")),
        check("honest"),
        check("unused", future=Comparison(300, 300, 0, "all")),
    ).findings(("mean", "edited", "sum", "both", "honest"))
    assert [(f.check, f.subject, f.level, f.value) for f in findings] == [
        ("future", "mean", DANGEROUS, 0.01),
        ("rebuilt", "edited", DANGEROUS, 0.005),
        ("future", "sum", WARNING, 0.02),
        ("future", "both", DANGEROUS, 1.0),
        ("rebuilt", "both", DANGEROUS, 0.5),
    ]
    assert findings[0].explanation == (
        "3 of 300 rows of toys.mean differ without what came after the row: r1 is 1, else 2"
    )
    assert "6 of 300" in findings[2].explanation


@pytest.mark.parametrize(
    ("histories", "rows", "enough"),
    [(299, 10_000, True), (298, 10_000, False), (40, 40, True), (40, 41, False), (0, 0, True)],
)
def test_299_histories_or_all_of_them_find_a_column_wrong_in_a_hundredth(
    histories, rows, enough
) -> None:
    """1 - .99 ** 299 = .9505, 1 - .99 ** 298 = .9499."""
    future = search(check(), histories=histories, rows=rows)
    assert (future.power >= 0.95) is enough
    findings = future.findings(("size",))
    assert [(f.check, f.subject, f.level) for f in findings] == (
        [] if enough else [("future", "toys", WARNING)]
    )
    if not enough:
        assert findings[0].value == pytest.approx(1 - 0.99**histories)
        assert findings[0].explanation.startswith(f"INSUFFICIENT: {histories} of {rows} rows")


def test_what_only_arrival_delays_is_no_look_into_the_future() -> None:
    late = check("late", arrival=Comparison(300, 7, 0, "r1"))
    future = search(late, check("known", arrival=NOTHING), check("unknown"))
    assert future.delayed == ("late",)
    assert future.findings(("late", "known", "unknown")) == ()


def test_the_rows_of_the_published_file_are_those_of_the_column_compared_most() -> None:
    future = search(
        check("a", published=Comparison(50, 0, 0, "")),
        check("b", published=Comparison(70, 0, 0, "")),
    )
    assert future.rows_published == 70
    assert search().rows_published == 0


def rows_at(count: int, start: datetime, prefix: str) -> pd.DataFrame:
    """One row a minute from ``start``, each its own change set and session, of seven users."""
    return pd.DataFrame(
        {
            "row_id": [f"{prefix}{n:05d}" for n in range(count)],
            "change_set_id": [f"{prefix}c{n}" for n in range(count)],
            "cluster_id": [f"{prefix}s{n}" for n in range(count)],
            "user_id": [f"u{n % 7}" for n in range(count)],
            "occurred_at": [start + n * MINUTE for n in range(count)],
        }
    )


def split_findings(
    train: pd.DataFrame, test: pd.DataFrame
) -> list[tuple[str, LeakageLevel, float]]:
    findings = straddling(train, test, CUT, CUT + MINUTE, KEYS)
    assert all(finding.check == "split" for finding in findings)
    return [(finding.subject, finding.level, finding.value) for finding in findings]


def test_the_moments_of_the_split_are_exact() -> None:
    """Ten rows until a minute before the cut train, ten from a minute after it test."""
    train, test = rows_at(10, CUT - 10 * MINUTE, "a"), rows_at(10, CUT + MINUTE, "b")
    assert split_findings(train, test) == []
    at_the_cut = train.assign(occurred_at=train["occurred_at"] + MINUTE)
    assert split_findings(at_the_cut, test) == [("train", DANGEROUS, 0.1)]
    before = test.assign(occurred_at=test["occurred_at"] - MINUTE)
    assert split_findings(train, before) == [("test", DANGEROUS, 0.1)]


@pytest.mark.parametrize(("shared", "reported"), [(1, False), (2, True)])
def test_a_tenth_of_the_test_rows_may_be_of_sessions_that_train_too(shared, reported) -> None:
    train, test = rows_at(10, CUT - 10 * MINUTE, "a"), rows_at(10, CUT + MINUTE, "b")
    test["cluster_id"] = [*train["cluster_id"][:shared], *test["cluster_id"][shared:]]
    assert split_findings(train, test) == ([("cluster_id", WARNING, 0.2)] if reported else [])


def test_findings_name_three_rows_and_what_the_cluster_is() -> None:
    train, test = rows_at(10, CUT - 10 * MINUTE, "a"), rows_at(10, CUT + MINUTE, "b")
    test["cluster_id"] = train["cluster_id"]
    (finding,) = straddling(train, test, CUT, CUT, KEYS)
    assert finding.explanation == (
        "10 (100.0%) of the test rows belong to a session that trains too, such as "
        "b00000, b00001, b00002"
    )
    train["cluster_id"], test["cluster_id"] = train["user_id"], test["user_id"]
    (finding,) = straddling(train, test, CUT, CUT, KEYS)
    assert "belong to a user that trains too" in finding.explanation


def test_one_row_or_change_set_on_both_sides_is_dangerous() -> None:
    train, test = rows_at(10, CUT - 10 * MINUTE, "a"), rows_at(10, CUT + MINUTE, "b")
    test["change_set_id"] = [*train["change_set_id"][-1:], *test["change_set_id"][1:]]
    assert split_findings(train, test) == [("change_set_id", DANGEROUS, 0.1)]
    test["row_id"] = [*train["row_id"][-1:], *test["row_id"][1:]]
    assert [subject for subject, *_ in split_findings(train, test)] == ["row_id", "change_set_id"]


def test_undeclared_columns_are_named_and_the_worst_level_is_the_reports() -> None:
    (finding,) = undeclared(("a", "b"), {"a"})
    assert (finding.check, finding.subject, finding.level) == ("declared", "b", DANGEROUS)
    train, test = rows_at(10, CUT - 10 * MINUTE, "a"), rows_at(10, CUT + MINUTE, "b")
    train["label"] = test["label"] = "x"

    def level(train: pd.DataFrame, future: FutureCheck | None = None) -> LeakageLevel:
        return find_leaks(
            train,
            test,
            label="label",
            features=(),
            declared=(),
            train_until=CUT,
            test_from=CUT,
            future=future,
        ).level

    assert level(train) is SAFE
    carried = train.assign(cluster_id=test["cluster_id"])
    assert level(carried) is WARNING
    assert level(carried, search(histories=1)) is WARNING
    assert level(carried.assign(row_id=test["row_id"])) is DANGEROUS


def test_a_number_is_classed_by_the_tenths_of_the_training_part_alone() -> None:
    """1 to 100: the tenths end at 10.9, 20.8, ... 90.1; the test part is placed by them."""
    train = pd.DataFrame({"label": [*range(1, 101), None]}, dtype=float)
    test = pd.DataFrame({"label": [0.0, 10.9, 10.91, None, 55.0, 1e9]})
    learned, held = with_classes(train, test, "label")
    assert learned["label"].value_counts().to_dict() == {str(n): 10 for n in range(10)}
    assert held["label"].tolist() == ["0", "0", "1", "5", "9"]


def test_a_list_is_classed_by_its_first_item_and_words_stay() -> None:
    train = pd.DataFrame({"label": [["b", "a"], [], None, ["a"]]})
    learned, held = with_classes(train, train.iloc[:2], "label")
    assert learned["label"].tolist() == ["b", "", "a"]
    assert held["label"].tolist() == ["b", ""]
    words = pd.DataFrame({"label": ["x", None, "y"]})
    assert with_classes(words, words, "label")[0]["label"].tolist() == ["x", "y"]


def copies(column: list, label: list, held: list, truth: list) -> list[tuple[LeakageLevel, float]]:
    train = pd.DataFrame({"row_id": [f"a{n}" for n in range(len(label))], "column": column})
    test = pd.DataFrame({"row_id": [f"b{n}" for n in range(len(truth))], "column": held})
    findings = target_copies(
        train.assign(label=label), test.assign(label=truth), "label", ["column"], KEYS
    )
    return [(finding.level, finding.limit) for finding in findings]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [(5, [(DANGEROUS, 0.97)]), (7, [(WARNING, 0.85)]), (29, [(WARNING, 0.85)]), (31, [])],
)
def test_a_copy_avoids_the_errors_of_the_majority(wrong: int, expected: list) -> None:
    """400 test rows, half of them yes; the column names the other class in some: skill 1 - wrong / 200."""
    label = ["yes", "no"] * 200
    flipped = ["no" if value == "yes" else "yes" for value in label[:wrong]] + label[wrong:]
    assert copies(label, label, flipped, label) == expected


@pytest.mark.parametrize(
    ("flagged", "expected"), [(60, [(DANGEROUS, 0.99)]), (120, [(WARNING, 0.97)]), (400, [])]
)
def test_a_column_that_ranks_a_rare_class_is_a_copy_by_its_auc(
    flagged: int, expected: list
) -> None:
    """100 of 5,000 are yes, all flagged, with some others: AUC 1 - flagged / 4,900 / 2, skill far below .85."""
    label = ["yes"] * 100 + ["no"] * 4_900
    column = ["flag"] * (100 + flagged) + [""] * (4_900 - flagged)
    assert copies(column, label, column, label) == expected


@pytest.mark.parametrize(("held", "expected"), [(389, [(DANGEROUS, 0.97)]), (387, [])])
def test_lists_that_hold_the_label_are_a_copy_whatever_else_they_hold(held: int, expected) -> None:
    """All five classes stand in .9725 of 400 lists, or in .9675: no word of them predicts anything."""
    classes = [f"l{n}" for n in range(5)]
    label = [classes[n] for n in np.random.default_rng(1).integers(0, 5, 400)]
    lists = [classes if n < held else ["-"] for n in range(400)]
    assert copies(lists, label, lists, label) == expected


def test_too_few_rows_say_nothing_of_a_column() -> None:
    label = ["yes", "no"] * 99
    assert copies(label, label, label, label) == []
    assert copies(label * 3, label * 3, label, label) == []
    assert copies(label, label, label * 3, label * 3) == []
    label = ["yes", "no"] * 100
    assert copies(label, label, label, label) == [(DANGEROUS, 0.97)]


def content(count: int, start: datetime, prefix: str, first: int) -> pd.DataFrame:
    """Rows with a number that no other row has."""
    rows = rows_at(count, start, prefix)
    return rows.assign(size=np.arange(first, first + count, dtype=float), user_id="u")


@pytest.mark.parametrize(
    ("twins", "level"),
    [(2, None), (4, WARNING), (79, WARNING), (81, DANGEROUS)],
)
def test_test_rows_that_were_trained_on_are_counted_beyond_what_is_usual(twins, level) -> None:
    """400 test rows; twins are looked for in three of four change sets: 4 twins are 3 found, beyond .5 %."""
    train, test = content(4_000, CUT - 4_000 * MINUTE, "a", 0), content(400, CUT, "b", 10_000)
    place = [n for n in range(4_000) if n % 4 > 0][:twins]
    test.loc[: twins - 1, "size"] = train["size"].to_numpy()[place]
    findings = duplicate_content(train, test, ["size"], KEYS)
    assert [finding.level for finding in findings] == ([level] if level else [])
    for finding in findings:
        assert finding.value == pytest.approx(twins / 400)
    other = test.assign(user_id="somebody else")
    assert duplicate_content(train, other, ["size"], KEYS) == ()


def test_people_who_repeat_themselves_set_what_is_usual() -> None:
    """Each training row says what one of ten says: every row of the last quarter has a twin, as have all tests."""
    train, test = content(400, CUT - 400 * MINUTE, "a", 0), content(400, CUT, "b", 0)
    same = [frame.assign(size=frame["size"] % 10) for frame in (train, test)]
    assert duplicate_content(*same, ["size"], KEYS) == ()
    assert duplicate_content(same[0].iloc[:99], same[1], ["size"], KEYS) == ()


def test_of_a_rows_tokens_the_first_of_the_purest_is_looked_up() -> None:
    """Tokens of training are coded as they come: mixed 0, always 1, never 2, odd 3.

    With a prior of one half each, "mixed" has 2.5 of 5 in its class, "always" and "never" 2.5 of 3, "odd" 1.5 of 2.
    """
    train = [
        ["mixed", "always"],
        ["mixed", "never"],
        ["never", "mixed"],
        ["always", "odd", "mixed"],
        [],
        [],
    ]
    test = [["odd", "unseen"], ["never", "always"], ["always", "never"], [], ["unseen"]]
    labels = np.array([1, 0, 0, 1, 0, 1])
    truth = LookupLabels(labels, labels[:5], 2)
    of_train, of_test = most_predictive_tokens(train, test, truth)
    assert of_train.tolist() == [2, 3, 3, 2, 0, 0]
    assert of_test.tolist() == [4, 3, 2, 0, 0]
