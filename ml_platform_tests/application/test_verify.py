"""What was tampered with is named by `verify`, which looks at everything else all the same."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError as DatabaseError

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.ledger.row_hashes import DAY_COLUMNS, compared_rows
from ml_platform.application.verify import verify_home
from ml_platform.errors import IntegrityError
from ml_platform.registry.records import RetrainingRequest
from ml_platform.registry.verify import verify_rows
from ml_platform.retraining.decide import decided
from ml_platform.spec.artifact import MANIFEST
from ml_platform_tests.application.homes import (
    AS_OF,
    ask,
    home,
    promotable,
)
from ml_platform_tests.conformance.monitoring_reports import monitoring_report
from ml_platform_tests.prediction_log.examples import HOUR, START, outcomes, predictions
from ml_platform_tests.registry.examples import RECORD

BROKEN = {
    "evaluation_reports": {"example 1 report", "example 1 decision"},
    "training_sets": {"example 1 training set", "example 1 data"},
    "model_versions": {"example 1 record"},
    "promotion_events": {"chain"},
    "monitoring_reports": {"example monitoring"},
}


@pytest.fixture
def platform(tmp_path, database_url):
    ledger = PostgresLedger(database_url)
    platform = home(tmp_path, ledger)
    record = promotable(platform, b"1")
    ask(platform, record)
    ledger.save_monitoring_report(decided(monitoring_report("example", AS_OF)))
    ledger.set_state("rules/example", {"sha256": record.artifact_sha256})
    yield platform
    ledger.close()


def faults(platform):
    return {finding.subject: finding.detail for finding in verify_home(platform) if not finding.ok}


def test_a_whole_home_is_clean(platform):
    assert faults(platform) == {}
    assert "example rules artifact" in {finding.subject for finding in verify_home(platform)}


@pytest.mark.parametrize("table", BROKEN)
@pytest.mark.parametrize("body", ["{}", "no json"])
def test_a_body_that_cannot_be_read_is_named_with_its_row(platform, database_url, table, body):
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        connection.execute(sa.text(f"UPDATE {table} SET body = :body"), {"body": body})
    engine.dispose()
    details = faults(platform)
    assert set(details) == BROKEN[table] | {f"rows of {table}"}
    assert "a row was changed" in details[f"rows of {table}"]
    assert any("cannot be read: " in detail for detail in details.values())


def test_rules_that_were_changed_are_named(platform):
    other = promotable(platform, b"rules")
    platform.ledger.set_state("rules/example", {"sha256": other.artifact_sha256})
    (platform.settings.artifacts / other.artifact_sha256 / "rules.json").write_bytes(b"bent")
    assert set(faults(platform)) == {"example 2 artifact", "example rules artifact"}
    assert (platform.settings.artifacts / other.artifact_sha256 / MANIFEST).exists()


def test_a_sentence_of_a_monitoring_report_put_otherwise_is_no_fault(platform):
    older = replace(decided(monitoring_report("example", AS_OF)), causes=("as it was put then",))
    platform.ledger.save_monitoring_report(older)
    assert faults(platform) == {}
    platform.ledger.save_monitoring_report(replace(older, decision_row="another row"))
    assert set(faults(platform)) == {"example monitoring"}


FORGED = {
    "UPDATE predictions SET prediction = 'forged' WHERE row_id = 'r1'": "2026-05-01: a row was changed",
    "UPDATE predictions SET confidence = 1 WHERE row_id = 'r0'": "2026-05-01: a row was changed",
    "DELETE FROM predictions WHERE row_id = 'r1'": "2026-05-01: 3, recorded 4",
    "INSERT INTO baselines VALUES ('example', '9', '{}')": "rows: 2, recorded 1",
    "UPDATE baselines SET body = body || ' '": "rows: a row was changed",
    "UPDATE retraining_requests SET key = 'k2'": "a row was changed",
    "UPDATE monitoring_reports SET saved = saved + 1": "a row was changed",
    "TRUNCATE outcomes": "2026-05-01: 0, recorded 1",
    "UPDATE model_versions SET mlflow_version = '77'": "a row was changed",
    "UPDATE feature_definitions SET current = false": "a row was changed",
}


def test_a_row_that_another_hand_wrote_is_named_by_its_table_and_day(platform, database_url):
    ledger = platform.ledger
    ledger.log_predictions(predictions())
    for label in ("fix", "docs"):  # the second replaces the first
        ledger.log_outcomes(outcomes(r0=label).assign(known_at=START + (2 + len(label)) * HOUR))
        ledger.save_baseline("example", "1", f'"{label}"')
        ledger.save_feature_definitions({"a.x": (label, "{}")}, AS_OF)
    ledger.request_retraining(RetrainingRequest("k1", "m", "1", "retrain", "drift", AS_OF, AS_OF))
    assert faults(platform) == {}
    for statement, detail in FORGED.items():
        table = next(word for word in statement.split() if word in DAY_COLUMNS)
        engine = sa.create_engine(database_url)
        with engine.begin() as connection:
            before = connection.execute(sa.text(f"SELECT * FROM {table}")).all()
            connection.execute(sa.text(statement))
            assert connection.execute(sa.text(f"SELECT * FROM {table}")).all() != before
            named = {stored.table: verify_rows(stored) for stored in ledger_rows(connection)}
            assert [name for name, finding in named.items() if not finding.ok] == [table], statement
            assert detail in named[table].detail
            connection.rollback()
        engine.dispose()
    assert faults(platform) == {}


def ledger_rows(connection):
    """What the ledger sees of the rows inside a transaction that is rolled back afterwards."""
    return [compared_rows(connection, table) for table in DAY_COLUMNS]


def test_a_version_that_is_not_whole_is_refused_by_every_way_in(platform, database_url):
    for ledger in (platform.ledger, InMemoryLedger()):
        with pytest.raises(IntegrityError, match="example cannot be registered: data version is"):
            ledger.register(replace(RECORD, training_set_fingerprint=""))
    engine = sa.create_engine(database_url)
    with engine.connect() as connection, pytest.raises(DatabaseError, match="are_whole"):
        connection.execute(sa.text("UPDATE model_versions SET training_set_fingerprint = ''"))
    engine.dispose()
    assert platform.ledger.version_numbers("example") == (1,)
