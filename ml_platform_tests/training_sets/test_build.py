import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.training_set_files import (
    build_training_set,
    load_training_set,
    newest_moment,
)
from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.spec.task import SequencePrediction
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.feature_files import (
    AS_OF,
    SPEC,
    START,
    VERSIONS,
    rows,
    write,
)


def build(folder: Path, change_sets: list[dict], **changes) -> TrainingSet:
    return build_of(write(folder / "f.parquet", change_sets), folder / "sets", **changes)


def build_of(file: Path, folder: Path, **changes) -> TrainingSet:
    arguments = {
        "spec": SPEC,
        "feature_versions": VERSIONS,
        "source": "test",
        "simulated": False,
        "as_of": AS_OF,
    }
    return build_training_set(file, folder=folder, **(arguments | changes))


def test_parts_and_record_of_a_hundred_change_sets(tmp_path):
    built = build(tmp_path, rows())
    split = built.record.split
    # 80 change sets of 12 h before the test; 80 * 12 h - 24 h: change sets 0..77 end before it
    assert (split.rows_train, split.rows_gap, split.rows_test) == (156, 4, 40)
    assert (split.clusters_train, split.clusters_test) == (78, 20)
    assert split.test_from == START + timedelta(hours=960)
    assert len(built.train) == 156
    assert len(built.test) == 40
    assert built.record.classes == ("feat", "fix")
    assert built.train["occurred_at"].is_monotonic_increasing
    assert list(built.train["words"].iloc[0]) == ["w0", "p0"]
    assert built.train["tool"].isna().iloc[0]
    assert built.train["size"].isna().iloc[0]


def test_order_duplicates_receipt_and_bots_change_nothing(tmp_path):
    plain = rows()
    shuffled = [row | {"received_at": f"late {i}"} for i, row in enumerate(plain + plain[:50])]
    random.Random(3).shuffle(shuffled)
    bots = [row | {"row_id": "b" + row["row_id"], "is_bot": True} for row in shuffled[:20]]
    unlabelled = [row | {"row_id": "n", "workflow_category": None} for row in shuffled[:1]]
    first = build(tmp_path, plain)
    (tmp_path / "b").mkdir()
    second = build(tmp_path / "b", shuffled + bots + unlabelled)
    assert first.record == second.record


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", 3.5), ("tool", "other"), ("words", ["w0"]), ("workflow_category", "fix")],
)
def test_any_changed_value_changes_the_fingerprint(tmp_path, column, value):
    first = build(tmp_path, rows())
    changed = rows()
    changed[10] = changed[10] | {column: value}
    (tmp_path / "b").mkdir()
    assert build(tmp_path / "b", changed).record.fingerprint != first.record.fingerprint


def test_a_feature_version_and_the_split_are_part_of_the_fingerprint(tmp_path):
    first = build(tmp_path, rows()).record.fingerprint
    assert (
        build(tmp_path, rows(), feature_versions=VERSIONS | {"size": "2"}).record.fingerprint
        != first
    )
    other = replace(SPEC, test_share=0.3)
    assert build(tmp_path, rows(), spec=other).record.fingerprint != first


def test_rows_at_or_after_the_clock_are_left_out(tmp_path):
    built = build(tmp_path, rows(), as_of=START + timedelta(hours=12 * 90))
    assert built.record.split.rows_test == 36
    assert built.test["occurred_at"].max() < START + timedelta(hours=12 * 90)


def test_it_is_loaded_as_it_was_built(tmp_path):
    built = build(tmp_path, rows())
    again = load_training_set(tmp_path / "sets", built.record)
    assert again.record == built.record
    assert again.train.equals(built.train)
    assert again.test.equals(built.test)


def test_models_with_the_same_rows_share_one_file(tmp_path):
    file = write(tmp_path / "f.parquet", rows())
    first = build_of(file, tmp_path / "sets")
    second = build_of(file, tmp_path / "sets", spec=replace(SPEC, name="another"))
    assert first.record.fingerprint != second.record.fingerprint
    paths = sorted((tmp_path / "sets").rglob("rows.parquet"))
    assert len({path.stat().st_ino for path in paths}) == 1 < len(paths)
    assert load_training_set(tmp_path / "sets", second.record).train.equals(first.train)


