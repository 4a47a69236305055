"""The manifest: what is stored is what was written, whenever the process that wrote it was killed."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_platform import files
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.manifest import DAMAGED, MANIFEST_FILE, FileFault, Manifest
from ml_platform.errors import IntegrityError
from ml_platform_tests.events.rows import NOW, good, raw


def test_what_was_written_is_known_and_whole(tmp_path: Path) -> None:
    manifest, page = Manifest(tmp_path), tmp_path / "reports" / "page.html"
    manifest.write_text(page, "one")
    manifest.require(page)
    manifest.write_text(page, "two")
    manifest.require(page)
    manifest.require_folder(page.parent)
    assert page.read_text() == "two"


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        (lambda page: page.write_text("tw0"), "SHA-256 is "),
        (lambda page: page.unlink(), "the file is missing"),
        (lambda page: page.with_name("other.html").write_text("two"), "it is not in the manifest"),
    ],
)
def test_a_changed_a_lost_and_a_strange_file_are_named(tmp_path: Path, spoil, detail: str) -> None:
    manifest, page = Manifest(tmp_path), tmp_path / "reports" / "page.html"
    manifest.write_text(page, "two")
    spoil(page)
    with pytest.raises(IntegrityError, match=f"is not what was stored: {detail}") as refused:
        manifest.require_folder(page.parent)
    assert str(page.parent) in refused.value.message
    assert "verify --home" in refused.value.remedy


def killed_write(manifest: Manifest, path: Path, content: bytes, monkeypatch, *, renamed: bool):
    """A write that ends with its process: before the file is renamed, or after it."""
    step = "_confirm" if renamed else "_announce"
    announce = Manifest._announce

    def dies(self, hashes):
        if not renamed:
            announce(self, hashes)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, step, dies)
        with pytest.raises(KeyboardInterrupt):
            manifest.write_bytes(path, content)


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_write_that_was_killed_is_no_fault_and_the_next_one_settles_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes | None, renamed: bool
) -> None:
    manifest, path = Manifest(tmp_path), tmp_path / "lake" / "rows"
    if before is not None:
        manifest.write_bytes(path, before)
    killed_write(manifest, path, b"new", monkeypatch, renamed=renamed)
    assert (path.read_bytes() if path.exists() else None) == (b"new" if renamed else before)
    assert manifest.faults(path.parent) == ()
    killed_write(manifest, path, b"newer", monkeypatch, renamed=False)
    assert manifest.faults(path.parent) == ()  # what lies there is still one of the two
    manifest.write_bytes(path, b"newest")
    assert manifest.faults(path.parent) == ()
    path.write_bytes(b"new")
    (fault,) = manifest.faults(path.parent)
    assert fault.path == path


def test_a_file_that_is_replaced_while_it_is_looked_at_is_no_fault(
    tmp_path: Path, monkeypatch
) -> None:
    manifest, page = Manifest(tmp_path), tmp_path / "reports" / "page.html"
    manifest.write_text(page, "one")
    rows = Manifest._rows

    def replaced_meanwhile(self, names):
        stored = rows(self, names)
        monkeypatch.setattr(Manifest, "_rows", rows)
        manifest.write_text(page, f"not {page.read_text()}")
        return stored

    for look in (lambda: manifest.require(page), lambda: manifest.require_folder(page.parent)):
        monkeypatch.setattr(Manifest, "_rows", replaced_meanwhile)
        look()


def test_an_error_leaves_file_and_manifest_as_they_were(tmp_path: Path) -> None:
    manifest, path = Manifest(tmp_path), tmp_path / "lake" / "rows"
    manifest.write_bytes(path, b"old")
    with pytest.raises(TypeError):
        manifest.write_bytes(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [
        file for file in tmp_path.rglob("*") if file.name.endswith(files.TEMPORARY_SUFFIX)
    ] == []
    manifest.require(path)


def test_many_writers_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        Manifest(tmp_path).write_text(tmp_path / "records" / f"{number}.json", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(Manifest(tmp_path).stored(tmp_path / "records")) == 40
    assert Manifest(tmp_path).faults(tmp_path / "records") == ()


@pytest.mark.parametrize("step", range(6))
def test_files_are_removed_and_a_kill_in_between_leaves_no_fault(
    tmp_path: Path, monkeypatch, step: int
) -> None:
    manifest = Manifest(tmp_path)
    paths = [tmp_path / "lake" / name for name in "ab"]
    for path in paths:
        manifest.write_text(path, path.name)
    steps = iter(range(9))

    def dies(function):
        def maybe(*given, **named):
            if next(steps) == step:
                raise KeyboardInterrupt
            return function(*given, **named)

        return maybe

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "_transaction", dies(Manifest._transaction))
        patch.setattr(Path, "unlink", dies(Path.unlink))
        if step < 4:  # a transaction, two files, a transaction
            with pytest.raises(KeyboardInterrupt):
                manifest.remove(*paths)
        else:
            manifest.remove(*paths)
    assert manifest.faults(tmp_path / "lake") == ()
    if paths[1].exists():
        paths[1].write_text("c")
        assert [fault.path for fault in manifest.faults(tmp_path / "lake")] == [paths[1]]
    manifest.remove(*paths)
    assert not any(path.exists() for path in paths)
    assert manifest.stored(tmp_path / "lake") == {}


def test_a_damaged_file_is_moved_aside_and_can_be_made_again(tmp_path: Path) -> None:
    manifest, path = Manifest(tmp_path), tmp_path / "lake" / "rows"
    manifest.write_bytes(path, b"old")
    path.write_bytes(b"0ld")
    assert manifest.forget(path) == tmp_path / DAMAGED / "lake" / "rows"
    assert manifest.faults(tmp_path / "lake") == ()
    assert (tmp_path / DAMAGED / "lake" / "rows").read_bytes() == b"0ld"
    with pytest.raises(IntegrityError, match="knows no file lake/rows"):
        manifest.forget(path)


def test_a_manifest_that_is_damaged_itself_is_named(tmp_path: Path) -> None:
    manifest, path = Manifest(tmp_path), tmp_path / "lake" / "rows"
    manifest.write_bytes(path, b"old")
    (tmp_path / MANIFEST_FILE).write_bytes(
        b"no database at all, but long enough for its header" * 9
    )
    with pytest.raises(IntegrityError, match=r"manifest\.sqlite cannot be used"):
        manifest.require(path)


def test_a_hash_that_was_changed_in_the_manifest_is_a_fault(tmp_path: Path) -> None:
    manifest, path = Manifest(tmp_path), tmp_path / "lake" / "rows"
    manifest.write_bytes(path, b"old")
    with sqlite3.connect(tmp_path / MANIFEST_FILE) as connection:
        connection.execute("UPDATE stored_files SET sha256 = replace(sha256, 'a', 'b')")
    connection.close()
    assert manifest.faults(path.parent) == (
        FileFault(path, manifest.faults(path.parent)[0].detail),
    )


def test_a_flipped_bit_in_the_lake_is_seen_before_it_is_read_or_merged(tmp_path: Path) -> None:
    lake, draw = ParquetLake(tmp_path / "lake", tmp_path / "quarantine"), random.Random(20)
    lake.merge("events", good(*(raw(number) for number in range(10))))
    days = sorted((lake.root / "events").glob("day=*/rows.parquet"))
    reads = (
        lambda: lake.rows("events"),
        lambda: lake.fingerprint("events", NOW),
        lambda: lake.merge("events", good(raw(11))),
        lambda: lake.known_rows("events", "tool", NOW),
        lambda: lake.survey("events", NOW, 10),
        lake.require_unchanged,
        lake.counts,
    )
    for number in range(25):
        day = draw.choice(days)
        content = day.read_bytes()
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        day.write_bytes(bytes(flipped))
        with pytest.raises(IntegrityError, match=day.parent.name):
            reads[number % len(reads)]()
        assert day.read_bytes() == bytes(flipped)  # nothing was merged into it
        day.write_bytes(content)
    lake.require_unchanged()


def test_a_day_whose_first_write_was_killed_is_no_day_of_the_lake(
    tmp_path: Path, monkeypatch
) -> None:
    lake = ParquetLake(tmp_path / "lake", tmp_path / "quarantine")
    lake.merge("events", good(raw(0)))
    newest = lake.newest("events")
    later = tmp_path / "lake" / "events" / "day=9999-12-31" / "rows.parquet"
    killed_write(Manifest(tmp_path), later, b"never there", monkeypatch, renamed=False)
    assert lake.newest("events") == newest


def test_a_day_that_is_forgotten_comes_again_from_its_source(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path / "lake", tmp_path / "quarantine")
    rows = good(raw(0), raw(4))
    lake.merge("events", rows)
    before = lake.fingerprint("events", NOW)
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    day.write_bytes(day.read_bytes()[:-1])
    with pytest.raises(IntegrityError):
        lake.merge("events", rows)
    Manifest(tmp_path).forget(day)
    assert lake.merge("events", rows).added == 1
    assert lake.fingerprint("events", NOW) == before
