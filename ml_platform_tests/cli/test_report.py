"""`ml-platform report`: the page of a stored version, from the ledger alone."""

from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from ml_platform import values
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.application.report_page import page_of, stored_evaluation
from ml_platform.cli.report import report, write_page
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.home import SourceChoice
from ml_platform_tests.application.homes import home, promotable


@pytest.fixture
def platform(tmp_path, monkeypatch):
    test_home = home(tmp_path, InMemoryLedger())
    promotable(test_home, b"one")
    promotable(test_home, b"two")

    @contextmanager
    def nothing_started(settings, tracking):
        yield None

    monkeypatch.setattr("ml_platform.adapters.services.services", nothing_started)
    monkeypatch.setattr(
        "ml_platform.application.connections.Connections", lambda settings: test_home
    )
    return test_home


def call(*arguments):
    return CliRunner().invoke(report, arguments)


def model_of(platform):
    (model,) = platform.ledger.models()
    return model


def test_it_writes_the_newest_and_prints_its_path(platform, tmp_path):
    model = model_of(platform)
    result = call(model, "--home", str(tmp_path))
    path = tmp_path / "reports" / f"{model}-2.html"
    assert (result.exit_code, result.output) == (0, f"{path.resolve()}\n")
    assert ">GO<" in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_a_version_and_a_file_can_be_named(platform, tmp_path):
    out = tmp_path / "a folder" / "one.html"
    result = call(model_of(platform), "1", "--out", str(out), "--home", str(tmp_path))
    assert result.output == f"{out.resolve()}\n"
    record = stored_evaluation(platform, model_of(platform), 1).record
    assert record.artifact_sha256[:12] in out.read_text(encoding="utf-8")


def test_json_is_the_stored_report(platform, tmp_path):
    result = call(model_of(platform), "--json", "--home", str(tmp_path))
    stored = stored_evaluation(platform, model_of(platform), None).report
    assert values.from_json(EvaluationReport, result.output) == stored
    assert not (tmp_path / "reports").exists()


def test_it_can_be_shown(platform, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    call(model_of(platform), "--open", "--home", str(tmp_path))
    assert shown == [(tmp_path / "reports" / f"{model_of(platform)}-2.html").as_uri()]


def test_what_is_not_there_is_said_in_one_line(platform):
    with pytest.raises(UsageError, match="No version of 'nobody' is registered") as unknown:
        stored_evaluation(platform, "nobody", None)
    assert unknown.value.exit_code == 2
    with pytest.raises(UsageError, match="has no version 7; it has 1, 2") as missing:
        stored_evaluation(platform, model_of(platform), 7)
    assert "\n" not in str(missing.value)


def test_a_report_that_is_gone_is_a_fault_of_the_ledger(platform, monkeypatch):
    monkeypatch.setattr(platform.ledger, "report", lambda report_id: None)
    with pytest.raises(IntegrityError, match="lacks the report"):
        stored_evaluation(platform, model_of(platform), None)


def test_the_versions_behind_it_are_shown(platform):
    evaluation = stored_evaluation(platform, model_of(platform), None)
    page = page_of(evaluation)
    for name, version in evaluation.record.dependencies.items():
        assert f"<dt>{name}</dt><dd>{version}</dd>" in page


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_page(tmp_path / "file" / "page.html", "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            SourceChoice("simulate", days=30, users=50, seed=4),
            "--source simulate --days 30 --users 50 --seed 4 --parameters default",
        ),
        (SourceChoice("git:/a"), "--source git:/a"),
        (SourceChoice("files:d", map_file="m.toml"), "--source files:d --map m.toml"),
        (
            SourceChoice("postgres:postgresql://me:secret@host/events", query_file="q.sql"),
            "--source postgres:host/events --query-file q.sql",
        ),
    ],
)
def test_a_source_is_typed_again_without_its_password(source, expected):
    assert " ".join(source.arguments) == expected
