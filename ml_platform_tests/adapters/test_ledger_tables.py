"""What only PostgreSQL has: migrations, a chain that the database itself keeps, many processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from ml_platform.adapters.ledger import schema_upgrade
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.ledger.prediction_weeks import drop_week, present_weeks
from ml_platform.adapters.ledger.row_hashes import (
    DAY_COLUMNS,
    FOLLOWED,
    NOT_FOLLOWED,
    compared_rows,
)
from ml_platform.adapters.ledger.tables import metadata
from ml_platform.errors import ServiceError
from ml_platform.registry.chain import breaks
from ml_platform_tests.experiments.examples import definition, result
from ml_platform_tests.prediction_log.examples import START, predictions
from ml_platform_tests.registry.examples import RECORD, another

PROMOTE = """
import sys
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.ledger.row_hashes import DAY_COLUMNS, NOT_FOLLOWED
from ml_platform.errors import ConflictError
from ml_platform_tests.registry.examples import AT, permit_for
ledger = PostgresLedger(sys.argv[1])
record = ledger.version("example", int(sys.argv[2]))
permit = permit_for(record)
sys.stdin.readline()
try:
    ledger.promote("example", record.version, expected_revision=0, permit=permit, at=AT, actor="p")
except ConflictError:
    sys.exit(3)
"""


@pytest.fixture
def engine(database_url):
    database = sa.create_engine(database_url)
    yield database
    database.dispose()


def test_migrations_make_the_tables_that_the_code_sees(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_one_named(engine):
    files = sorted(Path(schema_upgrade.__file__).parent.glob("migrations/versions/0*.py"))
    assert files[-1].name.startswith(f"{schema_upgrade.HEAD}_")
    with engine.connect() as connection:
        revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert revision == schema_upgrade.HEAD


def test_an_upgrade_of_what_is_up_to_date_does_nothing_and_a_newer_schema_is_refused(
    engine, database_url
):
    schema_upgrade.upgrade(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        ServiceError, match=f"revision 9999, this code knows up to {schema_upgrade.HEAD}"
    ):
        schema_upgrade.upgrade(database_url)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE promotion_events SET body = '{}'",
        "DELETE FROM promotion_events",
        "TRUNCATE promotion_events",
    ],
)
def test_the_database_itself_refuses_to_change_the_chain(engine, database_url, statement):
    ledger = PostgresLedger(database_url)
    ledger.register(RECORD)
    with (
        pytest.raises(DatabaseIntegrityError, match="promotion_events is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text(statement))
    assert len(ledger.events()) == 1
    ledger.close()


@pytest.mark.parametrize("table", ["experiments", "experiment_results", "experiment_events"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET body = '{{}}'", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_database_itself_refuses_to_change_an_experiment(
    engine, database_url, statement, table
):
    ledger = PostgresLedger(database_url)
    ledger.define_experiment(definition(), START)
    ledger.save_experiment_result("faster", result(), b"sums")
    with (
        pytest.raises(DatabaseIntegrityError, match=r"is append-only: .* refused; define a new"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text(statement.format(table)))
    assert ledger.experiment("faster").definition == definition()
    assert ledger.experiment_result("faster") == result()
    assert len(ledger.experiment_events("faster")) == 2
    ledger.close()


def test_a_superuser_who_turns_the_trigger_off_is_found_by_the_hashes(engine, database_url):
    ledger = PostgresLedger(database_url)
    ledger.register(RECORD)
    ledger.register(another("b"))
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE promotion_events DISABLE TRIGGER ALL"))
        connection.execute(
            sa.text(
                """UPDATE promotion_events SET body = replace(body, '"promote"', '"reject"')
                WHERE sequence = 1"""
            )
        )
    assert breaks(ledger.stored_events()) == ("event 1 has been changed: its hash does not match",)
    ledger.close()


def test_of_concurrent_promotions_from_processes_one_wins(database_url):
    ledger = PostgresLedger(database_url)
    records = [ledger.register(another(letter)) for letter in "012"]
    ledger.close()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTE, database_url, str(record.version)],
            stdin=subprocess.PIPE,
        )
        for record in records
    ]
    for process in running:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    codes = sorted(process.wait() for process in running)
    for process in running:
        process.stdin.close()
    assert codes == [0, 3, 3]


def test_sixty_thousand_predictions_of_seven_years_are_logged_once(database_url):
    ledger = PostgresLedger(database_url)
    assert ledger.log_predictions(predictions(60_000)) == 60_000
    assert ledger.log_predictions(predictions(60_000)) == 0
    assert len(ledger.predictions("m", START, START.replace(year=2040))) == 60_000
    ledger.close()


def test_a_restarted_server_does_no_harm(engine, database_url):
    ledger = PostgresLedger(database_url)
    ledger.set_state("a", {})
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert ledger.state("a") == {}
    ledger.close()


def test_the_rows_of_every_table_have_hashes():
    assert {*DAY_COLUMNS, *NOT_FOLLOWED} == set(metadata.tables)


def migrated_to(connection, revision):
    config = Config()
    folder = Path(schema_upgrade.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


OLD_PREDICTIONS = """
INSERT INTO predictions
SELECT 'p' || n, 'm', '1', 'r' || n, 'u', timestamptz '2026-04-30 20:00Z' + n * interval '1 h',
    '2026-06-01', 'fix', .5, CASE n % 2 WHEN 0 THEN 'a' END FROM generate_series(0, 399) n
"""


def test_predictions_of_before_are_moved_to_weeks_with_their_hashes(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
        migrated_to(connection, "0007")
        connection.execute(sa.text(FOLLOWED))
        connection.execute(sa.text(OLD_PREDICTIONS))
        before = compared_rows(connection, "predictions")
        assert (before.rows, before.changed) == (400, ())
        connection.execute(sa.text("SET ml_platform.ledger = 'off'"))
        migrated_to(connection, "0008")
        assert compared_rows(connection, "predictions") == before
        weeks = present_weeks(connection)
        assert weeks == (
            "predictions_week_20260427",
            "predictions_week_20260504",
            "predictions_week_20260511",
        )
        connection.execute(sa.text(FOLLOWED))
        drop_week(connection, weeks[0])
        after = compared_rows(connection, "predictions")
        assert (after.rows, after.changed) == (400 - 76, ())


def test_two_that_log_to_a_new_week_at_once_do_not_wait_for_each_other(database_url):
    ledgers = [PostgresLedger(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        logged = list(
            pool.map(
                lambda pair: pair[1].log_predictions(predictions(2_000, model=f"m{pair[0]}")),
                enumerate(ledgers),
            )
        )
    assert logged == [2_000] * 4
    assert all(not rows.changed for rows in ledgers[0].stored_rows())
    for ledger in ledgers:
        ledger.close()
