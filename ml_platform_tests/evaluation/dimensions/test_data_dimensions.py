"""Leakage, quality and selection as dimensions: what gates read of them, for sets large, tiny and leaky."""

import dataclasses
from datetime import UTC, datetime

import pytest

from ml_platform import values
from ml_platform.adapters.plugins import spec_named
from ml_platform.evaluation.dimensions.data import leakage, leakage_report, quality
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.dimensions.selection import selection
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.features.future_check import ColumnCheck, Comparison, FutureCheck
from ml_platform.features.leakage import find_leaks
from ml_platform.spec.feature import Family, FeatureSpec, Kind
from ml_platform.spec.feature_table import FeaturePart
from ml_platform_tests.evaluation.examples import STRONG, make_training_set

FEATURES = ("weak",)


def subject(change_sets=1_200, plant=None):
    rows = make_training_set(change_sets=change_sets)
    names = FEATURES
    if plant:
        names = (*FEATURES, "planted")
        rows.train["planted"], rows.test["planted"] = plant(rows.train), plant(rows.test)
    record = dataclasses.replace(rows.record, features=names)
    rows = dataclasses.replace(rows, record=record)
    declared = tuple(
        FeatureSpec(name, Family.CATEGORICAL, Kind.CATEGORY, None, None, "", "", "")
        for name in names
    )
    spec = spec_named("pattern_classifier")
    table = dataclasses.replace(spec.table, parts=(FeaturePart(declared, ()),))
    spec = dataclasses.replace(spec, table=table, features=names)
    predictions = Predictions(STRONG.predict_proba(rows.test))
    return EvaluationContext(spec, rows, evaluator_of(spec.task, rows), STRONG, predictions, seed=1)


def kept(dimension):
    return values.from_json(Dimension, values.to_json(dimension)) == dimension


def test_a_clean_set_is_safe_good_and_fully_used():
    examined = subject()
    dimensions = [examination(examined) for examination in (leakage, quality, selection)]
    assert all(kept(dimension) for dimension in dimensions)
    assert [dimension.name for dimension in dimensions] == ["leakage", "quality", "selection"]
    assert dimensions[0].measures["level"].value == 0
    assert dimensions[1].measures["score"].value == dimensions[1].measures["weakest"].value == 10
    assert dimensions[2].measures["kept_share"].value == 1
    assert dimensions[2].measures["skill"].low > 0.1


def test_a_target_copy_is_level_two_and_leads_the_selection_to_drop_it():
    examined = subject(plant=lambda rows: rows["label"].str.upper())
    dimension = leakage(examined)
    assert dimension.measures["level"].value == 2
    assert dimension.findings[0].startswith("DANGEROUS (target): planted alone")
    (table,) = dimension.tables
    assert {row[0]: row[2:] for row in table.rows}["target"] == ("dangerous", "planted")
    assert "leaky: planted" in selection(examined).findings


def test_leaks_that_are_known_are_not_looked_for_again():
    examined = subject(plant=lambda rows: rows["label"])
    split = examined.training_set.record.split
    safe = find_leaks(
        examined.training_set.train,
        examined.training_set.test,
        label="label",
        features=FEATURES,
        declared=set(FEATURES),
        train_until=split.train_until,
        test_from=split.test_from,
    )
    known = dataclasses.replace(examined, leakage=safe)
    assert leakage(known).measures["level"].value == 0


def test_the_columns_that_were_rebuilt_are_a_table_and_late_rows_a_sentence():
    examined = subject()
    late = Comparison(300, 9, 0, "r1 is 1.0, else 2.0")
    same = Comparison(300, 0, 0, "")
    columns = (ColumnCheck("weak", same, same, late), ColumnCheck("unused", same, same, late))
    future = FutureCheck("t", "", 10_000, 300, datetime(2026, 1, 1, tzinfo=UTC), columns)
    report = leakage_report(examined.spec, examined.training_set, future)
    dimension = leakage(dataclasses.replace(examined, leakage=report))
    assert kept(dimension)
    assert dimension.measures["level"].value == 0
    assert dimension.tables[1].rows == (("weak", 300, 0, 300, 0, 9, "r1 is 1.0, else 2.0"),)
    assert len(set(dimension.tables[1].columns)) == 7
    assert "rows that came in after their time change weak" in dimension.watch[1]


def test_a_broken_column_is_the_weakest():
    dimension = quality(subject(plant=lambda rows: [f"k{name}" for name in rows["row_id"]]))
    assert dimension.measures["weakest"].value == pytest.approx(4)
    assert dimension.measures["score"].value == pytest.approx(7)
    assert dimension.findings[0].startswith("one value a row: planted")


def test_a_tiny_set_is_insufficient_for_selection_alone():
    examined = subject(change_sets=12)
    assert leakage(examined).measures["level"].value == 0
    assert quality(examined).measures["score"].value == 10
    dimension = selection(examined)
    assert kept(dimension)
    assert dimension.measures == {}
    assert set(dimension.undefined) == {"kept_share", "skill", "change"}
