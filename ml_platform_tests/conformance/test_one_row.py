"""One row of plain values: to the bit the batch path's answer for every kind of artifact, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.adapters.artifact_files import load_one_row, write_artifact
from ml_platform.errors import RowRefused, UsageError
from ml_platform.models import artifact_kinds as kinds
from ml_platform.models.one_row import OneRow, RowFields, one_row_of, plain_rows
from ml_platform.models.rules import RulesScorer
from ml_platform.prediction_log.one_row import RowAnswers
from ml_platform.prediction_log.scoring import answers_of
from ml_platform.spec.task import Classification, ProportionRegression
from ml_platform.training_sets.coded_column import MISSING
from ml_platform_tests.conformance.scorer_examples import Example, example
from ml_platform_tests.conformance.test_mlflow_models import TASKS

KINDS = tuple(kind.name for kind in kinds.artifact_kinds())
SIZES = (1, 2, 7, 1_000)
EXTREMES = (0.0, -0.0, 5e-324, -1e300, 1e300, 1.7976931348623157e308, 2.0**53 + 2, -20.0, 1e-7)


@cache
def one_row(kind: str) -> OneRow:
    return one_row_of(example(kind).artifact)


@cache
def known_rows(kind: str) -> list[dict[str, Any]]:
    """The example's rows as plain values; the n-gram's manifest has two features that its rows lack."""
    given: Example = example(kind)
    left = {name: None for name in given.artifact.features if name not in given.rows.columns}
    return plain_rows(given.rows.assign(**left), given.artifact.features)


def frame_of(rows: list[dict[str, Any]], features: Mapping[str, str]) -> pd.DataFrame:
    """The rows as the batch path gets them."""
    columns = {}
    for name, kind in features.items():
        values = [row[name] for row in rows]
        if kind == "number":
            columns[name] = pd.Series(values, dtype=np.float64)
        else:
            columns[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(columns)


@cache
def rows_like(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with values of the example and others: missing, extreme, unseen, empty, long, repeated."""
    columns: dict[str, st.SearchStrategy[Any]] = {}
    for name, feature in example(kind).artifact.features.items():
        seen = [row[name] for row in known_rows(kind)]
        if feature == "number":
            values = [st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(EXTREMES)]
        elif feature == "category":
            values = [st.text(max_size=3), st.just(MISSING)]
        else:
            words = sorted({word for row in seen for word in row or ()}) or ["a"]
            word = st.sampled_from([*words, *words, "unseen", "first", "pause", "", MISSING])
            values = [st.lists(word, max_size=30), st.just([])]
        columns[name] = st.one_of(st.sampled_from(seen), *values, st.none())
    return st.fixed_dictionaries(columns)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return (
        one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_row_has_the_bits_of_its_batch(kind: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(rows_like(kind), min_size=1, max_size=9))
    answers = one_row(kind)
    with np.errstate(all="ignore"):
        batch = answers.scorer.predict_proba(frame_of(rows, answers.fields.kinds))
        for row, scores in zip(rows, batch, strict=True):
            assert same_bits(answers.scores(row), scores)


@pytest.mark.parametrize("kind", ["random_forest", "gradient_boosting"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_matrix_of_trees_is_that_of_the_batch(kind: str, data: st.DataObject) -> None:
    """A tree that does not split by a column would hide what stands in it."""
    rows = data.draw(st.lists(rows_like(kind), min_size=1, max_size=5))
    encoding = one_row(kind).scorer.encoding  # type: ignore[attr-defined]
    matrix = encoding.transform(frame_of(rows, one_row(kind).fields.kinds))
    assert same_bits(np.concatenate([encoding.transform_row(row) for row in rows]), matrix)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_has_the_same_bits_in_every_size_and_at_every_place(kind: str) -> None:
    given = example(kind)
    rows = pd.concat([given.rows] * 26, ignore_index=True)
    alone = np.stack([one_row(kind).scores(row) for row in known_rows(kind)])
    expected = np.concatenate([alone] * 26)
    for size in SIZES:
        for start in range(0, 41, 3):
            part = rows.iloc[start : start + size]
            batch = one_row(kind).scorer.predict_proba(part)
            assert same_bits(batch, expected[start : start + size]), (size, start)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_as_features_are_stored_have_the_same_bits(kind: str) -> None:
    """Categories and lists in Arrow, as training and prediction read them, in place of Python's objects."""
    import pyarrow as pa

    from ml_platform.training_sets.canonical import frame

    answers, rows = one_row(kind), known_rows(kind)
    types = {"number": pa.float64(), "category": pa.dictionary(pa.int32(), pa.string())}
    words = pa.list_(pa.string())
    columns = {
        name: pa.array([row[name] for row in rows], types.get(of, words))
        for name, of in answers.fields.kinds.items()
    }
    batch = answers.scorer.predict_proba(frame(pa.table(columns)))
    assert same_bits(np.stack([answers.scores(row) for row in rows]), batch)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_what_the_prediction_log_keeps(kind: str) -> None:
    answers, task = one_row(kind), TASKS[kind]
    scores = answers.scorer.predict_proba(example(kind).rows)
    logged = answers_of(task, answers.scorer, scores)
    for place, row in enumerate(known_rows(kind)):
        answer = RowAnswers(answers, task).answer(row)
        assert answer.prediction == logged.texts[place]
        assert answer.confidence == logged.confidence[place]
        assert answer.scores == tuple(scores[place].tolist())
        assert answer.reasons is None


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(row=rows_like("gradient_boosting"))
def test_reasons_on_demand_add_up_and_are_those_of_the_batch(row: dict[str, Any]) -> None:
    answers = one_row("gradient_boosting")
    scorer: Any = answers.scorer
    answer = RowAnswers(answers, ProportionRegression()).answer(row, reasons=True)
    reasons = answer.reasons
    assert (reasons,) == scorer.reasons(frame_of([row], answers.fields.kinds))
    added = reasons.base + sum(code.points for code in reasons.codes)
    assert added == pytest.approx(reasons.score, abs=1e-12)
    assert answer.scores[0] == pytest.approx(reasons.score, abs=1e-6)
    assert {code.feature for code in reasons.codes} == set(answers.fields.kinds)


def test_a_scorer_without_reasons_says_so() -> None:
    answers = RowAnswers(one_row("classification_rules"), Classification())
    with pytest.raises(UsageError, match="RulesScorer gives no reasons for a row"):
        answers.answer(known_rows("classification_rules")[0], reasons=True)


class OnlyBatches:
    """A scorer of another package, which knows data frames alone."""

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer
        self.classes = scorer.classes

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        values: np.ndarray = self._scorer.predict_proba(rows)
        return values

    def reasons(self, rows: pd.DataFrame) -> Any:
        return self._scorer.reasons(rows)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_scorer_of_batches_answers_one_row_by_a_batch_of_one(
    kind: str, data: st.DataObject
) -> None:
    row = data.draw(rows_like(kind))
    answers = one_row(kind)
    foreign = OneRow(answers.fields, OnlyBatches(answers.scorer))
    with np.errstate(all="ignore"):
        assert same_bits(foreign.scores(row), answers.scores(row))
    assert foreign.row_scorer.classes == answers.scorer.classes


def test_a_scorer_of_batches_gives_its_reasons_by_a_batch_of_one() -> None:
    answers = one_row("gradient_boosting")
    row = known_rows("gradient_boosting")[3]
    task = ProportionRegression()
    foreign = RowAnswers(OneRow(answers.fields, OnlyBatches(answers.scorer)), task)
    own = RowAnswers(answers, task)
    assert foreign.answer(row, reasons=True) == own.answer(row, reasons=True)


FIELDS = RowFields({"hours": "number", "tool": "category", "path": "tokens"})
GOOD: dict[str, object] = {"hours": 1.5, "tool": "git", "path": ["a", "b"]}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"hours": "1.5"}, "hours is '1.5', not a finite number"),
        ({"hours": True}, "hours is True, not a finite number"),
        ({"hours": np.True_}, "hours is .*True.*, not a finite number"),
        ({"hours": float("nan")}, "hours is nan, not a finite number"),
        ({"hours": float("-inf")}, "hours is -inf, not a finite number"),
        ({"hours": np.float32("nan")}, "hours is .*nan.*, not a finite number"),
        ({"hours": 10**400}, "hours is 1000.*, not a finite number"),
        ({"hours": Decimal(1)}, "hours is .*, not a finite number"),
        ({"tool": 3}, "tool is 3, not a text"),
        ({"tool": float("nan")}, "tool is nan, not a text"),
        ({"tool": ["git"]}, r"tool is \['git'\], not a text"),
        ({"path": "ab"}, "path is 'ab', not a list of texts"),
        ({"path": ["a", None]}, r"path is \['a', None\], not a list of texts"),
        ({"path": [1]}, r"path is \[1\], not a list of texts"),
        ({"path": {"a": 1}}, "path is .*, not a list of texts"),
        ({"user": "u1"}, "user is no feature"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(
    changed: dict[str, object], problem: str
) -> None:
    with pytest.raises(RowRefused, match=problem) as error:
        FIELDS.read(GOOD | changed)
    assert len(error.value.problems) == 1


def test_a_missing_field_is_refused_and_nothing_is_not_missing() -> None:
    with pytest.raises(RowRefused, match="hours is missing; path is missing"):
        FIELDS.read({"tool": None})
    nothing = dict.fromkeys(GOOD)
    assert FIELDS.read(nothing) == nothing


def test_a_refusal_names_the_first_five_fields() -> None:
    fields = RowFields({f"f{place}": "number" for place in range(9)})
    with pytest.raises(RowRefused) as error:
        fields.read({})
    assert error.value.problems[-1] == "4 more"
    assert len(error.value.problems) == 6


def test_numbers_of_other_libraries_are_read_as_floats() -> None:
    row = FIELDS.read({"hours": np.int64(3), "tool": np.str_("git"), "path": np.array(["a"])})
    assert type(row["hours"]) is float
    assert FIELDS.read(GOOD | {"hours": 2})["hours"] == 2.0
    assert FIELDS.read(GOOD | {"hours": np.float32(0.1)})["hours"] == float(np.float32(0.1))


def test_what_a_row_holds_beside_the_features_is_not_answered() -> None:
    answers = one_row("classification_rules")
    with pytest.raises(RowRefused, match="user_id is no feature"):
        answers.scores(known_rows("classification_rules")[0] | {"user_id": "u1"})


def test_plain_rows_are_what_the_frame_holds() -> None:
    rows = pd.DataFrame(
        {
            "hours": pd.array([1, None], dtype="Int64"),
            "tool": pd.Categorical(["git", None]),
            "path": [np.array(["a", None]), None],
        }
    )
    assert plain_rows(rows, FIELDS.kinds) == [
        {"hours": 1.0, "tool": "git", "path": ["a", MISSING]},
        {"hours": None, "tool": None, "path": None},
    ]


def test_a_process_that_answers_rows_imports_no_pandas(tmp_path: Path) -> None:
    folders = []
    for kind in KINDS:
        artifact = example(kind).artifact
        write_artifact(artifact, tmp_path / kind)
        folders += [str(tmp_path / kind), artifact.sha256]
    code = """
import sys
from pathlib import Path
from ml_platform.adapters.artifact_files import load_one_row
from ml_platform.prediction_log.one_row import RowAnswers

values = {"number": 1.0, "category": "a", "tokens": ["a", "b"]}
for folder, sha256 in zip(sys.argv[1::2], sys.argv[2::2]):
    one_row = load_one_row(Path(folder), sha256)
    one_row.scores({name: values[kind] for name, kind in one_row.fields.kinds.items()})
    one_row.scores(dict.fromkeys(one_row.fields.kinds))
print(*{name.partition(".")[0] for name in sys.modules} & {"pandas", "pyarrow", "scipy", "sklearn", "torch"})
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *folders],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_what_is_loaded_answers_rows(tmp_path: Path) -> None:
    given = example("classification_rules")
    write_artifact(given.artifact, tmp_path / "a")
    loaded = load_one_row(tmp_path / "a", given.artifact.sha256)
    assert isinstance(loaded.scorer, RulesScorer)
    (row, *_) = known_rows("classification_rules")
    assert same_bits(loaded.scores(row), one_row("classification_rules").scores(row))
