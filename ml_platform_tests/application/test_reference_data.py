"""Reference data that were deleted or poisoned: nothing is promoted or compared by them; `verify` names them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.training_set_files import (
    build_training_set,
    load_training_set,
    rows_path,
)
from ml_platform.application.monitor import monitoring_report, reference_rows
from ml_platform.application.stored_evidence import rows_sha256_now
from ml_platform.application.verify import verify_home
from ml_platform.errors import IntegrityError, PermitRefused
from ml_platform_tests.application.homes import (
    AS_OF,
    DATA,
    ROWS,
    SPEC,
    ask,
    home,
    promotable,
)
from ml_platform_tests.training_sets import feature_files


def refusal(platform, record) -> str:
    with pytest.raises(PermitRefused) as refused:
        ask(platform, record)
    assert platform.ledger.production("example").version is None
    return " ".join(refused.value.reasons)


@pytest.mark.parametrize(
    ("content", "why", "of_monitoring", "of_verify"),
    [
        (None, "is missing", "are gone", "missing"),
        (ROWS + b" poisoned", "has changed: its SHA-256 is", "has SHA-256", "recorded is"),
    ],
)
def test_on_rows_that_are_gone_or_changed_nothing_rests(
    tmp_path, content, why, of_monitoring, of_verify
):
    platform = home(tmp_path)
    record = promotable(platform, b"1")
    path = rows_path(platform.settings.training_sets, DATA)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert why in refusal(platform, record)
    with pytest.raises(IntegrityError, match=of_monitoring):
        reference_rows(platform, SPEC, "1")
    named = {finding.subject: finding.detail for finding in verify_home(platform) if not finding.ok}
    assert set(named) >= {"example 1 data"}
    assert of_verify in named["example 1 data"]


def test_without_its_baseline_a_window_has_no_report(tmp_path):
    platform = home(tmp_path)
    promotable(platform, b"1")
    with pytest.raises(IntegrityError, match="There is no baseline of example 1"):
        monitoring_report(platform, SPEC, "1", AS_OF)
    assert platform.ledger.monitoring_reports("example") == ()


def test_flipped_labels_are_another_data_version(tmp_path):
    """One label in twenty is another one: in the stored rows, and in the features before they are stored."""
    spec, folder = feature_files.SPEC, tmp_path / "sets"
    built = built_of(feature_files.write(tmp_path / "f.parquet", feature_files.rows()), folder)
    path = rows_path(folder, built.record)
    pq.write_table(flipped(pq.read_table(path), spec.label), path)
    platform = home(tmp_path)
    assert built.record.model == spec.name
    with pytest.raises(IntegrityError, match="has SHA-256"):
        load_training_set(folder, built.record)
    platform.settings.training_sets.parent.mkdir(exist_ok=True)
    folder.rename(platform.settings.training_sets)
    assert rows_sha256_now(platform, built.record) != built.record.rows_sha256
    poisoned = tmp_path / "poisoned.parquet"
    pq.write_table(flipped(pq.read_table(tmp_path / "f.parquet"), spec.label), poisoned)
    assert built_of(poisoned, tmp_path / "other").record.fingerprint != built.record.fingerprint


def built_of(features, folder):
    return build_training_set(
        features,
        feature_files.SPEC,
        feature_versions=feature_files.VERSIONS,
        source="test",
        simulated=False,
        as_of=feature_files.AS_OF,
        folder=folder,
    )


def flipped(rows: pa.Table, label: str) -> pa.Table:
    """The rows with one known label in twenty made the other."""
    labels = np.array(rows[label].to_pylist(), dtype=object)
    known = np.flatnonzero([value is not None for value in labels])
    chosen = known[::20]
    labels[chosen] = np.where(labels[chosen] == "fix", "feat", "fix")
    place = rows.column_names.index(label)
    return rows.set_column(place, label, pa.array(labels.tolist(), rows.schema.field(label).type))
