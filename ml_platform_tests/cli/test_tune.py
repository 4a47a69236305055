"""`ml-platform tune` on a home with a toy model: what is proved reaches the next candidate, all else one line."""

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.tuning import tune as search
from ml_platform.application.connections import Connections
from ml_platform.application.records import write_record
from ml_platform.application.state_keys import tuned_key
from ml_platform.application.tune import keep_tuning, trial_table
from ml_platform.cli import tune as command
from ml_platform.cli.main import cli
from ml_platform.errors import UsageError
from ml_platform_tests.application.homes import home
from ml_platform_tests.models.proportion_rows import (
    BEST_IS_DEFAULT,
    proportion_spec,
    proportion_training_set,
)

ROWS = proportion_training_set()


@pytest.fixture
def platform(tmp_path: Path) -> Connections:
    test_home = home(tmp_path)
    test_home.tracking = InMemoryTracking()
    return test_home


def test_proved_parameters_reach_the_next_candidate(platform: Connections) -> None:
    record = search(proportion_spec(), ROWS, trials=12, seconds=3600, seed=1)
    keep_tuning(platform, record, ROWS.record)
    kept = platform.ledger.state(tuned_key("toy"))
    assert kept == {"parameters": record.best, "study": record.study}
    again = keep_tuning(platform, record, ROWS.record)
    assert keep_tuning(platform, record, ROWS.record) == again


def test_a_default_that_stays_leaves_what_was_proved_before(platform: Connections) -> None:
    record = search(BEST_IS_DEFAULT, ROWS, trials=2, seconds=3600, seed=1)
    keep_tuning(platform, record, ROWS.record)
    assert platform.ledger.state(tuned_key("toy")) is None
    before = {"parameters": {"learning_rate": 0.2}, "study": "earlier"}
    platform.ledger.set_state(tuned_key("toy"), before)
    keep_tuning(platform, record, ROWS.record)
    assert platform.ledger.state(tuned_key("toy")) == before


def test_the_table_has_a_line_a_trial() -> None:
    record = search(proportion_spec(), ROWS, trials=12, seconds=3600, seed=1)
    head, *lines = trial_table(record).decode().splitlines()
    assert head == "trial,state,value,block 1,block 2,block 3,learning_rate,seconds,worker"
    assert len(lines) == 12
    assert {line.count(",") for line in lines} == {head.count(",")}
    assert lines[0].startswith("0,complete,")


TRAINING_SET = ("toy", "training_set")


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_searches_the_latest_training_set(
    platform: Connections, database_url: str, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    settings, ledger, tracking = platform.settings, InMemoryLedger(), InMemoryTracking()
    monkeypatch.setenv("ML_PLATFORM_HOME", str(settings.home))
    write_record(settings, TRAINING_SET, ROWS.record)

    @contextmanager
    def running(_: object, *, tracking: bool):
        yield SimpleNamespace(urls=SimpleNamespace(ml_platform=database_url))

    monkeypatch.setattr("ml_platform.adapters.services.services", running)
    monkeypatch.setattr(
        "ml_platform.adapters.training_set_files.load_training_set", lambda *_: ROWS
    )
    monkeypatch.setattr(command, "spec_named", lambda _: proportion_spec())
    monkeypatch.setattr(Connections, "ledger", ledger)
    monkeypatch.setattr(Connections, "tracking", tracking)
    typed = [
        "tune",
        "toy",
        "--trials",
        "12",
        "--seconds",
        "3600",
        "--seed",
        "1",
        *(["--json"] if as_json else []),
    ]
    result = CliRunner().invoke(cli, typed, catch_exceptions=False)
    assert "trial 12/12" in result.stderr
    kept = ledger.state(tuned_key("toy"))
    assert kept is not None
    if as_json:
        output = json.loads(result.stdout)
        assert output["verdict"] == "tuned"
        assert output["best"] == kept["parameters"]
    else:
        assert "toy: 12 trials" in result.stdout
        assert "TUNED: r2 on the holdout differs by" in result.stdout
        assert "default 0.01" in result.stdout


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nobody", "There is no model 'nobody'"),
        ("sequence_ngram", "no training set of sequence_ngram in the home"),
    ],
)
def test_what_cannot_be_tuned_is_told_in_one_line(
    platform: Connections, monkeypatch: pytest.MonkeyPatch, model: str, message: str
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(platform.settings.home))
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(cli, ["tune", model], catch_exceptions=False)


def test_a_new_home_has_nothing_to_tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "new"))
    with pytest.raises(UsageError, match="Nothing has been run"):
        CliRunner().invoke(cli, ["tune", "sequence_ngram"], catch_exceptions=False)
