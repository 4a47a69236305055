"""A spool loses no row that was acknowledged and doubles none: its writer may be killed, and the disk be full."""

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest
import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving import spool as module
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.spool import Spool, SpoolFull, held, left_spools, spooled_days
from ml_platform_tests.adapters.answer_rows import DAY, answer

WRITER = """
import sys
from pathlib import Path
from ml_platform.adapters.serving.spool import Spool
from ml_platform_tests.adapters.answer_rows import answer

spool = Spool(Path(sys.argv[1]))
while True:
    rows = [answer(features="x" * 5_000) for _ in range(int(sys.argv[2]))]
    spool.append(rows)
    for row in rows:
        print(row.prediction_id, flush=True)
"""
LIMITED = """
import resource, sys
from pathlib import Path
from ml_platform.adapters.serving.spool import Spool, SpoolFull
from ml_platform_tests.adapters.answer_rows import answer

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
spool = Spool(Path(sys.argv[1]))
row = answer(features="x" * 6_000)
taken = 0
try:
    while True:
        spool.append([row, row])
        taken += 2
except SpoolFull as error:
    print(taken, error)
"""


def started(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def rows_of(folder):
    return [row for left in left_spools(folder) for row in left.rows]


@pytest.mark.timeout(600)
def test_every_acknowledged_row_of_a_killed_writer_is_drained_once(tmp_path, database_url):
    """Killed 20 times after a random while; the halves of rows that were not acknowledged are passed over."""
    chance = random.Random(7)
    acknowledged = set[str]()
    with closing(AnswerDays(database_url)) as days:
        for _ in range(20):
            with started(WRITER, tmp_path, chance.choice((1, 3, 50))) as writer:
                lines = [writer.stdout.readline()]
                threading.Timer(chance.uniform(0.0, 0.3), writer.kill).start()
                lines += writer.stdout.readlines()
            assert writer.returncode == -signal.SIGKILL
            acknowledged |= {line.strip() for line in lines if len(line) == 37}
            days.drain(tmp_path)
            assert list(tmp_path.iterdir()) == []
    engine = ledger_engine(database_url)
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT prediction_id::text FROM answers")).scalars()
        present = list(found)
    engine.dispose()
    assert len(acknowledged) > 100
    assert acknowledged <= set(present)
    assert len(present) == len(set(present))


def test_a_half_line_at_the_end_is_passed_over(tmp_path):
    spool = Spool(tmp_path)
    rows = [answer(), answer()]
    spool.append(rows)
    spool.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for cut in (1, 2, 30, len(whole) // 2 - 1):
        path.write_bytes(whole[:-cut])
        assert rows_of(tmp_path) == rows[:1]


def test_the_spool_of_a_process_at_work_is_left_alone(tmp_path):
    with started(WRITER, tmp_path, 1) as writer:
        writer.stdout.readline()
        assert rows_of(tmp_path) == []
        assert spooled_days(tmp_path) == {DAY}
        writer.kill()
    assert rows_of(tmp_path)


def test_where_the_disk_takes_no_more_nothing_half_stays(tmp_path):
    writer = started(LIMITED, tmp_path)
    out = writer.communicate()[0]
    assert writer.returncode == 0
    assert out.startswith("2 Answers can be logged neither in PostgreSQL nor in ")
    assert "File too large" in out
    assert len(rows_of(tmp_path)) == 2
    (path,) = tmp_path.iterdir()
    assert path.read_bytes().count(b"\n") == 2
    assert path.read_bytes().endswith(b"\n")


def test_a_full_share_of_the_disk_is_said_and_nothing_written(tmp_path):
    spool = Spool(tmp_path, most_bytes=700)
    spool.append([answer()])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SpoolFull, match=r"the spool holds 700 bytes.*make room on the disk"):
        spool.append([answer()])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    spool.close()


def test_a_spool_that_is_drained_between_its_making_and_its_lock_is_not_written(
    tmp_path, monkeypatch
):
    lock, done = module.fcntl.flock, []

    def drained_first(descriptor, how):
        if not done:
            done.append(next(tmp_path.iterdir()))
            done[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(module.fcntl, "flock", drained_first)
    spool = Spool(tmp_path)
    row = answer()
    spool.append([row])
    spool.close()
    assert done
    assert rows_of(tmp_path) == [row]


def test_a_spool_that_was_replaced_before_it_was_locked_is_not_drained(tmp_path, monkeypatch):
    spool = Spool(tmp_path)
    spool.append([answer()])
    spool.close()
    (path,) = tmp_path.iterdir()
    lock = module.fcntl.flock

    def replaced_first(descriptor, how):
        if not isinstance(descriptor, int):
            (tmp_path / "other").write_bytes(path.read_bytes())
            os.replace(tmp_path / "other", path)
        lock(descriptor, how)

    monkeypatch.setattr(module.fcntl, "flock", replaced_first)
    assert rows_of(tmp_path) == []
    monkeypatch.undo()
    assert len(rows_of(tmp_path)) == 1


def test_nobody_drains_what_is_held_and_everybody_writes(tmp_path):
    spool = Spool(tmp_path)
    spool.append([answer()])
    with held(tmp_path):
        spool.append([answer()])
        spool.close()
        assert rows_of(tmp_path) == []
    assert len(rows_of(tmp_path)) == 2
    with held(tmp_path / "none"):
        assert rows_of(tmp_path / "none") == []
