"""A person who is forgotten stands nowhere any more, but where the outcome says so; nobody else loses anything."""

import shutil
import uuid
from dataclasses import replace

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from ml_platform.adapters.database_urls import connect
from ml_platform.adapters.forgetting.file_texts import mentions_in
from ml_platform.adapters.manifest import Manifest
from ml_platform.application import forget as use_case
from ml_platform.application.forget import forget
from ml_platform.application.ingest import ingest_source
from ml_platform.application.person_steps import INSTEAD
from ml_platform.application.retention import hold
from ml_platform.application.verify import verify_home
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import SourceChoice, write_home
from ml_platform.retention.mentions import Mentions
from ml_platform_tests.application.homes import AS_OF
from ml_platform_tests.application.person_homes import (
    ANN,
    BOB,
    MODEL,
    fill,
    person_home,
    row_ids_of,
    traces,
)
from ml_platform_tests.serving.examples import key_of

SAID_ALWAYS = {
    "backups of this home that were taken before",
    "the source itself",
    "the database server's log and its backups",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory, postgres):
    """The folder of a home and the names of its databases, all copied by each test."""
    folder = tmp_path_factory.mktemp("filled")
    names = [f"filled_{uuid.uuid4().hex}" for _ in range(3)]
    server = postgres.ml_platform.rsplit("/", 1)[0]
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    cursor.execute(f'CREATE DATABASE "{names[0]}" TEMPLATE ml_platform')
    for name in names[1:]:
        cursor.execute(f'CREATE DATABASE "{name}"')
    fill(folder, *(f"{server}/{name}" for name in names)).ledger.close()
    yield folder, names
    for name in names:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    connection.close()


@pytest.fixture
def urls(filled, postgres):
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    copies = [f"test_{uuid.uuid4().hex}" for _ in filled[1]]
    for copy, name in zip(copies, filled[1], strict=True):
        cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    yield [f"{postgres.ml_platform.rsplit('/', 1)[0]}/{copy}" for copy in copies]
    for copy in copies:
        cursor.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    connection.close()


@pytest.fixture
def platform(tmp_path, filled, urls):
    shutil.copytree(filled[0] / "home", tmp_path / "home")
    shutil.copytree(filled[0] / "source", tmp_path / "source")
    platform = person_home(tmp_path, *urls)
    state = platform.home
    source = SourceChoice(f"files:{tmp_path / 'source'}")
    write_home(platform.settings, replace(state, source=source))
    yield platform
    platform.ledger.close()


def forgotten(platform, user=ANN, *, apply=True, progress=lambda line: None, reason="request 17"):
    return forget(
        platform, user, apply=apply, actor="the officer", reason=reason, progress=progress
    )


def faults(platform):
    return [(each.subject, each.detail) for each in verify_home(platform) if not each.ok]


def left(platform, urls, user=ANN):
    """Where the person, or one of their rows, still stands."""
    home = platform.settings.home
    ids = [user, *row_ids_of(user)]
    return sorted({place for text in ids for place in traces(home, text, *urls)})


