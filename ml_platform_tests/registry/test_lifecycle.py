from datetime import timedelta

from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import EventDraft, extend
from ml_platform.registry.lifecycle import in_production, production_at, statuses
from ml_platform.registry.records import Action, Status
from ml_platform_tests.registry.examples import AT

HOUR = timedelta(hours=1)


def draft(hour, version, action, verdict=Verdict.PROMOTE, model="m"):
    return EventDraft(model, version, action, verdict, AT + hour * HOUR, "test", {"h": str(hour)})


EVENTS = extend(
    None,
    [
        draft(0, 1, Action.REGISTERED),
        draft(1, 1, Action.PROMOTED),
        draft(2, 2, Action.REGISTERED, Verdict.HOLD),
        draft(2, 3, Action.REGISTERED, Verdict.REJECT),
        draft(3, 2, Action.REFUSED, Verdict.HOLD),
        draft(4, 4, Action.REGISTERED),
        draft(5, 1, Action.ARCHIVED),
        draft(5, 4, Action.PROMOTED),
        draft(6, 1, Action.REGISTERED, model="other"),
    ],
)


def test_status_follows_from_the_events():
    assert statuses(EVENTS, "m") == {
        1: Status.ARCHIVED,
        2: Status.STAGED,
        3: Status.DEPRECATED,
        4: Status.PRODUCTION,
    }


def test_what_is_in_production_since_when_and_why():
    champion = in_production(EVENTS, "m")
    assert champion is not None
    assert (champion.version, champion.since, champion.why) == (4, AT + 5 * HOUR, {"h": "5"})
    assert in_production(EVENTS, "other") is None


def test_production_at_any_time():
    asked = {-1: None, 0: None, 0.9: None, 1: 1, 4.9: 1, 5: 4, 99: 4}
    assert {h: production_at(EVENTS, "m", AT + h * HOUR) for h in asked} == asked
