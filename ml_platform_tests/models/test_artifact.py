from pathlib import Path
from types import MappingProxyType

import pytest

from ml_platform.adapters.artifact_files import load_scorer, read_artifact, write_artifact
from ml_platform.errors import IntegrityError
from ml_platform.models.random_forest.artifact_kinds import RANDOM_FOREST
from ml_platform.models.rules import CLASSIFICATION_RULES, fit_rules
from ml_platform.spec.artifact import MANIFEST, Artifact
from ml_platform_tests.models.pattern_rows import training_set


def made(folder: Path) -> Artifact:
    artifact = fit_rules(training_set())
    write_artifact(artifact, folder)
    return artifact


def test_what_was_written_is_read(tmp_path):
    artifact = made(tmp_path / "a")
    again = read_artifact(tmp_path / "a", artifact.sha256)
    assert again == artifact
    assert again.sha256 == artifact.sha256
    assert artifact.size_bytes == (tmp_path / "a" / "rules.json").stat().st_size


def test_a_flipped_bit_in_any_file_is_refused_by_name(tmp_path):
    artifact = made(tmp_path / "a")
    for name in (MANIFEST, *artifact.files):
        path = tmp_path / "a" / name
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        with pytest.raises(IntegrityError, match=name):
            load_scorer(tmp_path / "a", artifact.sha256)
        path.write_bytes(good)
    load_scorer(tmp_path / "a", artifact.sha256)


def test_a_missing_file_and_another_artifact_are_refused(tmp_path):
    artifact = made(tmp_path / "a")
    with pytest.raises(IntegrityError, match=r"manifest\.json has SHA-256"):
        load_scorer(tmp_path / "a", "f" * 64)
    (tmp_path / "a" / "rules.json").unlink()
    with pytest.raises(IntegrityError, match=r"rules\.json is missing"):
        load_scorer(tmp_path / "a", artifact.sha256)
    with pytest.raises(IntegrityError, match=r"manifest\.json is missing"):
        load_scorer(tmp_path / "b", artifact.sha256)


def test_identity_covers_kind_classes_features_and_content():
    base = Artifact(
        CLASSIFICATION_RULES.name, ("a",), MappingProxyType({"x": "number"}), {"f": b"1"}
    )
    others = (
        Artifact(RANDOM_FOREST.name, ("a",), base.features, base.files),
        Artifact(CLASSIFICATION_RULES.name, ("b",), base.features, base.files),
        Artifact(CLASSIFICATION_RULES.name, ("a",), {"x": "category"}, base.files),
        Artifact(CLASSIFICATION_RULES.name, ("a",), base.features, {"f": b"2"}),
        Artifact(CLASSIFICATION_RULES.name, ("a",), base.features, {"g": b"1"}),
    )
    assert len({base.sha256, *(other.sha256 for other in others)}) == 6
