"""One suite for both ledgers: what PostgreSQL promises, the one in memory keeps. Versions and promotions."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.errors import ConflictError, PermitRefused, UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.registry.chain import breaks
from ml_platform.registry.records import (
    Action,
    PolicyRevision,
    ProductionState,
    RetrainingRequest,
)
from ml_platform.values import fingerprint
from ml_platform_tests.prediction_log.examples import HOUR
from ml_platform_tests.registry.examples import (
    AT,
    RECORD,
    REPORT,
    TRAINING_SET,
    another,
    permit_for,
)


def promote(ledger, record, revision, at=AT):
    return ledger.promote(
        record.model,
        record.version,
        expected_revision=revision,
        permit=permit_for(record),
        at=at,
        actor="test",
    )


def test_state_is_kept_and_replaced(ledger):
    assert ledger.state("clock") is None
    ledger.set_state("clock", {"as_of": "2026-05-01", "n": 1})
    ledger.set_state("clock", {"as_of": "2026-05-02"})
    assert ledger.state("clock") == {"as_of": "2026-05-02"}


def test_a_report_is_kept_under_its_fingerprint(ledger):
    assert ledger.report("0" * 64) is None
    assert ledger.save_report(REPORT) == ledger.save_report(REPORT) == fingerprint(REPORT)
    assert ledger.report(fingerprint(REPORT)) == REPORT
    assert ledger.report_sha256(fingerprint(REPORT)) == fingerprint(REPORT)
    assert ledger.report_sha256("0" * 64) is None


def test_a_training_set_is_kept_under_its_fingerprint(ledger):
    assert ledger.training_set("example", TRAINING_SET.fingerprint) is None
    ledger.save_training_set(TRAINING_SET)
    ledger.save_training_set(replace(TRAINING_SET, rows_sha256="9" * 64))
    stored = ledger.training_set("example", TRAINING_SET.fingerprint)
    assert stored == replace(TRAINING_SET, rows_sha256="9" * 64)


def test_versions_count_from_one_for_each_model(ledger):
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    other = ledger.register(another("a", model="other"))
    assert (first.version, second.version, other.version) == (1, 2, 1)
    assert ledger.models() == ("example", "other")
    assert ledger.versions("example") == (first, second)
    assert ledger.version_numbers("example") == (1, 2)
    assert ledger.version("example", 2) == second
    assert replace(first, version=0) == RECORD


def test_numbers_go_on_after_those_that_were_given_before_a_migration(ledger):
    ledger.number_after("example", 4)
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    assert (first.version, second.version) == (5, 6)
    assert ledger.version("example", 5) == first
    assert ledger.register(another("a", model="other")).version == 1
    ledger.set_mlflow_version("example", 6, "9")
    assert ledger.version("example", 6).mlflow_version == "9"
    ledger.number_after("example", 2)
    assert ledger.register(another("c")).version == 7


def test_the_same_version_is_registered_once(ledger):
    first = ledger.register(RECORD)
    again = ledger.register(replace(RECORD, mlflow_run_id="another run", parent=7))
    assert again == first
    assert len(ledger.events()) == 1
    assert ledger.register(replace(RECORD, training_set_fingerprint="b" * 64)).version == 2


def held(record):
    """The record as a stricter policy would have decided it."""
    decision = replace(record.decision, verdict=Verdict.HOLD, row="a limit is missed")
    return replace(record, decision=decision, report_id="e" * 64, mlflow_run_id="second")


def test_a_version_is_evaluated_again_where_the_result_is_another(ledger):
    first = ledger.register(held(RECORD))
    ledger.set_mlflow_version("example", 1, "7")
    again = ledger.register(RECORD)
    assert (again.version, again.evaluation, again.mlflow_version) == (1, 2, "7")
    assert again.decision.verdict is Verdict.PROMOTE
    assert ledger.register(replace(RECORD, report_id="f" * 64)) == again, "the same outcomes"
    assert ledger.version("example", 1) == ledger.versions("example")[0] == again
    assert ledger.evaluations("example", 1) == (replace(first, mlflow_version="7"), again)
    assert [event.action for event in ledger.events()] == [Action.REGISTERED, Action.EVALUATED]
    assert ledger.events()[1].evidence["evaluation"] == "2"
    third = ledger.register(held(RECORD))
    assert (third.evaluation, third.decision.verdict) == (3, Verdict.HOLD)
    assert not breaks(ledger.stored_events())


def test_a_permit_names_the_newest_evaluation(ledger):
    """A remedy helps: what was held is evaluated again, and promoted once; what was good before is not enough."""
    ledger.register(held(RECORD))
    again = ledger.register(RECORD)
    assert len(promote(ledger, again, 0)) == 1
    assert promote(ledger, again, 0) == (), "once"
    assert ledger.production("example").version == 1
    good = ledger.register(another("b"))
    ledger.register(held(another("b")))
    with pytest.raises(PermitRefused, match=r"permit is of report .*the verdict is hold"):
        promote(ledger, good, 1)
    assert ledger.production("example").version == 1


def test_mlflow_tells_its_number_later(ledger):
    ledger.register(RECORD)
    ledger.set_mlflow_version("example", 1, "12")
    assert ledger.version("example", 1).mlflow_version == "12"
    assert ledger.versions("example")[0].mlflow_version == "12"


def test_a_version_that_is_not_there_is_named(ledger):
    for ask in (
        lambda: ledger.version("example", 3),
        lambda: ledger.set_mlflow_version("example", 3, "1"),
        lambda: promote(ledger, replace(RECORD, version=3), 0),
        lambda: ledger.record_refusal("example", 3, reasons=("x",), at=AT, actor="test"),
    ):
        with pytest.raises(UsageError, match="holds no version 3 of example"):
            ask()
    assert ledger.versions("nothing") == ()


def test_a_promotion_archives_the_old_champion_in_the_same_step(ledger):
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    assert ledger.production("example") == ProductionState("example", None, 0)
    (promoted,) = promote(ledger, first, 0)
    assert promoted.action is Action.PROMOTED
    assert promoted.evidence["artifact_sha256"] == "a" * 64
    archived, promoted = promote(ledger, second, 1, AT + HOUR)
    assert (archived.action, archived.version) == (Action.ARCHIVED, 1)
    assert (promoted.action, promoted.version) == (Action.PROMOTED, 2)
    assert ledger.production("example") == ProductionState("example", 2, 2)
    assert breaks(ledger.stored_events()) == ()
    assert [event.action for event in ledger.events("example")] == [
        Action.REGISTERED,
        Action.REGISTERED,
        Action.PROMOTED,
        Action.ARCHIVED,
        Action.PROMOTED,
    ]


def test_production_at_any_time(ledger):
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    promote(ledger, first, 0)
    promote(ledger, second, 1, AT + HOUR)
    moments = (AT - HOUR, AT, AT + HOUR / 2, AT + HOUR)
    assert [ledger.production_at("example", moment) for moment in moments] == [None, 1, 1, 2]


def test_what_is_in_production_already_makes_no_event(ledger):
    record = ledger.register(RECORD)
    promote(ledger, record, 0)
    assert promote(ledger, record, 0) == promote(ledger, record, 1) == ()
    assert len(ledger.events()) == 2
    assert ledger.production("example").revision == 1


def test_a_lost_compare_and_swap_changes_nothing(ledger):
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    promote(ledger, first, 0)
    before = ledger.events()
    with pytest.raises(ConflictError, match=r"revision 1 \(version 1\), expected was revision 0"):
        promote(ledger, second, 0)
    assert ledger.events() == before
    assert ledger.production("example").version == 1


def test_a_permit_of_other_bytes_changes_nothing(ledger):
    first, second = ledger.register(another("a")), ledger.register(another("b"))
    with pytest.raises(PermitRefused, match="the permit is of version 2"):
        ledger.promote(
            "example", 1, expected_revision=0, permit=permit_for(second), at=AT, actor="test"
        )
    assert ledger.production(first.model).version is None
    assert len(ledger.events()) == 2


def test_of_ten_concurrent_promotions_one_wins(ledger):
    records = [ledger.register(another(letter)) for letter in "0123456789"]
    start, won, lost = threading.Barrier(10), [], []

    def run(record):
        start.wait()
        try:
            won.append(promote(ledger, record, 0))
        except ConflictError:
            lost.append(record)

    threads = [threading.Thread(target=run, args=(record,)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 9)
    assert ledger.production("example").version == won[0][0].version
    assert ledger.production("example").revision == 1
    assert [event.action for event in ledger.events()].count(Action.PROMOTED) == 1
    assert breaks(ledger.stored_events()) == ()


def test_a_refusal_is_recorded_once(ledger):
    ledger.register(RECORD)
    events = [
        ledger.record_refusal("example", 1, reasons=("no check",), at=AT, actor="test")
        for _ in range(2)
    ]
    assert events[0] == events[1]
    assert events[0].evidence == {"reason_01": "no check"}
    other = ledger.record_refusal("example", 1, reasons=("no",), at=AT + HOUR, actor="test")
    assert other.sequence == 3
    assert ledger.production("example").version is None


def test_feature_definitions_are_the_latest_saved(ledger):
    ledger.save_feature_definitions({"a": ("v1", "{}"), "b": ("v1", "{}")}, AT)
    ledger.save_feature_definitions({"a": ("v2", "[]"), "c": ("v1", "{}")}, AT + HOUR)
    assert ledger.feature_definitions() == {"a": ("v2", "[]"), "c": ("v1", "{}")}
    ledger.save_feature_definitions({"a": ("v1", "{}")}, AT + 2 * HOUR)
    assert ledger.feature_definitions() == {"a": ("v1", "{}")}


def test_a_retraining_request_is_kept_once(ledger):
    first = RetrainingRequest("k1", "m", "1", "retrain", "drift", AT, AT)
    second = replace(first, key="k2", requested_at=AT + timedelta(days=1))
    assert [ledger.request_retraining(r) for r in (first, second, first)] == [True, True, False]
    assert ledger.request_retraining(replace(first, cause="other")) is False
    assert ledger.retraining_requests("m") == (second, first)


def test_an_alert_is_kept_once(ledger):
    first = Alert("k1", "m", AlertLevel.CRITICAL, "drift", ("tool moved",), AT)
    second = replace(first, alert_id="k2", at=AT + timedelta(days=1))
    assert [ledger.save_alert(a) for a in (first, second, first)] == [True, True, False]
    assert ledger.alerts("m") == (second, first)
    assert ledger.alerts("m", limit=1) == (second,)


def test_policies_are_appended_in_their_order(ledger):
    first = PolicyRevision(1, AT, "mission", 'preset = "mission"', {"example": "a1"}, {})
    second = replace(first, revision=2, name="relative", followed={"example": "version 1 was HOLD"})
    assert ledger.policies() == ()
    ledger.save_policy(first)
    ledger.save_policy(second)
    for late in (first, replace(second, name="mission"), replace(first, revision=4)):
        with pytest.raises(ConflictError, match="is not the next one"):
            ledger.save_policy(late)
    assert ledger.policies() == (first, second)
