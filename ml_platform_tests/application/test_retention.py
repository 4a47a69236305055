"""Retention removes what is past its days from every place, and nothing that anything needs."""

import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ml_platform.adapters import kept_files
from ml_platform.adapters.database_urls import connect
from ml_platform.application import retention as use_case
from ml_platform.application.mirrored import wanted_models
from ml_platform.application.report_page import page_of, stored_evaluation
from ml_platform.application.retention import hold, lift, retain, without_rule
from ml_platform.application.verify import verify_home
from ml_platform.errors import UsageError
from ml_platform.retention.rules import Kind
from ml_platform_tests.application.kept_homes import (
    AS_OF,
    DAY,
    LAST,
    MODEL,
    WEEKLY,
    fill,
    kept_home,
)

WALL = LAST
VERSIONS = range(1, len(WEEKLY) + 1)
PROMOTED = {1, 5, 10}


@pytest.fixture(scope="module")
def filled(tmp_path_factory, postgres):
    """The folder of a home and the name of its database, both copied by each test."""
    folder, name = tmp_path_factory.mktemp("filled"), f"filled_{uuid.uuid4().hex}"
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE ml_platform')
    fill(folder, postgres.ml_platform.rsplit("/", 1)[0] + f"/{name}")
    yield folder, name
    cursor.execute(f'DROP DATABASE "{name}"')
    connection.close()


@pytest.fixture
def url(filled, postgres):
    name = f"test_{uuid.uuid4().hex}"
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{filled[1]}"')
    yield postgres.ml_platform.rsplit("/", 1)[0] + f"/{name}"
    cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    connection.close()


@pytest.fixture
def platform(tmp_path, filled, url):
    shutil.copytree(filled[0], tmp_path / "home")
    platform = kept_home(tmp_path / "home", url)
    yield platform
    platform.ledger.close()


@pytest.fixture
def query(url):
    engine = sa.create_engine(url)

    def rows(statement):
        with engine.connect() as connection:
            return connection.execute(sa.text(statement)).all()

    yield rows
    engine.dispose()


def age(number):
    """The age in days of the version of this number."""
    return (LAST - AS_OF - WEEKLY[number - 1] * DAY).days


def faults(platform):
    return {finding.subject: finding.detail for finding in verify_home(platform) if not finding.ok}


def files_of(platform):
    home = platform.settings.home
    return {p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()}


def numbers_of(platform, kind):
    """The versions of which a thing of this kind is there."""
    home, ledger = platform.settings.home, platform.ledger
    there = {
        Kind.ARTIFACT: lambda record: (home / record.artifact_path).exists(),
        Kind.TRAINING_SET: lambda record: (
            home / "training_sets" / MODEL / record.training_set_fingerprint
        ).exists(),
        Kind.EVALUATION_REPORT: lambda record: ledger.report(record.report_id) is not None,
        Kind.MLFLOW_RUN: lambda record: record.mlflow_run_id in platform.kept_runs.runs,
        Kind.BASELINE: lambda record: ledger.baseline(MODEL, str(record.version)) is not None,
    }[kind]
    return {record.version for record in ledger.versions(MODEL) if there(record)}


LEAST_DAYS = {
    Kind.ARTIFACT: 30,
    Kind.TRAINING_SET: 7,
    Kind.EVALUATION_REPORT: 180,
    Kind.MLFLOW_RUN: 90,
    Kind.BASELINE: 180,
}


def test_a_dry_run_removes_nothing_and_says_what_would_go(platform, query):
    before = files_of(platform), query("SELECT * FROM row_hashes ORDER BY 1, 2")
    outcome = retain(platform, apply=False, wall=WALL)
    assert (files_of(platform), query("SELECT * FROM row_hashes ORDER BY 1, 2")) == before
    assert not outcome.applied
    assert outcome.bytes > 0
    said = {(line.kind, line.things) for line in outcome.summary}
    assert (Kind.ARTIFACT, len([n for n in VERSIONS if n not in PROMOTED and age(n) >= 30])) in said
    assert all(str(removal.item.at.year) and removal.why for removal in outcome.removals)
    assert retain(platform, apply=True, wall=WALL).removals == outcome.removals


@pytest.mark.parametrize("kind", LEAST_DAYS)
def test_of_a_version_that_nothing_needs_each_piece_goes_after_its_days(platform, kind):
    retain(platform, apply=True, wall=WALL)
    young = {number for number in VERSIONS if age(number) < LEAST_DAYS[kind]}
    assert numbers_of(platform, kind) == PROMOTED | young | {VERSIONS[-1]}


def test_what_is_past_its_days_is_gone_everywhere_and_verify_is_clean(platform, query):
    retain(platform, apply=True, wall=WALL)
    assert faults(platform) == {}
    oldest = {
        "SELECT min(occurred_at) FROM predictions": 60 + 7,
        "SELECT min(known_at) FROM outcomes": 60 + 1,
        "SELECT min(window_end) FROM monitoring_reports": 30 + 1,
        "SELECT min(at) FROM alerts": 30 + 1,
    }
    for statement, days in oldest.items():
        (least,) = query(statement)[0]
        assert LAST - timedelta(days=days) <= least, statement
        assert least <= LAST - timedelta(days=14), statement
    assert not query("SELECT * FROM row_hashes WHERE rows = 0 AND table_name = 'predictions'")
    pages = {path for path in files_of(platform) if path.startswith(("reports", "records"))}
    for days, name in ((30, "monitoring.html"), (7, "evidently.html"), (30, "@")):
        left = len([day for day in WEEKLY if (WEEKLY[-1] - day) < days])
        assert len([path for path in pages if name in path]) == left
    assert retain(platform, apply=True, wall=WALL).removals == ()


