"""Faults injected into a whole home at work, one after the other, and the checker after each.

`python -m benchmarks.home_faults [NUMBER ...]` runs a small simulation in a home of its own, then, for each fault
of the list that hits a home as a whole, injects it, looks at what the command says, runs again, and lets the
checker (`ml_platform_tests.end_to_end.fault_checker`) look at everything. Prints a line a fault; exit code 1 if a
home did not come out of one as it should. Some ten minutes.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform_tests.end_to_end.command import (
    AS_OF,
    COMMAND,
    ONE,
    environment,
    nothing_left,
)
from ml_platform_tests.end_to_end.fault_checker import faults_of

RUN = ("run", *ONE, "--days", "3", "--users", "120", "--as-of", AS_OF)
FILE_LIMIT = 300_000
"""Bytes: the lake and the features of the simulation have larger files."""


class NotAsItShouldBeError(Exception):
    """A fault was not met as it should be."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    told: str

    @property
    def last(self) -> str:
        """The last line on standard error."""
        return (self.told.strip().splitlines() or [""])[-1]


def ended(home: Path, *arguments: str, limit: int | None = None) -> Ended:
    """Run a command to its end, with a limit to the size of its files where one is given."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [COMMAND, *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=limited,
        check=False,
    )
    return Ended(done.returncode, done.stderr)


def require(holds: bool, what: str) -> None:
    """Stop this fault with the words of what does not hold."""
    if not holds:
        raise NotAsItShouldBeError(what)


def one_line(found: Ended) -> str:
    """The one line of a command that failed."""
    require(found.code == 1, f"exit code {found.code}: {found.last[:200]}")
    require("Traceback" not in found.told, "a traceback was shown")
    require("Remedy" in found.last, f"no remedy: {found.last[:200]}")
    return found.last.removeprefix("ml-platform: ")[:110]


def disk_full(home: Path) -> str:
    """No file may become larger than `FILE_LIMIT`, in a home that has nothing yet."""
    return one_line(ended(home.with_name("full"), *RUN, limit=FILE_LIMIT))


def killed_server(word: str) -> Callable[[Path], str]:
    """SIGKILL of a server of the home in the middle of a run."""

    def inject(home: Path) -> str:
        with running(home) as process:
            server = server_of(home, word)
            time.sleep(2)
            server.kill()
            _, told = process.communicate(timeout=500)
        if process.returncode == 0:
            return "the run went on"
        return one_line(Ended(process.returncode, told))

    return inject


def two_writers(home: Path) -> str:
    """A second run of the same home beside the first."""
    with running(home) as process:
        server_of(home, "postgres")
        second = ended(home, *RUN)
        process.communicate(timeout=500)
    codes = {process.returncode, second.code}
    require(codes == {0}, f"exit codes {process.returncode} and {second.code}: {second.last[:200]}")
    return "the second waited for the first; both ended with 0"


def deleted_reference(home: Path) -> str:
    """The rows that the champion was fitted on are gone."""
    (rows,) = (home / "training_sets").rglob("rows.parquet")
    rows.unlink()
    return reference_refused(home, rows)


def poisoned_reference(home: Path) -> str:
    """One label in twenty of the rows that the champion was fitted on is another one."""
    (rows,) = (home / "training_sets").rglob("rows.parquet")
    table = pq.read_table(rows)
    labels = np.array(table["workflow_category"].to_pylist(), dtype=object)
    labels[::20] = labels[np.random.default_rng(0).permutation(len(labels))][::20]
    place = table.column_names.index("workflow_category")
    kind = table.schema.field("workflow_category").type
    pq.write_table(
        table.set_column(place, "workflow_category", pa.array(labels, pa.string()).cast(kind)), rows
    )
    return reference_refused(home, rows)


def reference_refused(home: Path, rows: Path) -> str:
    """`verify` names the file, monitoring fails closed, and the file comes again."""
    verified = subprocess.run(
        [COMMAND, "verify", "--home", str(home)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    require(verified.returncode == 1, "`verify` has not seen it")
    require(rows.parent.name[:12] in verified.stdout + verified.stderr, "`verify` does not name it")
    told = one_line(ended(home, "monitor"))
    forgot = ended(home, "verify", "--forget", str(rows))
    require(forgot.code in (0, 1), f"`verify --forget`: {forgot.last[:200]}")
    return told


@dataclass(frozen=True)
class HomeFault:
    """A fault of the list, with its injection."""

    number: int
    name: str
    inject: Callable[[Path], str]
    home: str = "home"
    """The folder of the home that it hits."""


FAULTS = (
    HomeFault(6, "disk full", disk_full, home="full"),
    HomeFault(10, "PostgreSQL killed in a run", killed_server("postgres")),
    HomeFault(11, "MLflow killed in a run", killed_server("mlflow.server")),
    HomeFault(22, "two runs of one home", two_writers),
    HomeFault(29, "reference rows deleted", deleted_reference),
    HomeFault(29, "one reference label in 20 flipped", poisoned_reference),
)


@contextmanager
def running(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run at work; it has ended when the block has."""
    process = subprocess.Popen(
        [COMMAND, *RUN, "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()


def server_of(home: Path, word: str, seconds: float = 120) -> psutil.Process:
    """The first process of a server of the home, as soon as there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for process in psutil.process_iter(["cmdline", "create_time"]):
            words = process.info["cmdline"] or []
            text = " ".join(words)
            if (
                word in text
                and str(home) in text
                and "guard.py" not in text
                and os.getpid() != process.pid
            ):
                return process
        time.sleep(0.2)
    raise NotAsItShouldBeError(f"no {word} was started")


def main(numbers: list[int]) -> int:
    """Inject the faults, and print a line for each."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="home-faults-") as place:
        Path(place).chmod(0o755)
        first = ended(Path(place) / "home", *RUN)
        require(first.code == 0, first.last)
        for fault in FAULTS:
            if numbers and fault.number not in numbers:
                continue
            began, home = time.monotonic(), Path(place) / fault.home
            try:
                told = fault.inject(Path(place) / "home")
                again = ended(home, *RUN)
                require(again.code == 0, f"the run after it: {again.last[:300]}")
                nothing_left(home)
                wrong = faults_of(home)
                require(not wrong, "; ".join(wrong)[:400])
                outcome = f"survived: {told}"
            except (NotAsItShouldBeError, AssertionError) as error:
                failed, outcome = failed + 1, f"FAILED: {error}"
            print(
                f"{fault.number:>4}  {fault.name:<36}{time.monotonic() - began:>5.0f} s  {outcome}",
                flush=True,
            )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]))
