"""`ml-platform predict` against the real service on a port."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.home_files import remember_port
from ml_platform.application.connections import SERVICE
from ml_platform.cli.predict import KEY_VARIABLE, predict
from ml_platform.cli.prediction_text import line_of, lines_of
from ml_platform.client import PredictAnswer
from ml_platform.errors import ServiceError, UsageError
from ml_platform_tests.client.services import MODEL, features, listening, trigger_predictor

Asks = Callable[..., int]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    home = tmp_path_factory.mktemp("home")
    with listening(home, trigger_predictor(home)) as (port, key):
        remember_port(home, SERVICE, port)
        yield home, key


@pytest.fixture
def asks(running: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Asks:
    home, key = running
    monkeypatch.setenv("ML_PLATFORM_HOME", "")
    monkeypatch.setenv(KEY_VARIABLE, key)

    def ask(*words: str) -> int:
        code: int = predict.main(
            [MODEL, "--home", str(home), *words], "predict", standalone_mode=False
        )
        return code

    return ask


def written(folder: Path, text: str, name: str = "rows") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def typed(row: dict[str, object]) -> list[str]:
    return [word for name, value in row.items() for word in ("--row", f"{name}={value}")]


def test_a_typed_row_is_answered_in_words(asks: Asks, capsys: pytest.CaptureFixture[str]) -> None:
    assert asks(*typed(features(9))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "prediction  yes",
        "confidence  0.900",
        "answered by version 7 (champion)",
    ]
    assert lines[3].startswith("id          0")


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: json.dumps(rows),
        lambda rows: "\n".join(map(json.dumps, rows)) + "\n\n",
        lambda rows: json.dumps([{"features": row, "row_id": "r"} for row in rows]),
        lambda rows: "\n".join(
            [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        ),
        lambda rows: "\ufeff" + json.dumps(rows),
    ],
    ids=["list", "lines", "rows", "csv", "with a mark"],
)
def test_rows_of_a_file_come_back_in_their_order(
    form: Callable[[list[Any]], str],
    asks: Asks,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [features(hour % 24) for hour in range(250)]
    assert asks("--features", written(tmp_path, form(rows)), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    expected = [(0.1, 0.9, 0.52, 0.3)[hour % 24 // 6] for hour in range(250)]
    assert [each["confidence"] for each in told["answers"]] == expected
    assert told["ok"] is True


def test_standard_input_is_a_file(
    asks: Asks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps([features(2), features(9)]).encode()
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text)))
    assert asks("--features", "-") == 0
    assert capsys.readouterr().out.splitlines() == [
        "row 1: no, confidence 0.100, version 7 (champion)",
        "row 2: yes, confidence 0.900, version 7 (champion)",
    ]


def test_a_refused_row_is_one_line_and_the_others_are_answered(
    asks: Asks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.dumps([features(9), features(9) | {"hour_sin": "x"}])
    assert asks("--features", written(tmp_path, rows)) == 2
    told = capsys.readouterr()
    assert told.out == "row 1: yes, confidence 0.900, version 7 (champion)\n"
    (line,) = told.err.splitlines()
    assert line.startswith(
        "ml-platform: row 2: The row is refused: hour_sin is 'x', not a finite number. Remedy: "
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has 0 rows"),
        ("[]", "has 0 rows"),
        ("[1]", "Row 1 of .* is no object: '1'"),
        ('{"a": 1}\n{', "line 2 is no JSON"),
        ('[{"a": 1},', "cannot be read"),
        ("[" * 100_000, "nested too deeply"),
        ("a,b\n1", "row 2 has 1 values, the header 2"),
        ("a,a\n1,2", "two columns have the same name"),
        ('a\n"1', "unexpected end of data"),
        ('{"features": {}, "user_id": 7}', "user_id in row 1 of .* is no text: '7'"),
        ('[{"a": NaN}]', "send None where there is no number"),
    ],
)
def test_a_file_that_has_no_rows_is_refused_in_one_line(
    content: str, said: str, asks: Asks, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        asks("--features", written(tmp_path, content))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no UTF-8"):
        asks("--features", str(tmp_path / "rows"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "There are no features"),
        (("--row", "a=1", "--features", "-"), "two sources of features"),
        (("--row", "a"), "'a' is not KEY=VALUE"),
        (("--row", "a=1", "--row", "a=2"), "gives 'a' twice"),
        (("--row", "a=1", "--url", "localhost"), "must begin with http"),
        (("--row", "a=1", "--key-file", "/nowhere"), "cannot be read: FileNotFoundError"),
    ],
)
def test_what_was_typed_wrong_is_said_in_one_line(
    words: tuple[str, ...], said: str, asks: Asks
) -> None:
    with pytest.raises(UsageError, match=said):
        asks(*words)


def test_a_key_of_a_file_goes_before_that_of_the_variable(
    asks: Asks,
    running: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    key = running[1]
    monkeypatch.setenv(KEY_VARIABLE, "mlp_wrong_key")
    assert asks(*typed(features(9)), "--key-file", written(tmp_path, f"{key}\n", "key")) == 0
    with pytest.raises(UsageError, match="This is not an API key") as refused:
        asks(*typed(features(9)))
    assert "mlp_wrong" not in str(refused.value)
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(UsageError, match="There is no API key"):
        asks(*typed(features(9)))


def test_an_unknown_model_exits_with_2_and_a_service_that_is_not_there_with_1(
    running: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, key = running
    monkeypatch.setenv(KEY_VARIABLE, key)
    words = ["--home", str(home), "--row", "a=1"]
    assert predict.main(["nobody", *words], standalone_mode=False) == 2
    assert "There is no model 'nobody'" in capsys.readouterr().err
    with pytest.raises(ServiceError, match="did not answer: no connection") as gone:
        predict.main(
            [MODEL, *words, "--url", "http://127.0.0.1:1", "--timeout", "2"], standalone_mode=False
        )
    assert gone.value.exit_code == 1
    assert key not in str(gone.value)


def test_reasons_are_told_in_words() -> None:
    codes = [
        {"feature": "tool", "value": "git", "points": 0.25, "logit": 1.0},
        {"feature": "hour", "value": None, "points": -0.05, "logit": -0.2},
        {"feature": "team", "value": "a", "points": 0.0, "logit": 0.0},
    ]
    reasons = {"base": 0.4, "score": 0.6, "codes": codes}
    answer = PredictAnswer("p", "m", "rules@0", "rules", "yes", 0.6, True, "why", reasons=reasons)
    assert list(lines_of(answer)) == [
        "prediction  yes",
        "confidence  0.600",
        "answered by rules@0 (rules, since why)",
        "reasons",
        "  tool is git: +0.250",
        "  hour is missing: -0.050",
        "  from 0.400, that of a row of which nothing is known, and 1 others",
        "id          p",
    ]
    assert line_of(answer).startswith("yes, confidence 0.600, rules@0 (rules, since why); tool is")
    other = PredictAnswer("p", "m", "1", "champion", "yes", 0.6, False, reasons=[{"a": 1}])
    assert '  [{"a": 1}]' in lines_of(other)
