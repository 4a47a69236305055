"""What reading events into the lake costs beyond the source's own reading, by the number of events.

    python -m benchmarks.ingestion [--rows 1000000 3000000 10000000] [--stored] [--json]

SIMULATED events of 90 days come user by user, so that every batch spans all days: what a lake that writes days
again pays most for. Of 1,000 rows 20 repeat one that came before, 10 bring a label for one that came without,
and 2 contradict one, half of these on another day. Each size is read in a process of its own: the source alone,
then into an empty lake. Printed are processor seconds of all threads and the peak memory of the process; with
``--stored`` also what a day more on top costs, and reading everything a second time.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
DAYS = 90
ROWS_A_USER = 1_280
REPEATED, LABELLED, CONTRADICTED = 20, 10, 2
"""Rows of 1,000 that share the id of one before."""


@dataclass(frozen=True)
class EventFile:
    """A source: one Parquet file of events, in the order in which they arrive."""

    path: Path
    name: str = "simulated events"
    simulated: bool = True
    live: bool = False

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """Its rows, 50,000 at a time."""
        import pyarrow.parquet as pq

        from ml_platform.events.sources.base import BATCH_ROWS

        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield "events", pa.Table.from_batches([batch])


def write_events(path: Path, rows: int, first_day: str = "2026-01-01", days: int = DAYS) -> None:
    """``rows`` events with distinct ids, and those that share one; equal arguments give equal rows."""
    import duckdb

    share = (REPEATED + LABELLED + CONTRADICTED) / 1_000
    drawn = "(hash(i, '{}') % {})::bigint"
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(
            f"""
            copy (
                with arriving as (
                    select i, 'first' as kind, i::double as place from range({rows}) as numbers(i)
                    union all
                    select i, kind, i + 1 + ({rows} - i) * (hash(n, 'late') % 1000000) / 1e6
                    from (
                        select n, 4 * (hash(n, 'of') % {rows // 4})::bigint as i,
                            case
                                when n % 1000 < {1000 * REPEATED / 1000 / share} then 'repeated'
                                when n % 1000 < {1000 * (REPEATED + LABELLED) / 1000 / share} then 'labelled'
                                else 'contradicted'
                            end as kind
                        from range({int(rows * share)}) as numbers(n)
                    )
                )
                select
                    '{first_day}-' || lpad(i::varchar, 9, '0') as event_id,
                    'u' || (i // {ROWS_A_USER}) as user_id,
                    timestamptz '{first_day} 00:00:00+00'
                        + to_microseconds({drawn.format("at", int(days * 86400e6))})
                        - case when kind = 'contradicted' and i % 2 = 0
                            then interval 1 day else interval 0 day end as occurred_at,
                    timestamptz '2026-04-01 00:00:00+00' as received_at,
                    ['editor', 'shell', 'browser', 'mail', 'sheet', 'ci'][1 + {drawn.format("tool", 6)}]
                        || case when kind = 'contradicted' then '2' else '' end as tool,
                    ['add', 'modify', 'delete', 'rename', 'open'][1 + {drawn.format("do", 5)}] as operation,
                    'dir' || {drawn.format("dir", 12)} || '/sub' || {drawn.format("sub", 6)} || '/file_'
                        || {drawn.format("file", 200)} || '.py' as object_path,
                    's' || (i // 16) as session_id,
                    'a' || (i // 2) as change_set_id,
                    case when i % 4 <> 0 or kind = 'labelled'
                        then 'c' || {drawn.format("label", 7)} end as workflow_category,
                    60::smallint as utc_offset_minutes
                from arriving order by place
            ) to '{path}' (format parquet, row_group_size 122880)
            """
        )


def read_alone(folder: Path) -> dict[str, Any]:
    """The source read to its end, and its rows forgotten."""
    return measured(
        lambda: {
            "read": sum(len(rows) for _, rows in EventFile(folder / "events.parquet").batches())
        }
    )


def ingested(folder: Path, file: str = "events.parquet") -> dict[str, Any]:
    """The source read into the lake of ``folder``; then what the asset asks of the lake after it."""
    from ml_platform.adapters.expectations import SAMPLE_ROWS
    from ml_platform.adapters.lake import ParquetLake
    from ml_platform.events.ingest import ingest

    lake = ParquetLake(folder / "lake", folder / "quarantine")

    def read() -> dict[str, Any]:
        report = ingest(EventFile(folder / file), lake, now=AS_OF, progress=lambda line: None)
        events = report.tables[0]
        return {
            "read": events.read,
            "new": events.added,
            "completed": events.updated,
            "repeated": events.duplicates,
            "conflicts": events.conflicts,
        }

    def asked() -> dict[str, Any]:
        return {"rows": lake.counts()["events"], "fingerprint": lake.fingerprint("events", AS_OF)}

    result = measured(read) | {"after": measured(asked)}
    result["survey"] = measured(lambda: {"rows": lake.survey("events", AS_OF, SAMPLE_ROWS).rows})
    return result


def day_more(folder: Path) -> dict[str, Any]:
    """One more day of 100,000 events into the lake that is there."""
    write_events(folder / "day.parquet", 100_000, "2026-03-31", 1)
    return ingested(folder, "day.parquet")


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Processor seconds of all threads, the peak of this process so far in megabytes, and what the work says."""
    wall, began = time.monotonic(), time.process_time()
    figures = work()
    seconds = {"processor_s": time.process_time() - began, "wall_s": time.monotonic() - wall}
    return (
        figures
        | {name: round(value, 2) for name, value in seconds.items()}
        | {"peak_mb": peak_mb()}
    )


def peak_mb() -> int:
    """Peak of this process alone; `ru_maxrss` would begin at the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def in_a_process(work: Callable[[Path], dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What ``work`` measures in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(work, (folder,))


def size(rows: int, stored: bool) -> dict[str, Any]:
    """All figures of one size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_events(folder / "events.parquet", rows)
        alone = in_a_process(read_alone, folder)
        figures = {"rows": rows, "source": alone, "ingested": in_a_process(ingested, folder)}
        if stored:
            figures["again"] = in_a_process(ingested, folder)
            figures["day_more"] = in_a_process(day_more, folder)
        beyond = figures["ingested"]["processor_s"] - alone["processor_s"]
        figures["processor_s_a_million"] = round(beyond / rows * 1e6, 2)
    return figures


def main() -> int:
    """Print the figures of every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for rows in options.rows:
        figures = size(rows, options.stored)
        if options.json:
            print(json.dumps(figures), flush=True)
            continue
        done = figures["ingested"]
        print(
            f"SIMULATED, {rows:,} events: {done['processor_s'] - figures['source']['processor_s']:.1f} processor "
            f"seconds beyond the source's {figures['source']['processor_s']:.1f} "
            f"({figures['processor_s_a_million']:.2f} a million), peak {done['peak_mb']:,} MB"
        )
        for name in ("ingested", "again", "day_more"):
            if name in figures:
                print(f"  {name}: {json.dumps(figures[name])}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
