"""What a killed process left half written goes; what a living one writes stays."""

import os
import subprocess
import sys

from ml_platform.files import remove_leftovers


def test_leftovers_of_dead_writers_alone_are_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / "lake" / f"day.parquet.{dead.pid}.writing"
    folder = tmp_path / f"set.{dead.pid}.writing"
    folder.mkdir()
    reused = tmp_path / f"old.{os.getpid()}.writing"
    alive = tmp_path / f"day.parquet.{os.getpid()}.writing"
    nobody = tmp_path / "password.writing"
    left.parent.mkdir()
    for path in (left, folder / "part", reused, alive, nobody):
        path.write_text("half")
    os.utime(reused, (1.0, 1.0))  # written long before this process: its id was another's then
    assert set(remove_leftovers(tmp_path)) == {left, folder, reused}
    assert not left.exists()
    assert not folder.exists()
    assert alive.read_text() == nobody.read_text() == "half"
