import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ml_platform.errors import UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import GENESIS, EventDraft, breaks, extend, link
from ml_platform.registry.records import Action
from ml_platform.values import to_json
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
