"""Rules answer under the hash of their bytes, from their registration on, and with their baseline."""

from dataclasses import replace

import pandas as pd
import pytest

from ml_platform import values
from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.training_set_files import rows_path
from ml_platform.application.monitor import reference_rows
from ml_platform.application.predict import in_production
from ml_platform.application.register import save_baselines
from ml_platform.errors import InsufficientData
from ml_platform.models.rules import fit_rules
from ml_platform_tests.application.homes import SPEC, home
from ml_platform_tests.gates.spoilt_reports import good_report
from ml_platform_tests.models.pattern_rows import training_set
from ml_platform_tests.registry.examples import another


def kept(platform, rows, fingerprint):
    """The record of a training set whose rows lie on disk."""
    data = replace(rows.record, model=SPEC.name, fingerprint=fingerprint)
    path = rows_path(platform.settings.training_sets, data)
    path.parent.mkdir(parents=True)
    pd.concat([rows.train, rows.test]).to_parquet(path)
    data = replace(data, rows_sha256=values.file_sha256(path))
    platform.ledger.save_training_set(data)
    return data


@pytest.fixture
def registered(tmp_path):
    """A home with a training set on disk, two rule artifacts, and a version made of the first."""
    platform = home(tmp_path)
    rows = training_set(60)
    data = kept(platform, rows, "0" * 64)
    artifacts = [fit_rules(rows), fit_rules(rows, keys=())]
    for artifact in artifacts:
        write_artifact(artifact, platform.settings.artifacts / artifact.sha256)
    record = replace(
        another("a", model=SPEC.name),
        artifact_sha256=artifacts[0].sha256,
        artifact_path=f"artifacts/{artifacts[0].sha256}",
        report_id=platform.ledger.save_report(good_report()),
        training_set_fingerprint=data.fingerprint,
    )
    return platform, data, platform.ledger.register(record), artifacts


def test_rules_answer_from_their_registration_on_with_a_baseline_under_their_hash(registered):
    platform, data, record, (first, second) = registered
    with pytest.raises(InsufficientData, match="no champion and no rules"):
        in_production(platform, "example")
    spec = replace(SPEC, features=("tool",))
    seen = []
    for rules in (first, second):
        save_baselines(platform, spec, data, record, rules.sha256)
        version, scorer = in_production(platform, "example")
        assert version == f"rules@{rules.sha256[:12]}"
        assert scorer.classes == data.classes
        assert platform.ledger.baseline("example", version) is not None
        seen.append(version)
    assert len(set(seen)) == 2, "predictions of different rules are told apart"
    assert platform.ledger.baseline("example", "1") is not None


def test_what_a_report_is_drawn_beside_is_what_its_version_learned_from(registered):
    platform, _, record, _ = registered
    newer = kept(platform, training_set(30), "1" * 64)
    platform.ledger.register(replace(record, training_set_fingerprint=newer.fingerprint))
    sizes = [len(reference_rows(platform, SPEC, version)) for version in ("1", "2", "rules@0")]
    assert sizes == [60 * 4, 30 * 4, 30 * 4]
