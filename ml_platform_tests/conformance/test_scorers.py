"""What every kind of artifact keeps: a scorer's shape and range, its columns by name, and its bytes."""

import gc
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_platform.adapters.artifact_files import load_scorer, read_artifact, write_artifact
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.dimensions.cost.fewer_trees import fewer_trees, tree_count
from ml_platform.models import artifact_kinds as kinds
from ml_platform.models.artifact_kinds import (
    ArtifactKindSpec,
    TreeSum,
    artifact_kind,
    register_artifact_kind,
    scorer_of,
)
from ml_platform.spec.artifact import MANIFEST
from ml_platform_tests.conformance.scorer_examples import EXAMPLES, ROWS, Example, example
from ml_platform_tests.plugins.packages import SPEC_MODULE, write_model

KINDS = tuple(kind.name for kind in kinds.artifact_kinds())
NOT_OFFERED = -1.0


@pytest.fixture(params=KINDS)
def given(request: pytest.FixtureRequest) -> Example:
    return example(request.param)


def test_every_kind_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(KINDS)


def test_one_finite_number_in_range_a_row_and_class(given: Example) -> None:
    scorer = scorer_of(given.artifact)
    scores = scorer.predict_proba(given.rows)
    assert scorer.classes == given.artifact.classes
    assert scores.shape == (ROWS, len(scorer.classes))
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert (((scores >= 0) & (scores <= 1)) | (scores == NOT_OFFERED)).all()


def test_columns_are_taken_by_name_and_others_are_ignored(given: Example) -> None:
    scorer = scorer_of(given.artifact)
    turned = given.rows[given.rows.columns[::-1]].assign(of_no_model="x")
    np.testing.assert_array_equal(scorer.predict_proba(turned), scorer.predict_proba(given.rows))


def test_rows_without_its_columns_are_refused_by_name(given: Example) -> None:
    bare = given.rows.drop(columns=list(given.artifact.features), errors="ignore")
    with pytest.raises(IntegrityError, match="The rows lack") as error:
        scorer_of(given.artifact).predict_proba(bare)
    assert any(name in error.value.message for name in given.artifact.features)


def test_a_row_alone_scores_as_in_a_batch_in_any_order(given: Example) -> None:
    scorer = scorer_of(given.artifact)
    together = scorer.predict_proba(given.rows)
    for place in (0, 7, ROWS - 1):
        alone = scorer.predict_proba(given.rows.iloc[[place]])
        np.testing.assert_allclose(alone[0], together[place], rtol=0, atol=1e-6)
    backwards = scorer.predict_proba(given.rows.iloc[::-1])
    np.testing.assert_allclose(backwards[::-1], together, rtol=0, atol=1e-6)


def test_no_rows_give_no_scores(given: Example) -> None:
    scores = scorer_of(given.artifact).predict_proba(given.rows.iloc[:0])
    assert scores.shape == (0, len(given.artifact.classes))


def test_a_row_that_is_scored_again_keeps_nothing_of_it(given: Example) -> None:
    scorer, row = scorer_of(given.artifact), given.rows.iloc[[0]]

    def objects_after(calls: int) -> int:
        for _ in range(calls):
            scorer.predict_proba(row)
        gc.collect()
        return len(gc.get_objects())

    before = objects_after(3)
    assert objects_after(100) - before < 50


def test_equal_artifacts_score_equally_to_the_bit(given: Example) -> None:
    first, second = (scorer_of(given.artifact).predict_proba(given.rows) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_what_was_written_is_read_with_the_same_hash_and_scores(
    given: Example, tmp_path: Path
) -> None:
    artifact = given.artifact
    write_artifact(artifact, tmp_path / "a")
    again = read_artifact(tmp_path / "a", artifact.sha256)
    assert again == artifact
    assert again.sha256 == artifact.sha256
    np.testing.assert_array_equal(
        load_scorer(tmp_path / "a", artifact.sha256).predict_proba(given.rows),
        scorer_of(artifact).predict_proba(given.rows),
    )


def test_a_flipped_bit_in_any_file_is_refused_before_it_is_parsed(
    given: Example, tmp_path: Path
) -> None:
    folder, sha256 = tmp_path / "a", given.artifact.sha256
    write_artifact(given.artifact, folder)
    for name in (MANIFEST, *given.artifact.files):
        content = (folder / name).read_bytes()
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        (folder / name).write_bytes(flipped)
        with pytest.raises(IntegrityError, match=rf"{name} has SHA-256"):
            load_scorer(folder, sha256)
        (folder / name).write_bytes(content)
    load_scorer(folder, sha256)


@pytest.mark.parametrize(
    "kind", [name for name in KINDS if artifact_kind(name).trees is not TreeSum.NO_TREES]
)
def test_half_the_trees_still_score_in_range(kind: str) -> None:
    given = example(kind)
    half = fewer_trees(given.artifact, 0.5)
    assert tree_count(half) == round(tree_count(given.artifact) * 0.5)
    scores = scorer_of(half).predict_proba(given.rows)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    artifact = replace(example("ngram").artifact, kind="astrology")
    with pytest.raises(IntegrityError, match=r"kind 'astrology'.*known are .*ngram"):
        scorer_of(artifact)


def test_a_kind_of_another_package_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_REGISTERED", {})
    kind = ArtifactKindSpec(
        name="lookup",
        scorer="ml_platform.models.rules:RulesScorer",
        files="rules.json, as the rules that it scores by",
    )
    register_artifact_kind(kind)
    register_artifact_kind(kind)
    given = example("classification_rules")
    scorer = scorer_of(replace(given.artifact, kind="lookup"))
    np.testing.assert_array_equal(
        scorer.predict_proba(given.rows), scorer_of(given.artifact).predict_proba(given.rows)
    )
    with pytest.raises(UsageError, match="'lookup' is registered already"):
        register_artifact_kind(replace(kind, scorer="elsewhere:Scorer"))


KIND_MODULE = """\
from ml_platform.models.artifact_kinds import ArtifactKindSpec, register_artifact_kind

register_artifact_kind(
    ArtifactKindSpec("lookup", "ml_platform.models.rules:RulesScorer", "rules.json")
)
"""


def test_a_fresh_process_loads_the_kinds_of_installed_plug_ins(tmp_path: Path) -> None:
    write_model(tmp_path / "packages", "lookups", KIND_MODULE + SPEC_MODULE.format(name="lookups"))
    artifact = replace(example("classification_rules").artifact, kind="lookup")
    write_artifact(artifact, tmp_path / "a")
    code = (
        "import sys; from pathlib import Path;"
        "from ml_platform.adapters.artifact_files import load_scorer;"
        "print(*load_scorer(Path(sys.argv[1]), sys.argv[2]).classes)"
    )
    path = os.pathsep.join([str(tmp_path / "packages"), *sys.path])
    loaded = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a"), artifact.sha256],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == list(artifact.classes)


def test_scoring_leaves_nothing_in_the_folder_of_its_user(tmp_path: Path) -> None:
    # ONNX Runtime keeps an identifier and a database of what it reports to its makers there, except in CI.
    user = tmp_path / "user"
    user.mkdir()
    artifact = example("random_forest").artifact
    write_artifact(artifact, tmp_path / "a")
    code = (
        "import sys; from pathlib import Path;"
        "from ml_platform.adapters.artifact_files import load_scorer;"
        "load_scorer(Path(sys.argv[1]), sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a"), artifact.sha256],
        env={"HOME": str(user), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert list(user.rglob("*")) == []
