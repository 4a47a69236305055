"""Rows that came by HTTP go into the lake as those of every source do; a kill anywhere only repeats."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.ledger.kept_rows import KeptRows
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.application import take_in as use_case
from ml_platform.application.connections import Connections
from ml_platform.application.forgotten_people import key_check
from ml_platform.application.ingest import ingest_source, source_is_unchanged
from ml_platform.errors import SourceError
from ml_platform.events.forgotten import tombstone
from ml_platform.events.posted import PostedRow
from ml_platform.home import HomeState, SourceChoice, user_key, write_home
from ml_platform.retention.forgotten import ForgottenPerson
from ml_platform.retention.plan import plan
from ml_platform.retention.reachable import Reachable
from ml_platform.retention.rules import Clock, Kind
from ml_platform.retention.rules import rules as retention_rules
from ml_platform.serving.feedback import FEEDBACK
from ml_platform.settings import Settings
from ml_platform_tests.application.homes import AS_OF
from ml_platform_tests.application.posting import completing, post, whole

AT = "2026-04-21T10:00:00Z"
EVENT = {"event_id": "p1", "user_id": "ann", "occurred_at": AT, "tool": "git", "operation": "add"}
OFFER = {"suggestion_id": "s1", "user_id": "ann", "workflow_id": "w", "shown_at": AT}
RUN = {
    "execution_id": "x1",
    "user_id": "ann",
    "workflow_id": "w",
    "started_at": AT,
    "status": "running",
}
LATER = "2026-04-21T11:00:00Z"


@pytest.fixture(params=["memory", "postgres"])
def platform(request, tmp_path):
    """A home whose source has four events; none of them has a category."""
    source = tmp_path / "source"
    source.mkdir()
    times = pd.date_range("2026-04-20", periods=4, freq="6h", tz="UTC")
    pd.DataFrame(
        {
            "event_id": [f"e{n}" for n in range(4)],
            "user_id": "ann",
            "occurred_at": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tool": "git",
            "operation": "modify",
        }
    ).to_csv(source / "events.csv", index=False)
    settings = Settings(tmp_path / "home", None, None, None)
    settings.home.mkdir()
    state = HomeState(SourceChoice(f"files:{source}"), AS_OF, AS_OF, settled=True)
    write_home(settings, state)
    platform = Connections(settings)
    if request.param == "memory":
        platform.ledger = InMemoryLedger()
    else:
        platform.ledger = PostgresLedger(request.getfixturevalue("database_url"))
    yield platform
    if request.param == "postgres":
        platform.ledger.close()


def ingested(platform, lines=None):
    told = [] if lines is None else lines
    ingestion = ingest_source(platform, told.append)
    return {each.counts.table: each.counts for each in ingestion.tables}


def rows(platform, table):
    name = {"events": "event_id", "suggestions": "suggestion_id", "users": "user_id"}.get(
        table, "execution_id"
    )
    return {row[name]: row for row in platform.lake.rows(table).to_pylist()}


def test_what_waits_is_in_the_lake_after_an_ingestion(platform):
    (event, *_) = post(
        platform.ledger,
        whole("events", **EVENT),
        whole("suggestions", **OFFER),
        whole("workflow_executions", **RUN),
        whole("users", user_id="ann", team="core", tenure_days=3),
    )
    counts = ingested(platform)
    assert (counts["events"].read, counts["events"].added) == (5, 5)
    assert [counts[table].added for table in ("suggestions", "workflow_executions", "users")] == [
        1
    ] * 3
    stored = rows(platform, "events")["p1"]
    assert (stored["source"], stored["received_at"]) == ("api", event.received_at)
    assert stored["occurred_at"] == datetime(2026, 4, 21, 10, tzinfo=UTC)
    assert rows(platform, "users")["ann"]["tenure_days"] == 3
    assert platform.ledger.waiting().rows == 0


def test_rows_that_come_again_are_repeats_and_complete_what_is_known_later(platform):
    post(platform.ledger, *[whole("events", **EVENT)] * 2, whole("suggestions", **OFFER))
    post(platform.ledger, whole("workflow_executions", **RUN))
    counts = ingested(platform)
    assert (counts["events"].added, counts["events"].duplicates) == (5, 1)
    post(
        platform.ledger,
        whole("events", **EVENT | {"workflow_category": "fix"}),
        whole("events", **EVENT),
        whole("suggestions", **OFFER | {"outcome": "accepted", "outcome_at": LATER}),
        whole("workflow_executions", **RUN | {"status": "success", "finished_at": LATER}),
    )
    counts = ingested(platform)
    assert (counts["events"].updated, counts["events"].added) == (1, 0)
    assert rows(platform, "events")["p1"]["workflow_category"] == "fix"
    assert rows(platform, "suggestions")["s1"]["outcome"] == "accepted"
    assert rows(platform, "workflow_executions")["x1"]["status"] == "success"


def test_what_contradicts_a_stored_row_is_in_quarantine(platform):
    post(platform.ledger, whole("events", **EVENT), whole("events", **EVENT | {"tool": "svn"}))
    assert ingested(platform)["events"].conflicts == 1
    (refused,) = platform.lake.refused("events").to_pylist()
    assert (refused["reason"], refused["field"]) == ("conflict", "tool")
    assert platform.ledger.waiting().rows == 0


def test_many_that_cannot_be_used_hold_up_nothing(platform):
    """Half of the rows of a source means a wrong map; of rows that many have sent it means nothing."""
    row = whole("suggestions", **OFFER)
    early = {"outcome": "x", "outcome_at": "2026-04-01T00:00:00Z"}
    post(platform.ledger, completing("suggestions", "s1", "ann", **early), row)
    counts = ingested(platform)["suggestions"]
    assert (counts.read, counts.added, counts.refused) == (2, 1, {"finish_before_start": 1})
    assert platform.ledger.waiting().rows == 0


@pytest.mark.parametrize("where", ["before", "merged", "marked"])
def test_a_kill_anywhere_only_repeats(platform, monkeypatch, where):
    post(
        platform.ledger,
        whole("events", **EVENT),
        completing("events", "p1", "ann", workflow_category="fix"),
        completing("events", "e0", "ann", workflow_category="feature"),
    )

    class Killed(Exception):
        pass

    def killed(*arguments, **named):
        raise Killed

    with monkeypatch.context() as patch:
        if where == "before":
            patch.setattr(use_case, "whole_rows", killed)
        elif where == "merged":
            patch.setattr(use_case, "completed_rows", killed)
        else:
            patch.setattr(type(platform.ledger), "mark_taken_in", killed)
        with pytest.raises(Killed):
            ingested(platform)
    assert platform.ledger.waiting().rows == 3
    before = platform.lake.fingerprint("events", AS_OF)
    counts = ingested(platform)["events"]
    assert platform.ledger.waiting().rows == 0
    if where == "marked":
        assert platform.lake.fingerprint("events", AS_OF) == before
        assert (counts.added, counts.updated, counts.conflicts) == (0, 0, 0)
    categories = {name: row["workflow_category"] for name, row in rows(platform, "events").items()}
    assert (categories["p1"], categories["e0"], categories["e1"]) == ("fix", "feature", None)
    assert len(categories) == 5
    assert len(platform.lake.refused("events")) == 0


def test_a_source_that_cannot_be_read_leaves_rows_waiting(platform):
    post(platform.ledger, whole("events", **EVENT))
    source = platform.settings.home.parent / "source" / "events.csv"
    content = source.read_text()
    source.write_text("event_id\n1\n")
    with pytest.raises(SourceError):
        ingested(platform)
    assert platform.ledger.waiting().rows == 1
    source.write_text(content)
    assert ingested(platform)["events"].added == 5


def test_a_value_waits_for_its_row(platform):
    post(platform.ledger, completing("events", "p1", "ann", workflow_category="fix"))
    lines = []
    ingested(platform, lines)
    assert "by HTTP: 1 values wait for their rows" in lines
    assert platform.ledger.waiting().rows == 1
    assert source_is_unchanged(platform)
    post(platform.ledger, whole("events", **EVENT))
    assert not source_is_unchanged(platform)
    ingested(platform)
    assert rows(platform, "events")["p1"]["workflow_category"] == "fix"
    assert platform.ledger.waiting().rows == 0
    assert source_is_unchanged(platform)


def test_a_value_whose_row_never_comes_is_given_up(platform, monkeypatch):
    post(platform.ledger, completing("events", "p1", "ann", workflow_category="fix"))
    monkeypatch.setattr(use_case, "PATIENCE", timedelta(0))
    lines = []
    ingested(platform, lines)
    assert any("1 values given up" in line for line in lines)
    assert platform.ledger.waiting().rows == 0


def test_a_value_that_is_known_already_changes_nothing(platform):
    post(
        platform.ledger,
        whole("suggestions", **OFFER | {"outcome": "accepted", "outcome_at": LATER}),
    )
    ingested(platform)
    post(
        platform.ledger,
        completing(
            "suggestions", "s1", "ann", outcome="accepted", outcome_at="2026-04-21T12:00:00Z"
        ),
    )
    counts = ingested(platform)["suggestions"]
    assert (counts.read, counts.conflicts) == (0, 0)
    post(
        platform.ledger,
        completing(
            "suggestions", "s1", "ann", outcome="dismissed", outcome_at="2026-04-21T12:00:00Z"
        ),
    )
    assert ingested(platform)["suggestions"].conflicts == 1
    assert rows(platform, "suggestions")["s1"]["outcome"] == "accepted"


def test_rows_ahead_of_the_home_are_kept_and_said(platform):
    ahead = EVENT | {
        "event_id": "p2",
        "occurred_at": (AS_OF + timedelta(days=1)).isoformat(),
    }
    before = platform.lake.fingerprint("events", AS_OF)
    ingested(platform)
    alone = platform.lake.fingerprint("events", AS_OF)
    post(platform.ledger, whole("events", **ahead))
    lines = []
    ingested(platform, lines)
    assert f"events from {AS_OF:%Y-%m-%dT%H:%MZ} on are kept but not used yet: --as-of now" in lines
    assert platform.lake.fingerprint("events", AS_OF) == alone != before
    assert platform.lake.counts()["events"] == 5


def test_of_somebody_who_was_forgotten_nothing_is_kept(platform):
    ingested(platform)
    key = user_key(platform.settings)
    platform.ledger.begin_forgetting(
        ForgottenPerson(tombstone(key, "eve"), key_check(key), AS_OF, "x", "y", ())
    )
    post(
        platform.ledger,
        whole("events", **EVENT | {"user_id": "eve"}),
        completing("events", "p1", "eve", workflow_category="fix"),
        whole("events", **EVENT | {"event_id": "p3"}),
    )
    counts = ingested(platform)["events"]
    assert (counts.forgotten, counts.added) == (1, 1)
    assert set(rows(platform, "events")) == {"e0", "e1", "e2", "e3", "p3"}
    assert platform.ledger.waiting().rows == 0
    if isinstance(platform.ledger, InMemoryLedger):
        assert [row.user_id for row in platform.ledger.posted.values()] == ["ann"]


def test_what_was_taken_in_a_week_ago_goes_and_what_waits_stays(database_url):
    ledger, now = PostgresLedger(database_url), datetime.now(UTC)
    ids = [row.id for row in post(ledger, *[whole("events", **EVENT)] * 3)]
    ledger.mark_taken_in(ids[:1], now - timedelta(days=9))
    ledger.mark_taken_in(ids[1:2], now)
    rows = KeptRows(database_url)
    items = [item for item in rows.items() if item.kind is Kind.POSTED_ROWS]
    assert [item.count for item in items] == [1, 1]
    (old,) = plan(
        items, retention_rules(timedelta(0)), Reachable(), {Clock.WALL: now, Clock.DATA: now}
    ).removals
    rows.remove([old.item])
    assert [item.count for item in rows.items() if item.kind is Kind.POSTED_ROWS] == [1]
    assert ledger.waiting().rows == 1
    rows.close()
    ledger.close()


def reported(platform, model, row_id, kind="outcome", label=None, at=LATER):
    body = {"model": model, "kind": kind, "label": label, "at": at}
    row = PostedRow(0, FEEDBACK, row_id, "ann", json.dumps(body), datetime.now(UTC), completes=True)
    return post(platform.ledger, row)


def test_a_reported_outcome_is_the_label_of_its_row(platform):
    ingested(platform)
    before = platform.lake.fingerprint("events", AS_OF)
    reported(platform, "pattern_classifier", "e1", label="fix")
    counts = ingested(platform)["events"]
    assert (counts.updated, counts.added) == (1, 0)
    assert rows(platform, "events")["e1"]["workflow_category"] == "fix"
    assert platform.lake.fingerprint("events", AS_OF) != before
    assert platform.ledger.waiting().rows == 0


@pytest.mark.parametrize(("kind", "word"), [("applied", "accepted"), ("dismissed", "dismissed")])
def test_what_was_done_with_a_suggestion_is_its_outcome_at_that_time(platform, kind, word):
    post(platform.ledger, whole("suggestions", **OFFER))
    reported(platform, "suggestion_scorer", "s1", kind)
    ingested(platform)
    stored = rows(platform, "suggestions")["s1"]
    assert (stored["outcome"], stored["outcome_at"]) == (
        word,
        datetime(2026, 4, 21, 11, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("model", "row_id", "kind"),
    [
        ("suggestion_scorer", "s1", "thumbs_up"),
        ("pattern_classifier", "e1", "applied"),
        ("pattern_classifier", "", "outcome"),
        ("sequence_ngram", "e1", "applied"),
        ("of another time", "e1", "outcome"),
    ],
)
def test_what_means_no_label_changes_nothing_and_waits_no_more(platform, model, row_id, kind):
    post(platform.ledger, whole("suggestions", **OFFER))
    ingested(platform)
    before = [platform.lake.fingerprint(table, AS_OF) for table in ("events", "suggestions")]
    reported(platform, model, row_id, kind, label="fix" if kind == "outcome" else None)
    ingested(platform)
    assert before == [
        platform.lake.fingerprint(table, AS_OF) for table in ("events", "suggestions")
    ]
    assert platform.ledger.waiting().rows == 0


@pytest.mark.parametrize("model", ["sequence_ngram", "trigger_predictor", "anomaly_detector"])
def test_the_outcome_of_a_model_whose_truth_comes_by_itself_is_counted_by_monitoring(
    platform, model
):
    at = pd.Timestamp(AT)
    platform.ledger.log_predictions(
        pd.DataFrame(
            {
                "model": model,
                "version": "1",
                "row_id": ["r1", "r2"],
                "user_id": "ann",
                "occurred_at": at,
                "predicted_at": at,
                "prediction": "a",
                "confidence": 0.5,
            }
        )
    )
    reported(platform, model, "r1", label="a")
    ingested(platform)
    share = platform.ledger.joined_share(model, at - timedelta(days=1), at + timedelta(days=1))
    assert share == 0.5
