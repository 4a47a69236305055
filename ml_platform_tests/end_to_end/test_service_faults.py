"""`ml-platform serve` under load while MLflow is killed, the disk is full, or the champion's files are damaged."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from ml_platform.adapters.services import services
from ml_platform.serving.router import Fallback
from ml_platform.spec.artifact import MANIFEST
from ml_platform_tests.end_to_end.running_service import (
    CLIENTS,
    MODEL,
    WORKERS,
    Answers,
    RunningService,
    require_logged,
    running_service,
    under_load,
    until,
    version,
)

pytestmark = pytest.mark.timeout(300)
FULL = 4_096
"""Bytes that a file of a worker may have while the disk is "full"; what it has spooled by then is more."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with running_service(tmp_path) as running:
        yield running


def test_mlflow_that_is_killed_is_not_missed(service):
    first, second = service.records

    async def kill():
        for process in service.server("mlflow"):
            process.kill()
        await asyncio.sleep(2)
        await asyncio.to_thread(service.promote, second)
        await asyncio.sleep(2)

    with services(service.settings) as running:
        assert running.tracking_url
        answers = under_load(service, 5, kill)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    assert set(answers.ids.values()) == {str(first.version), str(second.version)}
    require_logged(service, answers)


def test_with_neither_database_nor_disk_nobody_is_answered_and_nothing_acknowledged_is_lost(
    service,
):
    answers = Answers()
    seen: list[str] = []

    def goes_on(of: Callable[[], int], more: int, what: str):
        since = of()
        return until(lambda: of() >= since + more, 20, what)

    def given() -> int:
        return len(answers.ids)

    def refused() -> int:
        return len(answers.refused)

    async def fill():
        workers = await asyncio.to_thread(service.workers)
        with service.hanging("postgres"):
            await goes_on(given, 200, "PostgreSQL hangs, the disk takes them")
            limit_files(workers, FULL)
            await goes_on(refused, 50, "the disk is full, too")
            limit_files(workers, None)
            await goes_on(given, 100, "there is room on the disk again")
            limit_files(workers, FULL)
            await goes_on(refused, 50, "the disk is full again")
        await goes_on(given, 100, "PostgreSQL is back, the disk still full")
        limit_files(workers, None)
        seen.extend(str(process.pid) for process in workers if process.is_running())

    under_load(service, 5, fill, answers)
    assert len(seen) == WORKERS, "a worker has ended"
    assert set(answers.statuses) == {200, 503}
    assert answers.errors == []
    for response in answers.refused:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["retry-after"] == "5"
        problem = response.json()
        assert problem["status"] == 503
        assert "make room on the disk" in problem["remedy"]
        assert "neither in PostgreSQL nor in" in problem["detail"]
    require_logged(service, answers)


def limit_files(workers: list[psutil.Process], most_bytes: int | None) -> None:
    """Let no file of the workers grow beyond so many bytes, as on a disk that is full."""
    for process in workers:
        _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (hard if most_bytes is None else most_bytes, hard))


def changed(folder: Path, other: Path) -> None:
    """Another number in a file."""
    file = folder / "rules.json"
    file.write_bytes(file.read_bytes().replace(b"0.8", b"0.6"))


def truncated(folder: Path, other: Path) -> None:
    """Half of a file."""
    file = folder / "rules.json"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def missing(folder: Path, other: Path) -> None:
    """No file."""
    (folder / "rules.json").unlink()


def swapped(folder: Path, other: Path) -> None:
    """All files of another version, whole."""
    shutil.copytree(other, folder, dirs_exist_ok=True)


def forged(folder: Path, other: Path) -> None:
    """Another number in a file, and a manifest that agrees with it."""
    file, manifest = folder / "rules.json", folder / MANIFEST
    before = sha256(file.read_bytes()).hexdigest().encode()
    changed(folder, other)
    after = sha256(file.read_bytes()).hexdigest().encode()
    assert before in manifest.read_bytes()
    manifest.write_bytes(manifest.read_bytes().replace(before, after))


DAMAGES = (changed, truncated, missing, swapped, forged)


def test_no_damaged_artifact_answers_and_the_champion_before_goes_on(service):
    first, swapped_in = service.records
    registered = [
        version(service.platform, round(0.81 + number / 100, 2)) for number, _ in enumerate(DAMAGES)
    ]
    home = service.settings.home
    answers = Answers()

    def last_versions(count: int = 60) -> set[str]:
        return set(list(answers.ids.values())[-count:])

    async def damage_each():
        for damage, record in zip(DAMAGES, registered, strict=True):
            folder = home / record.artifact_path
            await asyncio.to_thread(service.promote, record)
            name = str(record.version)
            await until(lambda name=name: last_versions() == {name}, 20, f"{name} answers")
            damage(folder, home / swapped_in.artifact_path)
            for worker in await asyncio.to_thread(service.workers):
                worker.kill()  # those that take their place have to load it
            what = f"the champion before answers while that of {name} is {damage.__name__}"
            await until(lambda: last_versions() == {str(first.version)}, 30, what)
            await asyncio.to_thread(service.promote, replace(first))

    under_load(service, 5, damage_each, answers)
    assert set(answers.statuses) == {200}
    assert len(answers.errors) <= WORKERS * CLIENTS * len(DAMAGES)
    require_logged(service, answers)
    said = service.query("SELECT DISTINCT version, round(confidence::numeric, 2) FROM answers")
    shares = {
        str(record.version): round(0.81 + place / 100, 2) for place, record in enumerate(registered)
    }
    assert {name: float(share) for name, share in said} == {str(first.version): 0.9} | shares
    assert len(said) == 1 + len(DAMAGES), "a version has said two things"
    causes = service.query("SELECT DISTINCT version, fallback FROM answers WHERE fallback <> ''")
    assert causes == [(str(first.version), Fallback.CHAMPION_UNUSABLE.value)]
    assert service.platform.ledger.production(MODEL).version == first.version
