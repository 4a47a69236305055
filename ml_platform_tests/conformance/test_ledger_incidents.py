"""One suite for both ledgers: events of incidents are appended once each, in one step."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.actions import silence
from ml_platform.monitoring.incidents.follow import follow
from ml_platform.monitoring.incidents.state import replay
from ml_platform_tests.monitoring.incidents.examples import NOON, WINDOW, drift


def window(number: int):
    def change(events):
        observed = [drift("a<b>", "ü")]
        at = NOON + number * WINDOW
        return follow(replay(events), observed, model="m", at=at, version="3")

    return change


def test_events_come_back_as_they_were_and_in_their_order(ledger):
    assert ledger.incident_events() == ()
    (opened,) = ledger.change_incidents(window(0))
    (seen,) = ledger.change_incidents(window(1))
    said = silence(model="*", kind=None, until=NOON + WINDOW, by="ada", reason="a 'move'", at=NOON)
    ledger.change_incidents(lambda events: said)
    places, events = zip(*ledger.incident_events(), strict=True)
    assert events == (opened, seen, *said)
    assert list(places) == sorted(places)
    assert ledger.incident_events(after=places[1])[0] == (places[2], said[0])


def test_the_same_report_twice_changes_nothing(ledger):
    assert len(ledger.change_incidents(window(0))) == 1
    assert ledger.change_incidents(window(0)) == ()
    ((_, event),) = ledger.incident_events()
    assert ledger.change_incidents(lambda events: (event, replace(event, by="b"))) == ()
    assert len(ledger.incident_events()) == 1
    assert all(not table.changed for table in ledger.stored_rows())


def test_a_change_that_refuses_appends_nothing(ledger):
    def refuse(events):
        raise UsageError("no", remedy="none")

    with pytest.raises(UsageError):
        ledger.change_incidents(refuse)
    assert ledger.incident_events() == ()


def test_of_many_at_once_each_sees_what_was_before_it(ledger):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ledger.change_incidents(window(number % 3)), range(12)))
    events = [event for _, event in ledger.incident_events()]
    (incident,) = replay(events).incidents
    assert incident.windows == len(events) <= 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE incident_events SET body = '{}'",
        "DELETE FROM incident_events",
        "TRUNCATE incident_events",
    ],
)
def test_the_database_itself_refuses_to_change_them(database_url, statement):
    ledger = PostgresLedger(database_url)
    ledger.change_incidents(window(0))
    engine = sa.create_engine(database_url)
    with (
        pytest.raises(DatabaseIntegrityError, match="incident_events is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text(statement))
    assert len(ledger.incident_events()) == 1
    engine.dispose()
    ledger.close()
