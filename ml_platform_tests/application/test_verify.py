"""What was tampered with is named by `verify`, which looks at everything else all the same."""

import pytest
import sqlalchemy as sa

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.application.promote import promote
from ml_platform.application.verify import verify_home
from ml_platform.retraining.decide import decided
from ml_platform.spec.artifact import MANIFEST
from ml_platform_tests.application.homes import (
    AS_OF,
    CHECKS,
    SPEC,
    evaluation_record_of,
    home,
    promotable,
    training_set_of,
)
from ml_platform_tests.conformance.monitoring_reports import monitoring_report

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
    promote(
        platform,
        SPEC,
        training_set_of(record),
        evaluation_record_of(platform, record),
        record,
        CHECKS,
    )
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
    assert set(details) == BROKEN[table]
    assert any("cannot be read: " in detail for detail in details.values())


def test_rules_that_were_changed_are_named(platform):
    other = promotable(platform, b"rules")
    platform.ledger.set_state("rules/example", {"sha256": other.artifact_sha256})
    (platform.settings.artifacts / other.artifact_sha256 / "rules.json").write_bytes(b"bent")
    assert set(faults(platform)) == {"example 2 artifact", "example rules artifact"}
    assert (platform.settings.artifacts / other.artifact_sha256 / MANIFEST).exists()


def test_a_sentence_of_a_monitoring_report_put_otherwise_is_no_fault(platform):
    from dataclasses import replace

    older = replace(decided(monitoring_report("example", AS_OF)), causes=("as it was put then",))
    platform.ledger.save_monitoring_report(older)
    assert faults(platform) == {}
    platform.ledger.save_monitoring_report(replace(older, decision_row="another row"))
    assert set(faults(platform)) == {"example monitoring"}
