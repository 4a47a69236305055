"""Rolling counts over 1 hour, 24 hours and 7 days, ours against pandas and polars; then all features.

    python benchmarks/features.py --rows 1000000 [--repeats 3] [--json]
    python benchmarks/features.py --rows 1000000 --day 100000 [--json]

With --day, one more day of events instead: the processor seconds of a build that stands on the published parts, and
of one from scratch, whose bytes must be the same.

The three sides take turns, each in a process of its own (its peak memory is its own), on the same
SIMULATED events; medians and ratios are printed. All families are built once from the lake by dbt, and the SQL of
each of its models is then run once more for its own processor seconds.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROWS_A_USER = 1_280
HOURS = (1, 24, 168)
AS_OF = datetime(2027, 1, 1, tzinfo=UTC)
NEXT_DAY = datetime(2026, 4, 1, tzinfo=UTC)


def make_lake(lake: Path, rows: int) -> None:
    """``rows`` events of 90 days by one user in 1,280, some at the same microsecond."""
    import duckdb
    import pyarrow.parquet as pq

    from ml_platform.events.schema import TABLES

    for name, schema in TABLES.items():
        (lake / name).mkdir(parents=True)
        pq.write_table(schema.empty_table(), lake / name / "empty.parquet")
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'; select setseed(0.5)")
        connection.execute("set enable_progress_bar = false")
        connection.execute(
            f"""
            copy (
                select *, occurred_at::date as day
                from (select
                    'e' || lpad(i::varchar, 9, '0') as event_id,
                    'u' || (random() * {max(20, rows // ROWS_A_USER)})::int as user_id,
                    timestamptz '2026-01-01 00:00:00+00'
                        + to_microseconds((random() * 90 * 86400e6)::bigint) as occurred_at,
                    timestamptz '2026-06-01 00:00:00+00' as received_at,
                    'simulated' as source,
                    ['editor', 'shell', 'browser', 'mail', 'sheet', 'ci'][1 + (random() * 5)::int] as tool,
                    ['add', 'modify', 'delete', 'rename', 'open'][1 + (random() * 4)::int] as operation,
                    'dir' || (random() * 12)::int || '/sub' || (random() * 6)::int || '/file_'
                        || (random() * 200)::int || '.'
                        || ['py', 'md', 'json', 'ts', 'yml'][1 + (random() * 4)::int] as object_path,
                    null::varchar as object_extension,
                    null::varchar as session_id,
                    'a' || i as change_set_id,
                    'c' || (random() * 7)::int as workflow_category,
                    false as is_bot,
                    60::smallint as utc_offset_minutes,
                    null::varchar as attributes
                from range({rows}) as numbers(i))
            ) to '{lake}/events' (format parquet, partition_by (day), overwrite_or_ignore)
            """
        )


def one_file(folder: Path) -> str:
    """The users and times of all events in one Parquet file."""
    import duckdb

    file = str(folder / "users_and_times.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select user_id, occurred_at from read_parquet("
            f"'{folder}/lake/events/**/*.parquet', hive_partitioning = false)) to '{file}'"
        )
    return file


def ours(file: str) -> int:
    """The windows of ``int_user_counts``, by the macro `count_before`."""
    import duckdb

    frames = ", ".join(
        f"count(*) over (by_user range between {hours * 3_600_000_000} preceding and current row)"
        f" - count(*) over (by_user range between current row and current row) as n{hours}"
        for hours in HOURS
    )
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set memory_limit = '1200MB'")
        connection.execute(
            f"""
            create temp table users as
                select user_id, row_number() over (order by user_id)::integer as user_key
                from (select distinct user_id from '{file}');
            create temp table counts as
                select user_key, t, {frames}
                from (
                    select user_key, epoch_us(occurred_at) as t from '{file}' inner join users using (user_id)
                )
                window by_user as (partition by user_key order by t)
            """
        )
        totals = connection.execute("select sum(n1) + sum(n24) + sum(n168) from counts").fetchall()
    return int(totals[0][0])


def with_polars(file: str) -> int:
    """Polars' rolling sums with the right end open, by user; counts are cast before they are added."""
    import polars as pl

    frame = pl.scan_parquet(file).select("user_id", "occurred_at").collect()
    frame = frame.sort("user_id", "occurred_at").with_columns(one=pl.lit(1, dtype=pl.Int64))
    counts = frame.with_columns(
        pl.col("one")
        .rolling_sum_by("occurred_at", window_size=f"{hours}h", closed="left", min_samples=0)
        .over("user_id")
        .alias(f"n{hours}")
        for hours in HOURS
    )
    return int(sum(counts[f"n{hours}"].cast(pl.Int64).sum() for hours in HOURS))


def with_pandas(file: str) -> int:
    """The grouped rolling counts of pandas with the right end open."""
    import pandas as pd

    frame = pd.read_parquet(file, columns=["user_id", "occurred_at"])
    frame = frame.sort_values(["user_id", "occurred_at"]).assign(one=1.0)
    grouped = frame.set_index("occurred_at").groupby("user_id", sort=False)["one"]
    return int(
        sum(grouped.rolling(f"{hours}h", closed="left").sum().fillna(0).sum() for hours in HOURS)
    )


SIDES: dict[str, Callable[[str], int]] = {
    "ours": ours,
    "polars": with_polars,
    "pandas": with_pandas,
}


def measured(side: str, file: str) -> dict[str, float]:
    """Seconds, peak megabytes and the checksum of one side, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(side, file, sender))
    process.start()
    sender.close()
    result: dict[str, float] = receiver.recv()
    process.join()
    return result


def _measure(side: str, file: str, sender: "multiprocessing.connection.Connection") -> None:
    __import__("pyarrow.parquet" if side == "ours" else side)
    started = time.perf_counter()
    checksum = SIDES[side](file)
    seconds = time.perf_counter() - started
    sender.send({"seconds": seconds, "peak_mb": _peak_mb(), "checksum": checksum})


def _peak_mb() -> float:
    """Peak of this process alone; `ru_maxrss` would begin at the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def add_day(lake: Path, rows: int) -> None:
    """One more day: ``rows`` events like those of the lake, on `NEXT_DAY`."""
    import duckdb

    day = lake / "events" / f"day={NEXT_DAY:%Y-%m-%d}"
    day.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'")
        connection.execute(
            f"""
            copy (
                select * replace (
                    'n' || event_id as event_id,
                    timestamptz '{NEXT_DAY}'
                        + to_microseconds((hash(event_id) % 86400000000)::bigint) as occurred_at
                )
                from read_parquet('{lake}/events/**/*.parquet', hive_partitioning = false)
                limit {rows}
            ) to '{day}/rows.parquet' (format parquet)
            """
        )


def build(folder: Path, name: str, as_of: datetime, *, stands: bool) -> dict[str, str]:
    """Build and publish in ``folder / name``, on the parts that stand before `NEXT_DAY` or whole; the versions."""
    from ml_platform.adapters.warehouse import build_features

    output = folder / name / "features"
    asked = asked_of_next_day(folder / "lake", output, as_of) if stands else {}
    warehouse = folder / name / "w" / "w.duckdb"
    built = build_features(folder / "lake", output, warehouse, as_of, _silent, asked_from=asked)
    return built.versions()


def asked_of_next_day(lake: Path, output: Path, as_of: datetime) -> dict[str, datetime]:
    """What `asked_features` says of a home that has published `output`, to which `NEXT_DAY` came."""
    from ml_platform.adapters.feature_parts import kept_parts
    from ml_platform.adapters.published_moments import published_moments
    from ml_platform.application.asked_features import STEP_REACH
    from ml_platform.application.asked_sessions import EVENTS, asked_sessions, read_from

    asked = {
        table: kept_parts(output / table, NEXT_DAY - ahead)[-1].end
        for table, ahead in (("pattern_features", timedelta(0)), ("step_features", STEP_REACH))
    }
    with published_moments(output, lake, NEXT_DAY, as_of) as published:
        sessions = asked_sessions(output, published, NEXT_DAY)
        if sessions is None:
            return asked
        first_row = min(sessions.first_begin, *asked.values())
        return {**asked, **sessions.moments, EVENTS: read_from(published, first_row)}


def _silent(_: str) -> None:
    pass


def one_more_day(folder: Path, rows: int) -> dict[str, dict[str, float]]:
    """Processor seconds and peak of the build of one more day, and of a build from scratch with that day."""
    figures, versions = {}, {}
    build(folder, "day by day", NEXT_DAY, stands=False)
    add_day(folder / "lake", rows)
    after = NEXT_DAY + timedelta(days=1)
    for name, stands in (("day by day", True), ("from scratch", False)):
        before, started = _processor_seconds(), time.perf_counter()
        versions[name] = build(folder, name, after, stands=stands)
        figures[name] = {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": _processor_seconds() - before,
        }
    if versions["day by day"] != versions["from scratch"]:
        raise SystemExit(f"the published bytes differ: {versions}")
    return figures


def _processor_seconds() -> float:
    """What this process has taken, and those that it has waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def all_features(folder: Path) -> dict[str, float]:
    """One build of every family by dbt, tests and Parquet file included; peak of the dbt process."""
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC; "
        "from ml_platform.adapters.warehouse import build_features; f = Path(sys.argv[1]); "
        "build_features(f / 'lake', f / 'out', f / 'w.duckdb', datetime(2027, 1, 1, tzinfo=UTC), "
        "lambda line: print(line, file=sys.stderr))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": after.ru_maxrss / 1024}


def model_seconds(folder: Path) -> dict[str, float]:
    """Processor seconds of each dbt model built in ``folder``: its compiled SQL once more, in one process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run_models, (folder,))


def _run_models(folder: Path) -> dict[str, float]:
    import duckdb

    from ml_platform.adapters.compiled_features import compiled_features
    from ml_platform.adapters.dbt_run import MEMORY_LIMIT
    from ml_platform.features.tables import TABLES

    compiled = [compiled_features(folder / "w.duckdb", folder / "lake", name) for name in TABLES]
    models = {model.relation: model for table in compiled for model in table.models}
    settings = {"threads": 2, "memory_limit": MEMORY_LIMIT, "temp_directory": str(folder / "spill")}
    seconds: dict[str, float] = {}
    with duckdb.connect(config=settings) as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        database = compiled[0].database
        connection.execute(f"attach '{folder / 'again.duckdb'}' as {database}; use {database}")
        for model in models.values():
            connection.execute(f'create schema if not exists "{model.schema}"')
            started = time.process_time()
            connection.execute(f"create table {model.relation} as ({model.sql}\n)")
            seconds[model.relation.split('"')[-2]] = time.process_time() - started
    return seconds


def rolling_counts(file: str, repeats: int) -> dict[str, dict[str, float]]:
    """Medians of each side over ``repeats`` turns; the sides must agree on every count's total."""
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side in SIDES:
            runs[side].append(measured(side, file))
    checksums = {run["checksum"] for side in runs.values() for run in side}
    if len(checksums) != 1:
        raise SystemExit(f"the sides disagree: {runs}")
    return {
        side: {
            "seconds": statistics.median(run["seconds"] for run in turns),
            "peak_mb": max(run["peak_mb"] for run in turns),
        }
        for side, turns in runs.items()
    }


def tell_day(arguments: argparse.Namespace, figures: dict[str, dict[str, float]]) -> None:
    """Print what one more day costs."""
    if arguments.json:
        print(json.dumps({"rows": arguments.rows, "day": arguments.day, **figures}))
        return
    print(f"{arguments.day:,} SIMULATED events more on {arguments.rows:,}; the bytes are the same")
    for name, figure in figures.items():
        print(f"  {name:14}{figure['cpu_seconds']:8.1f} CPU s{figure['seconds']:8.1f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--day", type=int, help="measure one more day of so many events")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_lake(folder / "lake", arguments.rows)
        if arguments.day:
            tell_day(arguments, one_more_day(folder, arguments.day))
            return
        file = one_file(folder)
        everything = all_features(folder)
        models = model_seconds(folder)
        sides = rolling_counts(file, arguments.repeats)
    mine = sides["ours"]["seconds"]
    ratios = {side: sides[side]["seconds"] / mine for side in ("polars", "pandas")}
    report = {
        "rows": arguments.rows,
        "rolling_counts": sides,
        "ratios": ratios,
        "all": everything,
        "models": models,
    }
    if arguments.json:
        print(json.dumps(report))
        return
    print(
        f"{arguments.rows:,} SIMULATED events; rolling counts 1 h, 24 h, 7 d, strictly before the row"
    )
    for side, figures in sides.items():
        ratio = figures["seconds"] / mine
        print(
            f"  {side:8}{figures['seconds']:8.2f} s{figures['peak_mb']:8.0f} MB{ratio:8.2f} x ours"
        )
    print(
        f"all families, dbt build with tests and file: {everything['seconds']:.1f} s, "
        f"{everything['cpu_seconds']:.1f} CPU s, {everything['peak_mb']:.0f} MB"
    )
    for name, seconds in sorted(models.items(), key=lambda item: -item[1]):
        print(f"  {name:28}{seconds:8.2f} CPU s")


if __name__ == "__main__":
    main()