def test_a_file_that_was_damaged_is_not_shared(tmp_path):
    file = write(tmp_path / "f.parquet", rows())
    build_of(file, tmp_path / "sets")
    damaged = next((tmp_path / "sets").rglob("rows.parquet"))
    damaged.write_bytes(b"nothing")
    second = build_of(file, tmp_path / "sets", spec=replace(SPEC, name="another"))
    assert len(load_training_set(tmp_path / "sets", second.record).train)


def test_a_changed_byte_is_refused_before_it_is_parsed(tmp_path):
    built = build(tmp_path, rows())
    path = next((tmp_path / "sets").rglob("rows.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="has SHA-256"):
        load_training_set(tmp_path / "sets", built.record)


def test_gone_rows_are_refused(tmp_path):
    built = build(tmp_path, rows())
    next((tmp_path / "sets").rglob("rows.parquet")).unlink()
    with pytest.raises(IntegrityError, match="are gone"):
        load_training_set(tmp_path / "sets", built.record)


def test_no_features_file_is_insufficient(tmp_path):
    with pytest.raises(InsufficientData, match="no features to train toy on"):
        build_of(tmp_path / "none.parquet", tmp_path)


def test_no_labels_is_insufficient_and_names_the_label(tmp_path):
    bare = [row | {"workflow_category": None} for row in rows()]
    with pytest.raises(InsufficientData, match="0 rows of toys of people have a workflow_category"):
        build(tmp_path, bare)


def test_one_class_is_insufficient(tmp_path):
    with pytest.raises(InsufficientData, match="1 value"):
        build(tmp_path, rows(labels=("fix",)))


def test_a_missing_column_is_named(tmp_path):
    path = write(tmp_path / "f.parquet", rows())
    pq.write_table(pq.read_table(path).drop_columns(["size"]), path)
    with pytest.raises(IntegrityError, match=r"lacks size"):
        build_of(path, tmp_path)


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(InsufficientData):
        build(tmp_path, rows(labels=("fix",)))
    assert not (tmp_path / "sets").exists()


def test_declared_classes_need_no_label_at_all(tmp_path):
    bare = [row | {"workflow_category": None} for row in rows()]
    built = build(
        tmp_path, bare, spec=replace(SPEC, required_column="row_id", classes=("no", "yes"))
    )
    assert built.record.classes == ("no", "yes")
    assert built.record.split.rows_train == 156
    assert built.train["workflow_category"].isna().all()


def test_a_number_is_one_class_of_its_name(tmp_path):
    built = build(tmp_path, rows(), spec=replace(SPEC, label="size", features=("tool",)))
    assert built.record.classes == ("size",)


def test_a_list_has_the_classes_of_its_items(tmp_path):
    built = build(tmp_path, rows(), spec=replace(SPEC, label="words", features=("tool",)))
    assert built.record.classes == ("p0", "p1", "w0", "w1", "w2", "w3", "w4", "w5")


def test_extra_classes_come_last_and_extra_columns_are_kept(tmp_path):
    built = build(
        tmp_path,
        rows(),
        spec=replace(SPEC, features=("tool",), extra_columns=("size",), task=SequencePrediction()),
    )
    assert built.record.classes == ("feat", "fix", "soon")
    assert "size" in built.test
    assert built.record.features == ("tool",)


def test_no_row_at_all_names_what_the_source_lacks(tmp_path):
    path = write(tmp_path / "f.parquet", rows())
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(
        InsufficientData, match=r"no row of toys .*: this source has no toys that give one"
    ):
        build_of(path, tmp_path)


def test_a_table_that_is_not_published_has_no_newest_moment(tmp_path):
    # so it is after a migration that removes the features: who asks for recommendations is told what to do
    assert newest_moment(tmp_path / "pattern_features") is None