def test_every_report_that_is_there_opens_and_one_that_is_not_says_why(platform):
    retain(platform, apply=True, wall=WALL)
    for number in numbers_of(platform, Kind.EVALUATION_REPORT):
        assert "<html" in page_of(stored_evaluation(platform, MODEL, number))
    with pytest.raises(UsageError, match="no longer kept: removed by retention on"):
        stored_evaluation(platform, MODEL, 2)


def test_the_last_monitoring_report_stays_whatever_its_age(platform):
    retain(platform, apply=True, wall=WALL + 1_000 * DAY)
    (last,) = platform.ledger.monitoring_reports(MODEL, 1)
    assert last.window_end == LAST


def test_nothing_of_a_version_that_a_person_holds_goes_until_the_hold_is_lifted(platform):
    hold(platform, MODEL, 2, actor="ann", reason="a dispute")
    with pytest.raises(UsageError, match="example 2 is held already"):
        hold(platform, MODEL, 2, actor="bob", reason="another")
    outcome = retain(platform, apply=True, wall=WALL)
    assert all(2 in numbers_of(platform, kind) for kind in LEAST_DAYS)
    assert any("ann holds it: a dispute" in line for line in outcome.kept)
    lift(platform, MODEL, 2, actor="bob")
    retain(platform, apply=True, wall=WALL)
    assert all(2 not in numbers_of(platform, kind) for kind in LEAST_DAYS)
    (held,) = platform.ledger.legal_holds()
    assert (held.actor, held.lifted_by) == ("ann", "bob")
    with pytest.raises(UsageError, match="example 2 is not held"):
        lift(platform, MODEL, 2, actor="bob")


def test_verify_misses_what_goes_otherwise(platform):
    retain(platform, apply=True, wall=WALL)
    champion = platform.ledger.version(MODEL, 10)
    folder = platform.settings.home / champion.artifact_path
    folder.rename(folder.with_name("gone"))
    (folder.with_name("gone") / "rules.json").unlink()
    assert "example 10 artifact" in faults(platform)


def test_what_is_recorded_as_removed_is_missed_where_a_root_needs_it(platform):
    hold(platform, MODEL, 2, actor="ann", reason="a dispute")
    lift(platform, MODEL, 2, actor="ann")
    retain(platform, apply=True, wall=WALL)
    assert faults(platform) == {}
    hold(platform, MODEL, 2, actor="ann", reason="too late")
    assert {"example 2 artifact", "example 2 data"} <= set(faults(platform))


class Killed(Exception):
    """What stands for the kill of a process."""


def _steps(monkeypatch, at):
    """Raise before the ``at``-th change that retention makes: a row, a file, a folder, a commit."""
    from ml_platform.adapters.ledger import kept_rows

    count = iter(range(10**6))

    def dying(change):
        def changed(*arguments, **options):
            if next(count) == at:
                raise Killed
            return change(*arguments, **options)

        return changed

    monkeypatch.setattr(Path, "unlink", dying(Path.unlink))
    monkeypatch.setattr(Path, "rmdir", dying(Path.rmdir))
    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr(use_case.files, "remove_leftovers", dying(use_case.files.remove_leftovers))
    for kind, remover in kept_rows._REMOVERS.items():
        monkeypatch.setitem(kept_rows._REMOVERS, kind, dying(remover))
    return count


@pytest.mark.parametrize("at", [0, 1, 20, 60, 100, 130, 150])
def test_killed_anywhere_it_leaves_a_clean_home_and_goes_on(platform, monkeypatch, at):
    with monkeypatch.context() as patched:
        _steps(patched, at)
        with pytest.raises(Killed):
            retain(platform, apply=True, wall=WALL)
    assert faults(platform) == {}
    retain(platform, apply=True, wall=WALL)
    assert faults(platform) == {}
    assert retain(platform, apply=True, wall=WALL).removals == ()


def test_an_artifact_leaves_its_place_in_one_step(platform, monkeypatch):
    def killed(folder):
        next(folder.iterdir()).unlink()
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(kept_files.shutil, "rmtree", killed)
        with pytest.raises(Killed):
            retain(platform, apply=True, wall=WALL)
    assert faults(platform) == {}
    assert retain(platform, apply=True, wall=WALL).removals != ()


def test_mlflow_is_no_longer_told_of_a_version_whose_artifact_has_gone(platform):
    def shown():
        (wanted, *_) = wanted_models(platform, MODEL, None)
        return {version.record.version for version in wanted.versions}

    assert shown() == set(VERSIONS)
    retain(platform, apply=True, wall=WALL)
    assert shown() == numbers_of(platform, Kind.ARTIFACT)


def test_a_run_whose_files_an_alias_of_mlflow_names_stays(platform):
    platform.kept_runs.aliases["run 2"] = "MLflow's example_rules@current names its files"
    retain(platform, apply=True, wall=WALL)
    assert 2 in numbers_of(platform, Kind.MLFLOW_RUN)


def test_what_lies_in_a_home_and_has_no_rule_is_named_and_stays(platform):
    assert without_rule(platform) == ()
    (platform.settings.home / "notes.txt").write_text("mine")
    assert retain(platform, apply=True, wall=WALL).without_rule == ("notes.txt",)
    assert (platform.settings.home / "notes.txt").exists()
