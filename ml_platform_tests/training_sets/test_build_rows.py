"""Which rows and values a training set consists of, and what its fingerprint covers: without any file."""

import weakref
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.spec.task import Detection
from ml_platform.training_sets.build import (
    BuiltTrainingSet,
    build,
    parse,
    require_any_row,
    require_columns,
    wanted_columns,
)
from ml_platform.training_sets.canonical import in_order
from ml_platform_tests.training_sets.feature_files import AS_OF, SPEC, START, VERSIONS, rows

KINDS = {
    "occurred_at": pa.timestamp("us", tz="UTC"),
    "is_bot": pa.bool_(),
    "size": pa.float64(),
    "words": pa.list_(pa.string()),
}


def table_of(dicts: list[dict], spec=SPEC) -> pa.Table:
    fields = [(name, KINDS.get(name, pa.string())) for name in wanted_columns(spec)]
    return pa.Table.from_pylist(dicts, schema=pa.schema(fields))


def built(dicts, spec=SPEC, **changes) -> BuiltTrainingSet:
    table = table_of(dicts, spec) if isinstance(dicts, list) else dicts
    arguments = {
        "feature_versions": VERSIONS | {"workflow_category": "v-category"},
        "source": "test",
        "simulated": False,
        "as_of": AS_OF,
    }
    return build(table, spec, **(arguments | changes))


def whole(dicts: list[dict]) -> list[dict]:
    """The rows without a gap in any column."""
    return [row | {"size": 1.0, "tool": row["tool"] or "t9"} for row in dicts]


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, name="other"),
        replace(SPEC, table=replace(SPEC.table, name="others")),
        replace(SPEC, label="tool", features=("size", "workflow_category", "words")),
        replace(SPEC, extra_columns=("tool",)),
        replace(SPEC, label_delay=timedelta(hours=23)),
    ],
    ids=["model", "table", "label", "extra columns", "gap"],
)
def test_the_same_rows_for_another_purpose_are_another_training_set(other):
    table = table_of(whole(rows()))
    first, second = built(table), built(table, other)
    assert first.rows == second.rows
    assert first.record.rows_sha256 == second.record.rows_sha256
    assert first.record.fingerprint != second.record.fingerprint


def test_the_record_says_where_the_rows_come_from():
    record = built(rows(), source="a source", simulated=True).record
    assert (record.model, record.table, record.label) == ("toy", "toys", "workflow_category")
    assert (record.source, record.simulated, record.as_of) == ("a source", True, AS_OF)
    assert record.feature_versions == VERSIONS
    assert record.split.gap == timedelta(days=1)
    assert record.split.train_until == START + timedelta(hours=960 - 24)


def test_a_list_that_is_missing_is_not_one_without_items():
    dicts = rows()
    missing, empty = list(dicts), list(dicts)
    missing[3] = dicts[3] | {"words": None}
    empty[3] = dicts[3] | {"words": []}
    stored = built(missing)
    assert stored.record.fingerprint != built(empty).record.fingerprint
    read = parse(stored.rows, stored.record).train["words"]
    assert read.isna().tolist() == [False] * 3 + [True] + [False] * (len(read) - 4)
    assert list(read.iloc[4]) == dicts[4]["words"]  # what follows a missing list is not moved


def test_how_texts_were_coded_before_changes_no_byte():
    plain = table_of(rows())
    words = ["unused", *sorted({row["tool"] or "" for row in rows()}, reverse=True)]
    codes = [None if row["tool"] is None else words.index(row["tool"]) for row in rows()]
    coded = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words))
    place = plain.column_names.index("tool")
    other = plain.set_column(place, "tool", coded)
    assert built(other).rows == built(plain).rows
    assert in_order(other).column("tool").chunk(0).dictionary.to_pylist() == [
        "t0",
        "t1",
        "t2",
        "t3",
    ]


def test_rows_are_in_order_of_time_then_id_and_each_id_is_there_once():
    dicts = rows(60)
    twice = table_of([*dicts[::-1], *dicts[:7]])
    ids = in_order(twice).column("row_id").to_pylist()
    assert ids == [row["row_id"] for row in dicts]


def test_time_goes_before_the_id() -> None:
    dicts = rows(60, 1)
    names = [row["row_id"] for row in dicts][::-1]
    renamed = [row | {"row_id": name} for row, name in zip(dicts, names, strict=True)]
    assert in_order(table_of(renamed)).column("row_id").to_pylist() == names


def test_a_row_at_the_clock_is_not_known_yet():
    moment = START + timedelta(hours=12 * 90)
    for as_of, newest in ((moment, 89), (moment + timedelta.resolution, 90)):
        stored = built(rows(), as_of=as_of)
        test = parse(stored.rows, stored.record).test
        assert test["occurred_at"].max() == START + timedelta(hours=12 * newest)


