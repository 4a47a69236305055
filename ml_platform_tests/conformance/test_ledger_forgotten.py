"""One suite for both ledgers: who was forgotten, and the reports without their ids."""

from dataclasses import replace
from datetime import timedelta

from ml_platform.retention.forgotten import ForgottenPerson, Learned, Redaction
from ml_platform.values import fingerprint, text_sha256
from ml_platform_tests.registry.examples import AT, REPORT

DAY = timedelta(days=1)
PERSON = ForgottenPerson(
    "a" * 64, "b" * 16, AT, "ann", "request 17", (Learned("example", 1, True),)
)


def test_who_was_forgotten_stays_as_it_was_first_asked_for(ledger):
    assert ledger.forgotten_people() == ()
    assert ledger.begin_forgetting(PERSON)
    assert not ledger.begin_forgetting(replace(PERSON, actor="bob", learned=()))
    earlier = replace(PERSON, tombstone="c" * 64, at=AT - DAY)
    assert ledger.begin_forgetting(earlier)
    assert ledger.forgotten_people() == (earlier, PERSON)
    ledger.finish_forgetting(PERSON.tombstone, AT + DAY)
    finished = replace(PERSON, finished_at=AT + DAY)
    assert ledger.forgotten_people() == (earlier, finished)
    ledger.finish_forgetting(PERSON.tombstone, None)
    assert ledger.forgotten_people() == (earlier, PERSON)
    assert not [table for table in ledger.stored_rows() if table.changed]


def test_a_redacted_report_has_another_text_under_its_id_and_the_hash_of_it(ledger):
    ledger.save_report(REPORT)
    report_id = fingerprint(REPORT)
    for number in range(2):
        text = ledger.report_text(report_id).replace("made", f"ma{number}e")
        redaction = Redaction(report_id, text_sha256(text), AT + number * DAY)
        ledger.redact_report(redaction, text)
        assert ledger.redactions() == {report_id: redaction}
        assert ledger.report_sha256(report_id) == redaction.sha256 != report_id
    assert ledger.report_text("another") is None
    assert not [table for table in ledger.stored_rows() if table.changed]
