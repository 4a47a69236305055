"""A home in one file: whatever is written meanwhile, it is of one moment; damaged, it restores nothing."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ml_platform.adapters.database_urls import DATABASES, DatabaseUrls, connect
from ml_platform.adapters.home_snapshot import snapshot
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.ledger.schema_upgrade import upgrade
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.postgres import start_postgres
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.spool import Spool, left_spools
from ml_platform.adapters.serving.state_file import read_state, write_state
from ml_platform.application.backup import restore_backup, take_backup
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import FORMAT, read_home
from ml_platform.serving.state import ServiceState
from ml_platform.settings import Settings
from ml_platform_tests.adapters.answer_rows import answer
from ml_platform_tests.application.homes import home, promotable
from ml_platform_tests.end_to_end.command import COMMAND, environment


def quiet(_: str) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def urls(postgres, database_url):
    """Databases of this test: the ledger's, and two that are as good as Dagster's and MLflow's."""
    server = database_url.rsplit("/", 1)[0]
    names = {name: f"{database_url.rsplit('/', 1)[1]}_{name}" for name in DATABASES[:2]}
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    for name in names.values():
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield DatabaseUrls(
        **{name: f"{server}/{real}" for name, real in names.items()}, ml_platform=database_url
    )
    for name in names.values():
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    connection.close()


@pytest.fixture
def kept(tmp_path, urls):
    """A home with a version, and its backup."""
    ledger = PostgresLedger(urls.ml_platform)
    platform = home(tmp_path / "home", ledger)
    record = promotable(platform, b"1")
    Manifest(platform.settings.home).write_text(platform.settings.home / "records/a.json", "{}")
    (platform.settings.home / "secrets").mkdir()
    (platform.settings.home / "secrets/user_key").write_text("canary")
    (platform.settings.home / "logs").mkdir()
    (platform.settings.home / "logs/run.log").write_text("left out")
    path = tmp_path / "home.tar"
    taken = take_backup(platform.settings, urls, path, quiet)
    ledger.close()
    return platform.settings, record, path, taken


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_answer_that_is_drained_meanwhile_is_in_the_backup_and_the_state_of_the_service_is_not(
    tmp_path, urls
):
    """Once the ledger is dumped, a spool must not go before it is copied, whoever would drain it."""
    settings = home(tmp_path / "home", PostgresLedger(urls.ml_platform)).settings
    row = answer()
    spool = Spool(settings.spool)
    spool.append([row])
    spool.close()
    write_state(settings.serving, ServiceState(database="postgresql://of.this.machine"))
    (left,) = settings.spool.iterdir()
    with (
        closing(socket.socket(socket.AF_UNIX)) as listening,
        closing(AnswerDays(urls.ml_platform)) as days,
    ):
        listening.bind(os.path.relpath(settings.serving / "shadow.sock"))
        path = tmp_path / "home.tar"
        drained = []
        take_backup(settings, urls, path, lambda line: drained.append(days.drain(settings.spool)))
        assert drained == [0, 0, 0, 1]
    with tarfile.open(path) as archive:
        names = [name for name in archive.getnames() if name.startswith("home/serving")]
    assert names == [f"home/serving/spool/{left.name}"]
    elsewhere = Settings(tmp_path / "restored", None, None, None)
    restore_backup(elsewhere, path, quiet)
    assert [left.rows for left in left_spools(elsewhere.spool)] == [(row,)]
    assert read_state(elsewhere.serving) is None


def test_a_restored_home_has_the_same_files_and_the_same_ledger(kept, tmp_path):
    settings, record, path, taken = kept
    elsewhere = Settings(tmp_path / "deep" / "restored", None, None, None)
    assert restore_backup(elsewhere, path, quiet) == taken
    before, after = files_of(settings.home), files_of(elsewhere.home)
    strange = {"logs", "run", "postgres"}
    same = {name: text for name, text in before.items() if name.split("/")[0] not in strange}
    found = {name: text for name, text in after.items() if name.split("/")[0] not in strange}
    # The server of the restored home has a password of its own; the first one was the tests'.
    assert found.keys() - same.keys() == {"secrets/postgres"}
    assert same.keys() <= found.keys()
    changed = [name for name in same if same[name] != found[name]]
    assert changed in ([], ["manifest.sqlite"])
    assert Manifest(elsewhere.home).faults(elsewhere.home / "records") == ()
    assert read_home(elsewhere) == read_home(settings)
    server = start_postgres(elsewhere.home)
    try:
        upgrade(server.urls.ml_platform)
        ledger = PostgresLedger(server.urls.ml_platform)
        assert ledger.version("example", 1) == record
        assert [rows.changed for rows in ledger.stored_rows() if rows.changed] == []
        ledger.close()
    finally:
        server.stop()


