"""The embedded PostgreSQL: started, shared, killed in every way, and started again."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from ml_platform.adapters.database_urls import (
    DATABASES,
    answers,
    connect,
    create_databases,
    database_urls,
)
from ml_platform.adapters.doctor import examine
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.ledger.schema_upgrade import upgrade
from ml_platform.adapters.postgres import closed_folders, start_postgres
from ml_platform.adapters.processes import read_record
from ml_platform.errors import ServiceError, UsageError
from ml_platform.settings import Settings
from ml_platform_tests.adapters.test_processes import gone
from ml_platform_tests.prediction_log.examples import predictions

OWNER = """
import sys, time
from pathlib import Path
from ml_platform.adapters.postgres import start_postgres
running = start_postgres(Path(sys.argv[1]))
print(running.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One home for the module, with a database: each test finds its server stopped, and leaves it so."""
    home = tmp_path_factory.mktemp("home")
    start_postgres(home).stop()
    return home


def own(home):
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)], stdout=subprocess.PIPE, text=True
    )
    return process, int(process.stdout.readline())


def put(urls, value):
    with_cursor = connect(urls.ml_platform)
    cursor = with_cursor.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
    cursor.execute("INSERT INTO kept VALUES (%s)", (value,))
    with_cursor.close()


def kept(urls):
    with_cursor = connect(urls.ml_platform)
    cursor = with_cursor.cursor()
    cursor.execute("SELECT value FROM kept ORDER BY value")
    kept_rows = [row[0] for row in cursor.fetchall()]
    with_cursor.close()
    return kept_rows


def test_a_server_is_started_used_by_others_and_keeps_its_port(home):
    first = start_postgres(home)
    second = start_postgres(home)
    assert second.process is None
    assert second.urls == first.urls
    put(first.urls, "a")
    stored = kept(first.urls)
    assert stored.count("a") == 1
    assert kept(second.urls) == stored
    second.stop()
    assert answers(first.urls.ml_platform)
    first.stop()
    assert not answers(first.urls.ml_platform)
    again = start_postgres(home)
    assert again.urls == first.urls
    assert kept(again.urls) == stored
    again.stop()


def test_the_password_is_needed_and_shown_nowhere(home):
    import psycopg2

    running = start_postgres(home)
    password = (home / "secrets" / "postgres").read_text()
    assert (home / "secrets" / "postgres").stat().st_mode & 0o777 == 0o600
    assert password in running.urls.ml_platform
    assert password not in repr(running)
    wrong = running.urls.ml_platform.replace(password, "guess")
    assert not answers(wrong)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connect(wrong)
    running.stop()
    assert password not in (home / "logs" / "postgres.log").read_text()


def test_kill_9_of_the_postmaster_loses_nothing(home):
    running = start_postgres(home)
    put(running.urls, "b")
    os.kill(running.process.pid, signal.SIGKILL)
    assert gone(running.process.pid)
    again = start_postgres(home)
    assert again.process is not None
    assert "b" in kept(again.urls)
    again.stop()
    running.stop()


def test_kill_9_of_the_owner_takes_the_server_down_and_the_next_start_takes_over(home):
    process, server = own(home)
    process.kill()
    again = start_postgres(home)  # at once: the old server may still be on its way down
    assert again.process is not None
    assert again.process.pid != server
    assert gone(server)
    assert answers(again.urls.ml_platform)
    again.stop()
    process.communicate()


def test_the_server_of_another_living_process_is_used_and_left_running(home):
    process, server = own(home)
    running = start_postgres(home)
    assert running.process is None
    running.stop()
    assert read_record(home, "postgres").pid == server
    assert answers(running.urls.ml_platform)
    process.kill()
    process.communicate()
    assert gone(server)


def test_a_stale_pid_file_with_the_id_of_a_stranger_is_no_obstacle(home):
    pid_file = home / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{home / 'postgres'}\n1\n1\n\n127.0.0.1\n1 1\nready\n")
    running = start_postgres(home)
    assert answers(running.urls.ml_platform)
    running.stop()


def test_a_killed_initialisation_leaves_no_half_database(tmp_path):
    half = tmp_path / "postgres.123.writing"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    running = start_postgres(tmp_path)
    assert answers(running.urls.dagster)
    running.stop()
    assert list(tmp_path.rglob("*.writing")) == []


def test_the_log_of_a_server_that_cannot_start_is_told(home):
    configuration = home / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    left_by_a_killed_owner = read_record(home, "postgres")
    configuration.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(ServiceError, match="no_such_setting"):
        start_postgres(home)
    configuration.write_text(good)
    assert read_record(home, "postgres") == left_by_a_killed_owner


def test_root_tells_which_folders_it_opens_to_others(tmp_path, caplog):
    for folder in (tmp_path.parent, tmp_path):
        folder.chmod(0o711)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    home.mkdir(mode=0o700)
    if os.geteuid() != 0:
        assert closed_folders(home) == (), "the server runs as the same user"
        return

    def folders_named():
        (folders,) = (
            finding.detail
            for finding in examine(Settings(home, None, None, None))
            if finding.name == "folders"
        )
        return folders

    assert f"the next start opens to be walked through by others (o+x): {closed}" in folders_named()
    start_postgres(home).stop()
    (message,) = (record.message for record in caplog.records)
    assert message.endswith(f"(o+x, not read): {closed}")
    assert closed.stat().st_mode & 0o777 == 0o701
    assert folders_named() == f"opened to be walked through by others (o+x): {closed}"
    start_postgres(home).stop()
    assert len(caplog.records) == 1, "said once"


def test_a_lost_password_is_told_at_once(home):
    secret = home / "secrets" / "postgres"
    good = secret.read_text()
    secret.write_text("another")
    with pytest.raises(ServiceError, match="has another password than"):
        start_postgres(home)
    secret.write_text(good)


def test_a_ledger_without_its_server_says_so(home):
    running = start_postgres(home)
    upgrade(running.urls.ml_platform)
    ledger = PostgresLedger(running.urls.ml_platform)
    ledger.set_state("a", {})
    running.stop()
    with pytest.raises(ServiceError, match="The ledger's database failed: connection to server"):
        ledger.state("a")
    with pytest.raises(ServiceError, match="The ledger's database failed"):
        ledger.log_predictions(predictions())
    ledger.close()


def test_a_user_who_may_not_create_databases_is_told(postgres):
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    cursor.execute("CREATE ROLE humble LOGIN PASSWORD 'humble'")
    cursor.execute('ALTER DATABASE "mlflow" RENAME TO "mlflow_hidden"')
    port = postgres.ml_platform.rsplit(":", 1)[1].split("/")[0]
    humble = database_urls(f"postgresql://humble:humble@127.0.0.1:{port}")
    try:
        with pytest.raises(ServiceError, match="may not create the database mlflow"):
            create_databases(humble)
    finally:
        cursor.execute('ALTER DATABASE "mlflow_hidden" RENAME TO "mlflow"')
        cursor.execute("DROP ROLE humble")
        connection.close()


def test_urls_name_the_driver_and_the_three_databases():
    urls = database_urls("postgresql://me:p%40ss@db.example:5433/ignored?sslmode=require")
    assert urls.dagster == (
        "postgresql+psycopg2://me:p%40ss@db.example:5433/dagster?sslmode=require"
    )
    assert {url.rsplit("/", 1)[1].split("?")[0] for url in vars(urls).values()} == set(DATABASES)
    assert "p%40ss" not in repr(urls)
    assert urls.shown == "postgresql://me:***@db.example:5433/?sslmode=require"
    assert (
        database_urls("postgresql://me:hush@127.0.0.1:5433").shown
        == "postgresql://me:***@127.0.0.1:5433"
    )


@pytest.mark.parametrize("text", ["mysql://me@host/db", "no url at all"])
def test_a_url_of_no_postgresql_is_refused(text):
    with pytest.raises(UsageError, match="ML_PLATFORM_DATABASE_URL is"):
        database_urls(text)


def test_an_external_server_that_does_not_answer_is_told_without_its_password(tmp_path):
    from ml_platform.adapters.services import start_services

    settings = Settings(tmp_path, "postgresql://me:hush@127.0.0.1:9", None, None)
    with pytest.raises(ServiceError, match="does not answer") as refused:
        start_services(settings, tracking=False)
    assert "hush" not in str(refused.value)
    with pytest.raises(UsageError):
        start_services(replace(settings, database_url="mysql://x"), tracking=False)