@pytest.mark.parametrize(("count", "enough"), [(49, False), (50, True)])
def test_fifty_rows_to_train_on_are_enough(count, enough):
    # one row a change set, each alone in its cluster; the last tenth tests, nothing lies in the gap
    spec = replace(SPEC, test_share=10 / (count + 10), label_delay=timedelta(0))
    dicts = rows(count + 10, 1)
    if enough:
        assert built(dicts, spec).record.split.rows_train == 50
    else:
        with pytest.raises(InsufficientData, match="The training part has 49 rows of 2 value"):
            built(dicts, spec)


@pytest.mark.parametrize(("limit", "enough"), [(0.89, False), (0.9, True), (1.0, True)])
def test_a_label_that_is_nearly_constant_is_told_before_a_fit(limit, enough):
    """Of 100 rows to train on 90 are of one class."""
    spec = replace(SPEC, test_share=10 / 110, label_delay=timedelta(0), largest_class_share=limit)
    dicts = [
        row | {"workflow_category": "fix" if number % 10 else "docs"}
        for number, row in enumerate(rows(110, 1))
    ]
    if enough:
        assert built(dicts, spec).record.split.rows_train == 100
    else:
        with pytest.raises(
            InsufficientData, match=r"is 'fix' in 90.0% of the 100 training rows: above 89%"
        ):
            built(dicts, spec)


def test_fifty_known_rows_are_needed_at_all():
    with pytest.raises(InsufficientData, match="49 rows of toys of people have a workflow_categ"):
        built(rows(49, 1))
    with pytest.raises(InsufficientData, match="The training part has"):
        built(rows(50, 1))


def test_classes_are_those_of_the_training_part_to_learn_but_all_to_predict():
    dicts = [row | {"workflow_category": "fix"} for row in rows()]
    late = [*dicts[:-4], *(row | {"workflow_category": "feat"} for row in dicts[-4:])]
    with pytest.raises(InsufficientData, match=r"156 rows of 1 value\(s\) of workflow_category"):
        built(late)  # the second class is in the test part alone: nothing to learn it from
    third = [*rows()[:-4], *(row | {"workflow_category": "docs"} for row in rows()[-4:])]
    assert built(third).record.classes == ("docs", "feat", "fix")


def test_the_parts_and_the_gap_are_all_rows():
    split = built(rows()).record.split
    assert (split.rows_train, split.rows_gap, split.rows_test) == (156, 4, 40)
    assert (split.clusters_train, split.clusters_test) == (78, 20)


def test_a_detection_needs_something_to_find_in_its_test_part():
    task = Detection()
    spec = replace(SPEC, task=task, required_column="row_id", classes=("no", task.positive))
    early = [
        row | {"workflow_category": task.positive if place < 100 else None}
        for place, row in enumerate(rows())
    ]
    with pytest.raises(InsufficientData, match=r"None of the 40 test rows .* \(0 have a value\)"):
        built(early, spec)
    late = [*early[:-1], early[-1] | {"workflow_category": task.positive}]
    assert built(late, spec).record.classes == ("no", task.positive)


def test_what_must_be_known_and_what_is_read_beside_are_wanted_columns():
    spec = replace(SPEC, required_column="seen_at", extra_columns=("propensity", "size"))
    assert wanted_columns(spec) == [
        "row_id",
        "user_id",
        "cluster_id",
        "change_set_id",
        "occurred_at",
        "is_bot",
        "workflow_category",
        "seen_at",
        "propensity",
        "size",
        "tool",
        "words",
    ]
    with pytest.raises(IntegrityError, match="lacks seen_at, propensity"):
        require_columns(wanted_columns(SPEC), spec)


def test_a_feature_that_nobody_declared_is_refused():
    spec = replace(SPEC, features=("size", "whim"))
    require_columns(wanted_columns(SPEC), SPEC)
    with pytest.raises(IntegrityError, match="Features without a declaration: whim"):
        require_columns(wanted_columns(spec), spec)


def test_one_row_is_a_row():
    require_any_row(1, SPEC)
    with pytest.raises(InsufficientData, match="There is no row of toys"):
        require_any_row(0, SPEC)


def test_numbers_are_doubles_and_what_is_missing_stays_missing():
    stored = built(rows())
    train = parse(stored.rows, stored.record).train
    assert train["size"].dtype == np.float64
    assert train["size"].isna().tolist()[:4] == [True, True, False, False]
    assert train["tool"].isna().tolist()[:4] == [True, True, False, False]
    assert train["occurred_at"].iloc[0] == START


class ReadOneByOne:
    """The columns of a table, each an object of its own; those that somebody still holds are counted."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.column_names = table.column_names
        self.held: list[weakref.ref[pa.ChunkedArray]] = []
        self.most = 0

    def column(self, name: str) -> pa.ChunkedArray:
        values = self.table.column(name)
        column = pa.chunked_array(values.chunks, type=values.type)
        self.held = [*(each for each in self.held if each() is not None), weakref.ref(column)]
        self.most = max(self.most, len(self.held))
        return column


def test_published_columns_are_read_one_by_one_and_none_is_kept():
    table = table_of(rows())
    columns = ReadOneByOne(table)
    one_by_one = built(columns)
    assert one_by_one.record == built(table).record
    assert one_by_one.rows == built(table).rows
    assert columns.most <= 3 < len(table.column_names)