@pytest.fixture
def somebody_else(postgres):
    """Runs a command as the user of root's PostgreSQL, in a folder of theirs; gives both."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else: a restore by another user did NOT run")
    user = pwd.getpwnam("pgserver")
    folder = Path(tempfile.mkdtemp(prefix="ml-platform-somebody-else-"))
    os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*arguments: object) -> str:
        ended = subprocess.run(
            [sys.executable, *map(str, arguments)],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            env={**environment(), "HOME": str(folder), "USER": user.pw_name},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    try:
        run("-c", "import ml_platform")
    except (PermissionError, AssertionError):
        pytest.skip("others cannot reach Python here: a restore by another user did NOT run")
    yield run, folder, user
    shutil.rmtree(folder)


def test_another_user_restores_it_and_a_copy_of_it_is_the_same(kept, somebody_else):
    settings, _, path, _ = kept
    run, folder, user = somebody_else
    shutil.copy(path, folder / "home.tar")
    os.chown(folder / "home.tar", user.pw_uid, user.pw_gid)
    restored, copied = folder / "restored", folder / "copied"
    run(COMMAND, "restore", folder / "home.tar", "--home", restored)
    assert run(COMMAND, "verify", "--home", restored).endswith("none at fault\n")
    run("-c", f"import shutil; shutil.copytree('{restored}', '{copied}', symlinks=True)")
    assert run(COMMAND, "verify", "--home", copied).endswith("none at fault\n")
    assert {place.stat().st_uid for place in folder.rglob("*")} == {user.pw_uid}
    for place in ("artifacts", "training_sets", "records"):
        was = files_of(settings.home / place)
        assert files_of(restored / place) == files_of(copied / place) == was


def test_only_its_owner_reads_a_backup_and_nobody_owns_its_files(kept):
    _, _, path, _ = kept
    assert path.stat().st_mode & 0o077 == 0
    with tarfile.open(path) as archive:
        assert {(member.uid, member.uname) for member in archive} == {(0, "")}
    assert [name for name in os.listdir(path.parent) if "writing" in name] == []


def test_a_flipped_bit_or_a_cut_restores_nothing(kept, tmp_path):
    _, _, path, _ = kept
    content = path.read_bytes()
    place = content.index(b"canary")
    for damaged in (
        content[:place] + b"d" + content[place + 1 :],
        content[: len(content) // 2],
        b"",
        b"no archive at all" * 100,
    ):
        path.write_bytes(damaged)
        target = tmp_path / "restored"
        with pytest.raises(IntegrityError, match="is no whole backup"):
            restore_backup(Settings(target, None, None, None), path, quiet)
        assert not target.exists()
        assert [name for name in os.listdir(tmp_path) if "writing" in name] == []


@pytest.mark.parametrize("name", ["../canary", "/tmp/canary", "home/../../canary", "other/canary"])
def test_a_backup_that_leads_out_of_its_folder_is_refused(name, tmp_path):
    (tmp_path / "content").write_text("x")
    with tarfile.open(tmp_path / "hostile.tar", "w") as archive:
        archive.add(tmp_path / "content", arcname=name)
        archive.getmembers()[0].name = name
    with pytest.raises(IntegrityError, match="is no plain file of a home"):
        restore_backup(
            Settings(tmp_path / "restored", None, None, None), tmp_path / "hostile.tar", quiet
        )


def test_a_link_in_a_backup_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with tarfile.open(tmp_path / "hostile.tar", "w") as archive:
        archive.add(tmp_path / "link", arcname="home/link")
    with pytest.raises(IntegrityError, match="is no plain file of a home"):
        restore_backup(
            Settings(tmp_path / "restored", None, None, None), tmp_path / "hostile.tar", quiet
        )


def test_what_is_there_is_not_overwritten(kept, tmp_path):
    settings, _, path, _ = kept
    before = files_of(settings.home)
    with pytest.raises(UsageError, match="There is something in"):
        restore_backup(settings, path, quiet)
    assert files_of(settings.home) == before
    with pytest.raises(UsageError, match="There is no file"):
        restore_backup(Settings(tmp_path / "b", None, None, None), tmp_path / "none.tar", quiet)


def test_a_backup_does_not_go_into_the_home(kept, urls):
    settings, _, _, _ = kept
    with pytest.raises(UsageError, match="lies in the home"):
        take_backup(settings, urls, settings.home / "a.tar", quiet)


def test_a_snapshot_is_of_one_moment_while_files_are_replaced(tmp_path):
    place = tmp_path / "home"
    manifest = Manifest(place)
    paths = [place / "lake" / "events" / f"{day}.parquet" for day in range(20)]
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for path in paths:
                manifest.write_text(path, f"{path.name} {turn}" * 50)
            manifest.remove(paths[turn % 20])

    writer = threading.Thread(target=write)
    place.mkdir()
    for path in paths:
        manifest.write_text(path, "first")
    writer.start()
    try:
        for number in range(5):
            copy = tmp_path / f"copy{number}"
            snapshot(place, copy)
            assert Manifest(copy).faults(copy / "lake") == ()
            assert any((copy / "lake").rglob("*.parquet"))
    finally:
        stop.set()
        writer.join()


def test_a_backup_of_a_newer_release_is_refused(kept, tmp_path, monkeypatch):
    _, _, path, _ = kept
    monkeypatch.setattr("ml_platform.application.backup.FORMAT", FORMAT - 1)
    with pytest.raises(UsageError, match=r"format 4\); this release reads up to format 3"):
        restore_backup(Settings(tmp_path / "restored", None, None, None), path, quiet)
