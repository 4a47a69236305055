"""Generated bad inputs against every source: what each ends as, and what it costs in memory.

`python -m benchmarks.bad_inputs [INPUTS]` reads each of 700 generated inputs (seeded: wrong types, NaN, zones,
encodings, truncated archives, entities, huge fields, damaged repositories) and a third as many generated query
files against a PostgreSQL server of its own, into a lake that holds two events, and prints a table by kind: refused
with an error of the platform, ingested (perhaps with rows in quarantine), or crashed (any other exception, or an
error of several lines). The two events and every stored hash are checked after each; then one trace of three
million events is ingested. An input that crashed is named by its number.
"""

import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.postgres import start_postgres
from ml_platform.adapters.sources.process_log import ProcessLogSource
from ml_platform.errors import PlatformError
from ml_platform.events.ingest import ingest
from ml_platform_tests.events.bad_inputs import bad_source
from ml_platform_tests.events.bad_queries import bad_query
from ml_platform_tests.events.rows import NOW, good, raw

LONG_TRACE = 3_000_000


def main(inputs: int) -> None:
    """Print the table, the crashed inputs, the touched lakes, and the peak of memory."""
    outcomes: dict[str, Counter[str]] = {}
    touched = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        lake = ParquetLake(Path(place) / "lake", Path(place) / "quarantine")
        lake.merge("events", good(raw(0), raw(4)))
        kept = lake.rows("events").to_pylist()
        with server() as url:
            for number in range(inputs + inputs // 3):
                folder = Path(place) / str(number)
                folder.mkdir()
                kind, outcome = read(number, folder, lake, None if number < inputs else url)
                outcomes.setdefault(kind, Counter())[outcome] += 1
                if not unchanged(lake, kept):
                    touched.append(number)
    print(f"{'kind':<10}{'refused':>9}{'ingested':>10}{'crashed':>9}")
    for kind, counts in sorted(outcomes.items()):
        print(f"{kind:<10}{counts['refused']:>9}{counts['ingested']:>10}{counts['crashed']:>9}")
    total = sum(outcomes.values(), Counter[str]())
    print(f"{'all':<10}{total['refused']:>9}{total['ingested']:>10}{total['crashed']:>9}")
    print(f"what was there was touched by: {touched or 'none'}")
    print(f"peak memory {peak():,.0f} MB, {time.monotonic() - began:.0f} s")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server for as long as the block runs."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # started by root, the server runs as another user
        started = start_postgres(Path(place))
        try:
            yield started.urls.ml_platform
        finally:
            started.stop()


def read(number: int, folder: Path, lake: ParquetLake, url: str | None) -> tuple[str, str]:
    """The kind of an input, a query of the server of ``url`` or a file, and what reading it ended as."""
    kind = "postgres"
    try:
        if url is None:
            kind, source = bad_source(number, folder, NOW)
        else:
            source = bad_query(number, folder, url, NOW)
        ingest(source, lake, now=NOW, progress=lambda line: None)
    except PlatformError as error:
        if "\n" not in str(error):
            return kind, "refused"
        print(f"input {number} ({kind}): an error of several lines: {error!s:.300}")
    except Exception as error:  # what this looks for
        print(f"input {number} ({kind}): {type(error).__name__}: {error!s:.200}")
    else:
        return kind, "ingested"
    return kind, "crashed"


def unchanged(lake: ParquetLake, kept: list[dict[str, object]]) -> bool:
    """Whether the events that were there are as they were, and every file is what was stored."""
    lake.require_unchanged()
    now = {row["event_id"]: row for row in lake.rows("events").to_pylist()}
    return [now.get(row["event_id"]) for row in kept] == kept


def print_long_trace(events: int) -> None:
    """One case of so many events, read into a lake: a reader that keeps a whole trace would hold it in memory."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "long.xes"
        with path.open("w") as stream:
            stream.write('<log><trace><string key="concept:name" value="c"/>')
            for number in range(events):
                stream.write(
                    f'<event><string key="concept:name" value="a{number % 9}"/><date key="time:timestamp" '
                    f'value="2026-02-{1 + number % 28:02}T{number % 24:02}:00:00Z"/></event>'
                )
            stream.write("</trace></log>")
        before, began = peak(), time.monotonic()
        lake = ParquetLake(Path(place) / "lake", Path(place) / "quarantine")
        source = ProcessLogSource(path, b"key", None)
        try:
            report = ingest(source, lake, now=NOW, progress=lambda line: None)
            outcome = f"{report.tables[0].added:,} ingested"
        except PlatformError as error:
            outcome = f"refused: {error}"
        print(
            f"a trace of {events:,} events ({path.stat().st_size / 1e6:,.0f} MB): {outcome}, "
            f"{time.monotonic() - began:.0f} s, peak memory {before:,.0f} -> {peak():,.0f} MB"
        )


def peak() -> float:
    """The largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 700)
    print_long_trace(LONG_TRACE)
