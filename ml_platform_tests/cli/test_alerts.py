"""`ml-platform alerts` on a real ledger: list, show, ack and silence; what was typed wrong is one line."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.application.connections import Connections
from ml_platform.application.incidents import follow_report
from ml_platform.cli import alerts as command
from ml_platform.cli.main import cli
from ml_platform.errors import PlatformError
from ml_platform.monitoring.incidents.kinds import IncidentKind, runbook_of
from ml_platform.monitoring.report import Performance
from ml_platform.reporting.incident_messages import KIND_WORDS
from ml_platform_tests.application.homes import home
from ml_platform_tests.retraining.reports import report

ROOT = Path(__file__).parents[2]
INCIDENT = "pattern_classifier:performance:20240601T1200Z"


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str):
    """A home with one open incident, for which nothing is started."""
    ledger = PostgresLedger(database_url)
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))

    @contextmanager
    def running(*_: object, tracking: bool):
        yield

    monkeypatch.setattr("ml_platform.adapters.services.services", running)
    monkeypatch.setattr(Connections, "ledger", ledger)
    platform = home(tmp_path, ledger)
    bad = report(performance=Performance.WARN, model="pattern_classifier")
    ledger.save_monitoring_report(bad)
    follow_report(platform, bad)
    yield platform
    ledger.close()


def call(*typed: str) -> Result:
    return CliRunner().invoke(cli, ["alerts", *typed], catch_exceptions=False)


def refused(*typed: str) -> str:
    with pytest.raises(PlatformError) as error:
        call(*typed)
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_list_is_a_line_an_incident(platform):
    assert call("list").stdout == (
        f"WARNING  {INCIDENT}; open; accuracy; 1 windows, 2024-06-01 12:00 to 2024-06-01 12:00 UTC\n"
    )
    assert call("list", "--model", "trigger_predictor").stdout == "No incident is open.\n"
    (incident,) = json.loads(call("list", "--json").stdout)["incidents"]
    assert incident["runbook"] == "docs/runbooks/performance.md"


def test_an_incident_is_shown_with_its_events_and_its_runbook(platform):
    lines = call("show", INCIDENT).stdout.splitlines()
    assert "  worst: 0.11" in lines
    assert "  2024-06-01 12:00 UTC opened, told" in lines
    assert lines[-1] == "  runbook: docs/runbooks/performance.md"
    assert json.loads(call("show", INCIDENT, "--json").stdout)["incident"]["status"] == "open"


def test_somebody_takes_care_of_it(platform):
    said = call("ack", INCIDENT, "--actor", "ada", "--reason", "new labels").stdout
    assert "acknowledged by ada" in said
    assert "  ada takes care of it: new labels" in call("show", INCIDENT).stdout


def test_a_silence_is_listed_until_it_ends(platform):
    until = ("--until", "2026-05-03T00:00Z", "--reason", "a move", "--actor", "ada")
    said = call("silence", "--kind", "performance", *until).stdout
    assert (
        said == "silence of every model, performance, until 2026-05-03 00:00 UTC by ada: a move\n"
    )
    listed = call("list").stdout
    assert said in listed
    assert "silenced until 2026-05-03 00:00 UTC" in listed


def test_what_was_typed_wrong_is_one_clear_line(platform):
    reason = ("--reason", "why")
    assert "There is no incident 'x'." in refused("show", "x")
    assert "There is no incident 'x'." in refused("ack", "x", *reason)
    assert "reason is missing" in refused("ack", INCIDENT, "--reason", " ")
    assert "nobody" in refused("list", "--model", "nobody")
    assert "--until 'soon' is not a time." in refused("silence", "--until", "soon", *reason)
    assert "does not end within 90 days" in refused("silence", "--until", "2026-05-01", *reason)
    late = ("--until", "2026-05-03", *reason)
    assert "Only a silence of the kind performance" in refused("silence", "--critical", *late)
    unknown = call("silence", "--kind", "x", *late)
    assert unknown.exit_code == 2
    assert "'x' is not one of" in unknown.stderr


def test_every_kind_can_be_named_has_words_and_a_runbook_with_what_to_do():
    assert set(command._KINDS) == {kind.value for kind in IncidentKind}
    assert set(KIND_WORDS) == set(IncidentKind)
    for kind in IncidentKind:
        text = (ROOT / runbook_of(kind)).read_text()
        assert re.search(r"\*\*Look\*\*.*\*\*Do\*\*.*\*\*Over\*\*", text, re.DOTALL)
        assert len(text.splitlines()) < 40
