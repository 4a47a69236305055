"""Flipped bits in a lake, seen or not before the rows are used; and what hashing costs an ingestion.

`python -m benchmarks.stored_bytes [FLIPS]` simulates 30 days of 300 users into a lake, flips one random bit of one
random file at a time (seeded), reads, and counts: how many the manifest names, and, beside it, how many Parquet
itself reports and how many read back other rows or the same ones without a word. Needs no server.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.manifest import Manifest
from ml_platform.errors import IntegrityError
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.simulate import SimulateSource

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)
SEED = 20260501


def main(flips: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        lake = ParquetLake(Path(folder) / "lake", Path(folder) / "quarantine")
        began = time.process_time()
        ingest(
            SimulateSource(days=30, users=300, seed=0, as_of=AS_OF, parameters="default"),
            lake,
            now=AS_OF,
            progress=lambda line: None,
        )
        ingested = time.process_time() - began
        days = sorted(lake.root.rglob("rows.parquet"))
        size = sum(day.stat().st_size for day in days)
        print(
            f"SIMULATED: {lake.counts()['events']:,} events, {len(days)} files, {size / 1e6:.1f} MB"
        )
        print_cost(lake, ingested)
        print_flips(lake, days, flips)


def print_cost(lake: ParquetLake, ingested: float) -> None:
    """What one comparison of the whole lake with its manifest costs."""
    began = time.process_time()
    for _ in range(10):
        lake.require_unchanged()
    once = (time.process_time() - began) / 10
    print(f"ingestion {ingested:.1f} processor seconds; all files hashed and compared {once:.3f}")


def print_flips(lake: ParquetLake, days: list[Path], flips: int) -> None:
    """One bit at a time: what the lake says, and what Parquet alone says."""
    draw, outcomes = random.Random(SEED), Counter[str]()
    for _ in range(flips):
        day = draw.choice(days)
        content = day.read_bytes()
        before = pq.read_table(day, partitioning=None)
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        day.write_bytes(bytes(flipped))
        table = day.relative_to(lake.root).parts[0]
        outcomes[named(lake, table, day)] += 1
        outcomes[parquet_alone(day, before)] += 1
        day.write_bytes(content)
    assert Manifest(lake.root.parent).faults(lake.root) == ()
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:>5} of {flips}  {outcome}")


def named(lake: ParquetLake, table: str, day: Path) -> str:
    """Whether the lake refuses to read, by the file's name."""
    try:
        lake.rows(table)
    except IntegrityError as error:
        return (
            "the lake: named before it is read" if str(day) in str(error) else "the lake: not named"
        )
    return "the lake: read without a word"


def parquet_alone(day: Path, before: pa.Table) -> str:
    """What DuckDB makes of the same file without the manifest."""
    try:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            relation = f"read_parquet('{day}', hive_partitioning = false)"
            after = connection.sql(f"SELECT * FROM {relation}").to_arrow_table()
        same = after.cast(before.schema).equals(before)
    except Exception:  # whatever the reader raises counts as a report
        return "Parquet alone: an error"
    return "Parquet alone: the same rows" if same else "Parquet alone: other rows, without a word"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
