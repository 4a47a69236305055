"""A source that goes on: a PostgreSQL query, watched by the six-hourly job as the schedule asks for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, make_url, text

from ml_platform.clock import last_boundary
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform_tests.end_to_end.command import told

MODEL = "sequence_ngram"
"""What is watched does not depend on the model: this one is fitted in a second."""
QUERIES = """-- table: events
SELECT * FROM events
"""


READER = "reader_of_a_live_source"
"""A role that may only read, as the platform asks for."""


def fill(url: str, end: datetime) -> str:
    """The events of a small simulation as a table of somebody's database; the URL of a role that may read it."""
    source = SimulateSource(as_of=end, days=4, users=60, seed=2)
    engine = create_engine(url)
    for name, rows in source.batches():
        if name == "events":
            rows.to_pandas().to_sql("events", engine, if_exists="append", index=False)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {READER} LOGIN PASSWORD 'reads'"))
        connection.execute(text(f"GRANT SELECT ON events TO {READER}"))
    engine.dispose()
    role = make_url(url).set(drivername="postgresql", username=READER, password="reads")
    return role.render_as_string(hide_password=False)


def test_the_schedule_watches_the_window_that_has_ended(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fill(database_url, last_boundary(datetime.now(UTC)))
    queries = tmp_path / "queries.sql"
    queries.write_text(QUERIES)
    home = tmp_path / "home"
    printed = told(
        home,
        "run",
        *("--models", MODEL, "--source", f"postgres:{plain}", "--query-file", str(queries)),
    )
    assert printed["source"].startswith("postgres:127.0.0.1/"), "host and name, and no password"
    assert printed["models"][MODEL]["version"] == 1

    monkeypatch.setenv("ML_PLATFORM_HOME", str(home))
    from ml_platform.adapters.services import services
    from ml_platform.application.connections import Connections
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.defs.build import build_definitions
    from ml_platform.home import read_home
    from ml_platform.settings import read_settings

    settings = read_settings()
    state = read_home(settings)
    assert state is not None
    end = state.as_of  # the boundary at which the run began, whatever has passed since
    with services(settings) as running, dagster_instance(settings, running) as instance:
        repository = build_definitions().get_repository_def()
        schedule = repository.get_schedule_def("six_hourly_monitoring")
        asked = schedule.evaluate_tick(
            dg.build_schedule_context(
                instance=instance,
                repository_def=repository,
                scheduled_execution_time=end,
                resources={"platform": Connections(settings)},
            )
        )
        request = asked.run_requests[0]
        assert request.run_key == f"all:{request.partition_key}:schedule"
        run_job("six_hourly", instance, partition_key=request.partition_key)
        reports = Connections(settings).ledger.monitoring_reports(MODEL)
    assert reports[0].window_end == end
    assert reports[0].window_start == end - timedelta(days=7)