def everything(platform, urls):
    """Hashes of all files, and the rows of all tables."""
    home = platform.settings.home
    found = {
        p.name: p.read_bytes() for p in home.rglob("*") if p.is_file() and p.suffix != ".sqlite"
    }
    for url in urls:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            for (table,) in connection.execute(
                sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all():
                rows = connection.execute(sa.text(f'SELECT t::text FROM "{table}" t ORDER BY 1'))
                found[table] = rows.scalars().all()
        engine.dispose()
    return found


def test_a_dry_run_changes_nothing_and_says_what_would_go(platform, urls):
    assert len(left(platform, urls)) > 15, "the home of these tests holds the person everywhere"
    before = everything(platform, urls)
    outcome = forgotten(platform, apply=False)
    assert everything(platform, urls) == before
    assert (outcome.applied, outcome.forgotten_at) == (False, None)
    lines = {step.what: step.things for step in outcome.steps}
    assert lines["lake/events"] == 19
    assert lines["lake/users"] == 1
    assert lines["quarantine"] == 1
    assert lines["online state"] == 1
    assert lines["predictions and outcomes (20 predictions and 20 outcomes)"] == 40
    assert (lines["API keys"], lines["API keys of others"]) == (1, 1)
    assert lines["rows that came by HTTP"] == 2
    assert lines["training sets with 5 rows of theirs"] == 1
    assert [(each.version, each.sure) for each in outcome.learned] == [(1, True)]
    assert {each.where for each in outcome.remains} == SAID_ALWAYS | {"example 1 (in production)"}


def test_a_person_who_is_forgotten_stands_nowhere(platform, urls):
    outcome = forgotten(platform)
    assert left(platform, urls) == []
    assert {each.where for each in outcome.remains} == SAID_ALWAYS | {"example 1 (in production)"}
    assert faults(platform) == []
    (person,) = platform.ledger.forgotten_people()
    assert (person.actor, person.reason) == ("the officer", "request 17")
    assert person.finished_at is not None
    log = (platform.settings.home / "logs" / "run.log").read_text()
    assert log == f"begin\n{'-' * len(ANN)} has logged in\nend\n"


def test_nobody_else_loses_anything(platform, urls):
    events = platform.lake.rows("events")
    before = events.filter(pc.equal(events["user_id"], BOB))
    forgotten(platform)
    assert platform.lake.rows("events").equals(before)
    assert len(platform.lake.refused("events")) == 1
    home = platform.settings.home
    rows = pq.read_table(home / "reports" / "recommender" / "recommendations.parquet")
    assert rows["user_id"].to_pylist() == [BOB]
    engine = sa.create_engine(urls[0])
    with engine.connect() as connection:
        for table, rows in (("predictions", 20), ("outcomes", 20), ("inbox", 1)):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == rows
    engine.dispose()


def test_the_keys_of_the_person_go_and_those_of_others_work_on(platform):
    _, bobs = platform.ledger.api_keys()
    revoked_by_ann = replace(key_of(BOB, 2)[0], revoked_at=AS_OF, revoked_by=ANN)
    platform.ledger.add_api_key(revoked_by_ann)
    forgotten(platform)
    assert set(platform.ledger.api_keys()) == {
        replace(bobs, created_by=INSTEAD, name=f"with {INSTEAD}"),
        replace(revoked_by_ann, revoked_by=INSTEAD),
    }
    forgotten(platform, BOB)
    assert platform.ledger.api_keys() == ()
    assert faults(platform) == []


def test_somebody_who_has_a_key_and_has_done_nothing_is_forgotten(platform):
    platform.ledger.add_api_key(key_of("cy", 5, by="cy")[0])
    platform.ledger.add_api_key(key_of(BOB, 6, by="cy", name="policy")[0])
    outcome = forgotten(platform, "cy")
    lines = {step.what: step.things for step in outcome.steps if step.what.startswith("API")}
    assert lines == {"API keys": 1, "API keys of others": 1}
    assert {(key.created_by, key.name) for key in platform.ledger.api_keys()} == {
        ("ada", ""),
        (ANN, f"with {ANN}"),
        (INSTEAD, "policy"),
    }


def test_who_only_made_a_key_for_another_is_not_known(platform):
    platform.ledger.add_api_key(key_of(BOB, 5, by="cyril")[0])
    with pytest.raises(UsageError, match="Nobody of this id is in this home"):
        forgotten(platform, "cyril")


def test_a_reading_of_the_source_does_not_bring_the_person_back(platform, urls):
    forgotten(platform)
    ingestion = ingest_source(platform, lambda line: None)
    counts = {each.counts.table: each.counts for each in ingestion.tables}
    assert (counts["events"].read, counts["events"].forgotten) == (41, 20)
    assert (counts["events"].added, counts["events"].duplicates) == (1, 19)
    assert counts["events"].refused == {"null": 1}
    assert counts["users"].forgotten == 1
    assert left(platform, urls) == []


def test_without_the_key_nothing_is_read(platform):
    forgotten(platform)
    (platform.settings.home / "secrets" / "user_key").write_bytes(b"x" * 32)
    with pytest.raises(IntegrityError, match="not the key with which people were forgotten"):
        ingest_source(platform, lambda line: None)
    with pytest.raises(IntegrityError, match="not the key"):
        forgotten(platform, BOB)


def test_a_second_time_there_is_nothing_to_remove(platform):
    first = forgotten(platform)
    again = forgotten(platform)
    assert again.steps == ()
    assert again.forgotten_at == platform.ledger.forgotten_people()[0].at
    assert again.learned == first.learned
    assert len(platform.ledger.forgotten_people()) == 1


def test_two_people_one_after_the_other(platform, urls):
    forgotten(platform)
    forgotten(platform, BOB)
    assert left(platform, urls) == left(platform, urls, BOB) == []
    assert platform.lake.counts()["events"] == 0
    assert faults(platform) == []


@pytest.mark.parametrize(
    "user", ["carl@example.org", "ann", "editor", "request-0004", "example.org"]
)
def test_who_is_not_known_gets_one_line(platform, urls, user):
    before = everything(platform, urls)
    with pytest.raises(UsageError, match="Nobody of this id is in this home") as refused:
        forgotten(platform, user, apply=False)
    assert user not in str(refused.value)
    assert everything(platform, urls) == before


def test_a_reason_that_names_the_person_is_refused(platform, urls):
    before = everything(platform, urls)
    with pytest.raises(UsageError, match="The reason names the person"):
        forgotten(platform, reason=f"{ANN} has asked")
    after = everything(platform, urls)
    assert {name for name in before if before[name] != after.get(name)} <= {"events.csv"}


def test_what_a_person_holds_for_a_court_stays_and_is_named(platform, urls):
    hold(platform, MODEL, 1, actor="ada", reason="a dispute")
    outcome = forgotten(platform)
    named = {each.where.partition(":")[0]: each for each in outcome.remains}
    assert any(where.startswith("training_sets/example/") for where in named)
    assert "ada holds it: a dispute" in named["ml_platform"].why
    assert any("ml-platform retention lift example 1" in each.remedy for each in outcome.remains)
    still = left(platform, urls)
    assert [place.partition("/")[0] for place in still] == [
        "table evaluation_reports",
        "training_sets",
    ]
    assert faults(platform) == []


def test_a_binary_file_is_searched_without_regard_to_what_stands_around_an_id(platform):
    file = platform.settings.home / "warehouse" / "warehouse.duckdb"
    assert mentions_in(file, Mentions(ANN, frozenset(), "")) == 2
    assert mentions_in(file, Mentions("", frozenset(), "")) == 0


STEPS = 22


@pytest.mark.parametrize("number", range(STEPS))
def test_a_place_that_is_left_out_is_named_by_the_search(platform, urls, monkeypatch, number):
    """The search at the end sees each place: with any one of the steps left out it finds the person."""
    every = use_case.steps_of

    def but_one(*arguments):
        steps = list(every(*arguments))
        assert len(steps) == STEPS
        del steps[number]
        return iter(steps)

    monkeypatch.setattr(use_case, "steps_of", but_one)
    outcome = forgotten(platform)
    assert {each.where for each in outcome.remains} - SAID_ALWAYS - {"example 1 (in production)"}


class Killed(Exception):
    """What stands for the kill of a process."""


def test_a_removal_that_is_killed_anywhere_is_gone_on_with(platform, urls, monkeypatch):
    """Killed at the first change of a step, run again and killed at the second, and so on to the end of all."""
    transaction, record = Manifest._transaction, platform.ledger.record_removals
    reached, at = set(), {"step": "", "change": 0}

    def fail_point():
        at["change"] += 1
        place = (at["step"], at["change"])
        if at["step"] and place not in reached:
            reached.add(place)
            raise Killed

    def begun(line):
        at.update(step=line, change=0)
        fail_point()

    def counted(self, work):
        fail_point()
        return transaction(self, work)

    monkeypatch.setattr(Manifest, "_transaction", counted)
    monkeypatch.setattr(platform.ledger, "record_removals", lambda *a: (fail_point(), record(*a)))
    while True:
        at["step"] = ""
        try:
            forgotten(platform, progress=begun)
            break
        except Killed:
            at["step"] = ""
            assert faults(platform) == []
    assert len(reached) > 40
    assert left(platform, urls) == []
    assert len(platform.ledger.forgotten_people()) == 1
    at["step"] = ""
    ingest_source(platform, lambda line: None)
    assert left(platform, urls) == []
