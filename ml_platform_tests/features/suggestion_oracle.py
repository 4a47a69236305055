"""Features of suggestions once more, in plain Python, straight from their definitions; quadratic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
FORTNIGHT = 14 * DAY
MONTH = 30 * DAY


@dataclass(frozen=True)
class Offer:
    suggestion_id: str
    user_id: str
    workflow_id: str
    shown_at: datetime
    outcome: str | None
    outcome_at: datetime | None
    category: str | None


@dataclass(frozen=True)
class Run:
    user_id: str
    workflow_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str


@dataclass(frozen=True)
class Work:
    user_id: str
    occurred_at: datetime
    category: str | None


def suggestion_features(
    offer: Offer, offers: Sequence[Offer], runs: Sequence[Run], work: Sequence[Work]
) -> dict[str, Any]:
    """Every feature of one offer but those of the clock."""
    now = offer.shown_at
    pair = [o for o in offers if (o.user_id, o.workflow_id) == (offer.user_id, offer.workflow_id)]
    begin = min(o.shown_at for o in pair if now - FORTNIGHT <= o.shown_at <= now)
    return {
        "category": offer.category,
        **_use(offer, runs, begin),
        **_similarity(offer, work, begin),
        **_earlier_offers(now, pair, begin),
        **_acceptance(offer, offers),
        "offers_at_once": sum((o.user_id, o.shown_at) == (offer.user_id, now) for o in offers),
    }


def _use(offer: Offer, runs: Sequence[Run], begin: datetime) -> dict[str, Any]:
    """Runs of the workflow by the user before the round and within it; runs of anything by the user."""
    now = offer.shown_at
    mine = [r for r in runs if (r.user_id, r.workflow_id) == (offer.user_id, offer.workflow_id)]
    before = [r for r in mine if begin - FORTNIGHT <= r.started_at < begin]
    ended = [r for r in mine if r.finished_at and begin - FORTNIGHT <= r.finished_at < begin]
    good = sum(r.status == "success" for r in ended)
    last = max((r.started_at for r in before), default=begin - FORTNIGHT)
    return {
        "runs_14d": len(before),
        "hours_since_run": (begin - last) / timedelta(hours=1),
        "finished_14d": len(ended),
        "success_14d": (good + 1) / (len(ended) + 2),
        "runs_since": sum(begin <= r.started_at < now for r in mine),
        "user_runs_14d": sum(
            r.user_id == offer.user_id and now - FORTNIGHT <= r.started_at < now for r in runs
        ),
    }


def _similarity(offer: Offer, work: Sequence[Work], begin: datetime) -> dict[str, Any]:
    """The user's events with a category that is known by then, a day late."""

    def known(at: datetime) -> list[Work]:
        return [
            w
            for w in work
            if w.user_id == offer.user_id
            and w.category is not None
            and at - FORTNIGHT <= w.occurred_at < at - DAY
        ]

    then = known(begin)
    similarity = None
    if offer.category is not None and then:
        similarity = sum(w.category == offer.category for w in then) / len(then)
    return {"similarity": similarity, "events_known": len(known(offer.shown_at))}


def _earlier_offers(now: datetime, pair: Sequence[Offer], begin: datetime) -> dict[str, Any]:
    """Offers of the workflow to the user before ``now``, in the round and ever."""
    answers = [o for o in pair if o.outcome and o.outcome_at and o.outcome_at < now]
    round_answers = [o for o in answers if o.outcome_at and o.outcome_at >= begin]
    shown = [o for o in pair if o.shown_at < now]
    round_shown = [o for o in shown if o.shown_at >= begin]
    return {
        "round_shown": len(round_shown),
        "round_answered": len(round_answers),
        "round_accepted": _accepted(round_answers),
        "round_rate": _rate(round_answers),
        "round_pending": len(round_shown) - len(round_answers),
        "round_hours": (now - begin) / timedelta(hours=1),
        "pair_shown": len(shown),
        "pair_answered": len(answers),
        "pair_accepted": _accepted(answers),
        "pair_rate": _rate(answers),
    }


def _acceptance(offer: Offer, offers: Sequence[Offer]) -> dict[str, Any]:
    """Outcomes of the month before, of the user with all workflows and of the workflow with all users."""
    now = offer.shown_at
    month = [o for o in offers if o.outcome and o.outcome_at and now - MONTH <= o.outcome_at < now]
    of_user = [o for o in month if o.user_id == offer.user_id]
    of_workflow = [o for o in month if o.workflow_id == offer.workflow_id]
    return {
        "user_answered_30d": len(of_user),
        "user_accepted_30d": _accepted(of_user),
        "user_rate_30d": _rate(of_user),
        "workflow_answered_30d": len(of_workflow),
        "workflow_accepted_30d": _accepted(of_workflow),
        "workflow_rate_30d": _rate(of_workflow),
    }


def labels(
    offer: Offer, offers: Sequence[Offer], as_of: datetime, *, shares: bool
) -> dict[str, Any]:
    """The labels of one offer as of a moment."""
    now = offer.shown_at
    if now + 15 * DAY > as_of:
        return {"adopted_share": None, "adopted": None, "occasions": None}
    ahead = [
        o
        for o in offers
        if (o.user_id, o.workflow_id) == (offer.user_id, offer.workflow_id)
        and now <= o.shown_at < now + FORTNIGHT
    ]
    taken = sum(
        o.outcome == "accepted" and bool(o.outcome_at and o.outcome_at <= o.shown_at + DAY)
        for o in ahead
    )
    used_it = offer.outcome == "accepted" and bool(
        offer.outcome_at and offer.outcome_at < now + 15 * DAY
    )
    share: float | None = taken / len(ahead) if len(ahead) >= 8 else None
    return {
        "adopted_share": share if shares else float(used_it),
        "adopted": "yes" if used_it else "no",
        "occasions": float(len(ahead)) if shares else 1.0,
    }


def _accepted(offers: Sequence[Offer]) -> int:
    return sum(o.outcome == "accepted" for o in offers)


def _rate(offers: Sequence[Offer]) -> float:
    return (_accepted(offers) + 1) / (len(offers) + 2)
