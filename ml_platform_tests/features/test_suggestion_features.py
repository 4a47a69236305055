"""The table of suggestions against plain Python, with ties, edges of windows, and a poisoned future."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ml_platform.features.suggestion_features import SUGGESTION_FEATURES
from ml_platform_tests.features.lakes import AS_OF, START
from ml_platform_tests.features.suggestion_lakes import History, random_history
from ml_platform_tests.features.suggestion_oracle import (
    DAY,
    Offer,
    Run,
    Work,
    labels,
    suggestion_features,
)

Compute = Callable[[History], dict[str, dict[str, Any]]]
NAMES = [spec.name for spec in SUGGESTION_FEATURES if "hour_" not in spec.name][:26]


def differing(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (row[name], value)
        for name, value in expected.items()
        if row[name] != (pytest.approx(value, abs=1e-12) if isinstance(value, float) else value)
    }


@pytest.mark.parametrize("seed", range(5))
def test_dbt_agrees_with_plain_python(suggestions_of: Compute, seed: int) -> None:
    history = random_history(seed)
    rows = suggestions_of(history)
    assert len(rows) == len(history[0])
    for offer in history[0]:
        expected = suggestion_features(offer, *history)
        assert set(expected) == set(NAMES)
        assert not differing(rows[offer.suggestion_id], expected), offer


def test_labels_of_shares_and_of_single_offers(suggestions_of: Compute) -> None:
    """Daily offers make shares; the same offers of workflows that never come back are yes or no."""
    random = Random(7)
    offers = []
    for day in range(40):
        at = START + timedelta(days=day)
        outcome = random.choice(("accepted", "ignored", None))
        wait = random.choice((timedelta(hours=1), DAY, 3 * DAY))
        offers.append(Offer(f"g{day}", "a", "v", at, outcome, at + wait if outcome else None, None))
    rows = suggestions_of((offers, [], []))
    for offer in offers:
        expected = labels(offer, offers, AS_OF, shares=True)
        assert not differing(rows[offer.suggestion_id], expected), offer
    assert {rows[f"g{day}"]["adopted_share"] for day in (33, 39)} == {None}  # 7 and 1 occasions
    single = [replace(o, workflow_id=o.suggestion_id) for o in offers]
    late = replace(
        single[0], suggestion_id="late", shown_at=AS_OF - DAY, outcome=None, outcome_at=None
    )
    rows = suggestions_of(([*single, late], [], []))
    for offer in (*single, late):
        assert not differing(
            rows[offer.suggestion_id], labels(offer, single, AS_OF, shares=False)
        ), offer
    assert rows["late"]["adopted"] is None


@pytest.mark.parametrize("place", [15, 35])
def test_poisoning_the_future_changes_no_feature(suggestions_of: Compute, place: int) -> None:
    offers, runs, work = history = random_history(9)
    row = sorted(offers, key=lambda o: (o.shown_at, o.suggestion_id))[place]
    now = row.shown_at

    def later_outcome(o: Offer) -> Offer:
        if o.outcome_at is None or o.outcome_at < now:
            return o
        return replace(o, outcome="accepted", outcome_at=max(o.outcome_at, now) + DAY)

    future = [replace(row, suggestion_id=f"!{n}", shown_at=now + n * DAY) for n in range(1, 9)]
    poisoned: History = (
        [later_outcome(o) for o in offers if o.shown_at <= now] + future,
        [
            replace(r, finished_at=r.finished_at and min(r.finished_at, now), status="success")
            if r.finished_at and r.finished_at >= now
            else r
            for r in runs
            if r.started_at < now
        ]
        + [Run(row.user_id, row.workflow_id, now, now + DAY, "success")] * 3,
        [w for w in work if w.occurred_at < now - DAY]
        + [Work(row.user_id, now - DAY, row.category or "fix")] * 5,
    )
    clean, dirty = suggestions_of(history), suggestions_of(poisoned)
    for offer in offers:
        if offer.shown_at <= now:
            for name in NAMES:
                same = clean[offer.suggestion_id][name] == dirty[offer.suggestion_id][name]
                assert same, (name, offer)


def test_the_clock_is_told_in_utc(suggestions_of: Compute) -> None:
    row = suggestions_of(random_history(1))["g000"]
    shown = row["occurred_at"]
    assert (row["hour"], row["weekday"]) == (shown.hour, shown.weekday())


def test_a_source_without_suggestions_has_no_rows(suggestions_of: Compute) -> None:
    assert suggestions_of(([], [], [])) == {}
