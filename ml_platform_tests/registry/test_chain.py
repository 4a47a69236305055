import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ml_platform.errors import UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import GENESIS, EventDraft, breaks, extend, link
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.values import from_json, to_json
from ml_platform_tests.registry.examples import AT

DRAFTS = [
    EventDraft("m", 1, Action.REGISTERED, Verdict.PROMOTE, AT, "test", {"n": str(n)})
    for n in range(4)
]


def stored(events):
    return [to_json(event) for event in events]


def test_links_count_from_one_and_continue_each_other():
    links = extend(None, DRAFTS)
    assert [event.sequence for event in links] == [1, 2, 3, 4]
    assert links[0].previous_hash == GENESIS
    assert [event.previous_hash for event in links[1:]] == [event.hash for event in links[:-1]]
    assert breaks(stored(links)) == ()
    assert extend(links[1], DRAFTS[2:]) == links[2:]


def test_the_same_events_give_the_same_hashes_in_any_time_zone():
    east = timezone(timedelta(hours=5))
    moved = [replace(draft, at=draft.at.astimezone(east)) for draft in DRAFTS]
    assert extend(None, moved) == extend(None, DRAFTS)


def test_a_changed_event_is_named():
    links = list(extend(None, DRAFTS))
    links[1] = replace(links[1], actor="somebody")
    assert breaks(stored(links)) == ("event 2 has been changed: its hash does not match",)


def test_a_changed_event_with_its_hash_made_anew_breaks_what_follows():
    links = list(extend(None, DRAFTS))
    links[1] = link(links[0], replace(DRAFTS[1], actor="somebody"))
    assert breaks(stored(links)) == ("event 3 does not continue the event before it",)


def test_what_is_hashed_is_the_same_in_every_release():
    """SHA-256 of the event's JSON: keys sorted, no spaces, its own hash empty (worked out with sha256sum)."""
    first = link(None, EventDraft("m", 1, Action.REGISTERED, Verdict.HOLD, AT, "a", {"é": "b"}))
    text = (
        '{"action":"registered","actor":"a","at":"2026-05-01T12:00:00Z","evidence":{"\\u00e9":"b"},'
        '"hash":"","model":"m","previous_hash":"'
        + "0"
        * 64
        + '","recorded_at":null,"sequence":1,"verdict":"hold",'
        '"version":1}'
    )
    assert first.hash == hashlib.sha256(text.encode()).hexdigest()


def test_an_event_of_a_release_before_keeps_its_hash():
    """The text of format 3, which has no clock on the wall; its hash worked out with sha256sum."""
    text = (
        '{"action":"registered","actor":"a","at":"2026-05-01T12:00:00Z","evidence":{"\\u00e9":"b"},'
        '"hash":"","model":"m","previous_hash":"'
        + "0" * 64
        + '","sequence":1,"verdict":"hold","version":1}'
    )
    hashed = "5ca84c97657f1e0e73d7f27f796f11db5e878cd56b2afa88fa3a422529451430"
    whole = text.replace('"hash":""', f'"hash":"{hashed}"')
    assert breaks([whole]) == ()
    old = from_json(PromotionEvent, whole)
    assert old.recorded_at is None
    assert old.wall == old.at


@pytest.mark.parametrize("text", ['{"hash": ""}', "[1]", "7", "{", '"text"', "null"])
def test_an_event_without_a_number_cannot_be_read(text):
    assert breaks([text]) == (f"an event cannot be read: {text!r}",)


def test_a_hash_covers_the_hash_before_it():
    first, second, third, _ = extend(None, DRAFTS)
    assert link(first, DRAFTS[2]).hash != link(replace(first, hash="9" * 64), DRAFTS[2]).hash
    forged = link(first, replace(DRAFTS[1], actor="somebody"))
    moved = replace(
        third, previous_hash=forged.hash
    )  # keeps its own hash: the forger knows no better
    assert breaks(stored([first, forged, moved])) == (
        "event 3 has been changed: its hash does not match",
    )
    assert breaks(stored([first, second, third])) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"version": 2},
        {"action": Action.PROMOTED},
        {"verdict": Verdict.HOLD},
        {"at": AT + timedelta(seconds=1)},
        {"actor": "somebody"},
        {"evidence": {"n": "9"}},
        {"sequence": 7},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_hash_covers_every_field(changes):
    event = link(None, DRAFTS[0])
    assert "event has been changed" in " ".join(
        fault.replace(f"event {event.sequence}", "event").replace("event 7", "event")
        for fault in breaks(stored([replace(event, **changes)]))
    )


def test_the_first_event_continues_nothing():
    orphan = link(replace(link(None, DRAFTS[0]), sequence=0), DRAFTS[1])
    assert orphan.sequence == 1
    assert breaks(stored([orphan])) == ("event 1 does not continue the event before it",)


def test_evidence_changed_after_the_event_changes_nothing():
    evidence = {"n": "0"}
    event = link(None, replace(DRAFTS[0], evidence=evidence))
    evidence["n"] = "forged"
    assert event.evidence == {"n": "0"}
    assert breaks(stored([event])) == ()


def test_what_follows_an_event_that_cannot_be_read_is_not_vouched_for():
    first, second, third, _ = stored(extend(None, DRAFTS))
    assert breaks([first, "[]", third]) == ("an event cannot be read: '[]'",)
    assert breaks([second, "no json", third]) == (
        "event 2 stands where 1 should",
        "event 2 does not continue the event before it",
        "an event cannot be read: 'no json'",
    )


def test_an_event_with_a_field_that_a_later_release_has_added_keeps_its_hash():
    texts = stored(extend(None, DRAFTS[:2]))
    assert breaks([*texts, "no json"]) == ("an event cannot be read: 'no json'",)
    wider = [
        json.dumps(json.loads(text) | {"later": None}, sort_keys=True, separators=(",", ":"))
        for text in texts
    ]
    assert breaks(wider) != ()
    assert breaks(texts) == ()


def test_a_dropped_event_is_noticed():
    links = list(extend(None, DRAFTS))
    del links[1]
    assert breaks(stored(links)) == (
        "event 3 stands where 2 should",
        "event 3 does not continue the event before it",
    )


def test_swapped_events_are_noticed():
    first, second, *rest = extend(None, DRAFTS)
    assert "event 2 stands where 1 should" in breaks(stored([second, first, *rest]))


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(UsageError, match="has no zone"):
        link(None, replace(DRAFTS[0], at=datetime(2026, 5, 1)))
