"""What people say twice of incidents is said once, also while the clock of the home goes on."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ml_platform.application.connections import Connections
from ml_platform.application.incidents import (
    acknowledge_incident,
    follow_report,
    list_incidents,
    show_incident,
    silence_incidents,
)
from ml_platform.home import write_home
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.monitoring.report import Performance
from ml_platform_tests.application.homes import home
from ml_platform_tests.retraining.reports import report

INCIDENT = "model:performance:20240601T1200Z"


def an_hour_later(platform: Connections) -> Connections:
    """The same ledger by a later clock."""
    state = replace(platform.home, as_of=platform.home.as_of + timedelta(hours=1))
    write_home(platform.settings, state)
    later = Connections(platform.settings)
    later.ledger = platform.ledger
    return later


def test_a_silence_that_is_asked_for_again_is_the_one_that_holds(tmp_path: Path) -> None:
    platform = home(tmp_path)
    until = platform.now() + timedelta(days=2)

    def ask(at: Connections, reason: str = "a release", by: str = "ada") -> str:
        kind = IncidentKind.PERFORMANCE
        return silence_incidents(at, "model", kind, until, by=by, reason=reason).silence_id

    first, before = ask(platform), platform.now()
    later = an_hour_later(platform)
    assert later.now() > before
    assert ask(later, " a  release") == first
    assert ask(later, "another one") != first
    assert ask(later, by="bob") != first
    assert len(list_incidents(later).silences) == 3


def test_an_acknowledgement_again_is_no_event_until_something_is_handed_over(
    tmp_path: Path,
) -> None:
    platform = home(tmp_path)
    follow_report(platform, report(performance=Performance.ALERT))
    for at in (platform, an_hour_later(platform)):
        incident = acknowledge_incident(at, INCIDENT, by="ada", reason="I look")
        assert incident.status == "acknowledged"
    acknowledge_incident(platform, INCIDENT, by="bob", reason="I look")
    happened = [event.happening.value for event in show_incident(platform, INCIDENT).events]
    assert happened == ["opened", "acknowledged", "acknowledged"]
