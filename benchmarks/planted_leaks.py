"""Looks into the future planted in a copy of the dbt project, and which of them the search finds.

    python -m benchmarks.planted_leaks HOME [--tables pattern_features,...]

``HOME`` is any home with a lake (`ml-platform ingest`, or an earlier run); it is only read. In each of six tables
four columns look into the future (a mean over all time, an outcome of its own, a window that ends a second late,
a join on the latest profile), and 200 columns are wrong in 1 % of their rows, each in others. The features are
built once by dbt and searched as a run does. Printed: which columns were found, which honest ones were named
(none should be), the share of the columns of 1 % that the sampled rows alone have found, and processor seconds.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, DbtProject
from ml_platform.adapters.future_check import check_future
from ml_platform.adapters.warehouse import FeatureBuild, build_features
from ml_platform.features.dbt_schema import schema_file, schema_yaml
from ml_platform.features.define import NEVER_MISSING, number
from ml_platform.home import read_home
from ml_platform.settings import read_settings
from ml_platform.spec.feature import Family
from ml_platform.spec.feature_table import FeaturePart, FeatureTable

KINDS = ("mean over all time", "outcome of its own", "window a second late", "latest profile")
RARE = 200
"""Columns that are wrong in 1 % of their rows, in the table of sessions: there a history has one row."""
RARE_TABLE = "session_features"
_LATE = (
    "count(*) over (partition by user_id order by epoch_us(occurred_at) "
    "range between 604800000000 preceding and 1000000 following)"
)


@dataclass(frozen=True)
class Leak:
    """A column that looks into the future: its expression over the honest rows, and what it joins."""

    kind: str
    expression: str
    join: str = ""


def _profile(relation: str, value: str, moment: str) -> str:
    return (
        f"left join (select user_id as profile_user, length(max_by({value}, {moment})) as latest "
        f"from {{{{ ref('{relation}') }}}} group by all) on honest.user_id = profile_user"
    )


def _ahead(relation: str, moment: str) -> str:
    """Rows of the user in the week that ends a second after the row."""
    return (
        "left join (select h.row_id as late_row, count(*) as late from honest as h "
        f"inner join {{{{ ref('{relation}') }}}} as s on h.user_id = s.user_id "
        f"and s.{moment} >= h.occurred_at - interval 7 day "
        f"and s.{moment} <= h.occurred_at + interval 1 second group by all) on honest.row_id = late_row"
    )


_RUNS = "stg_workflow_executions"
LEAKS: dict[str, tuple[Leak, ...]] = {
    "pattern_features": (
        Leak(
            KINDS[0],
            "count(*) over (partition by user_id, tool) / count(*) over (partition by user_id)",
        ),
        Leak(KINDS[1], "length(honest.workflow_category)"),
        Leak(KINDS[2], _LATE),
        Leak(KINDS[3], "latest", _profile("stg_events", "object_path", "occurred_at")),
    ),
    "step_features": (
        Leak(KINDS[0], "avg(events_24h) over (partition by user_id)"),
        Leak(KINDS[1], "length(next_step)"),
        Leak(KINDS[2], _LATE),
        Leak(KINDS[3], "latest", _profile("stg_events", "tool || operation", "occurred_at")),
    ),
    "suggestion_features": (
        Leak(KINDS[0], "avg((adopted = 'yes')::double) over (partition by user_id)"),
        Leak(
            KINDS[1],
            "own_hours",
            "left join (select suggestion_id, epoch_us(outcome_at) - epoch_us(shown_at) as own_hours from "
            "{{ ref('stg_suggestions') }}) as own on honest.row_id = own.suggestion_id",
        ),
        Leak(KINDS[2], "late", _ahead(_RUNS, "started_at")),
        Leak(KINDS[3], "latest", _profile(_RUNS, "workflow_id", "started_at")),
    ),
    "start_time_features": (
        Leak(KINDS[0], "avg((outcome = 'yes')::double) over (partition by workflow)"),
        Leak(
            KINDS[1],
            "own_seconds",
            "left join (select execution_id, epoch_us(finished_at) - epoch_us(started_at) as own_seconds from "
            f"{{{{ ref('{_RUNS}') }}}}) as own on honest.change_set_id = own.execution_id",
        ),
        Leak(KINDS[2], "late", _ahead("stg_events", "occurred_at")),
        Leak(KINDS[3], "latest", _profile(_RUNS, "workflow_id || status", "started_at")),
    ),
    "session_features": (
        Leak(KINDS[0], "avg(session_events) over (partition by user_id)"),
        Leak(
            KINDS[1],
            "own_report",
            "left join (select distinct session_id, 1 as own_report from {{ ref('stg_known_anomalies') }}) as own "
            "on honest.row_id = own.session_id",
        ),
        Leak(KINDS[2], "late", _ahead("stg_events", "occurred_at")),
        Leak(KINDS[3], "latest", _profile("stg_events", "tool", "occurred_at")),
    ),
    "adoption_snapshots": (
        Leak(KINDS[0], "avg(runs_14d) over (partition by user_id)"),
        Leak(KINDS[1], "len(next_used)"),
        Leak(KINDS[2], "late", _ahead("stg_events", "occurred_at")),
        Leak(KINDS[3], "latest", _profile(_RUNS, "workflow_id", "started_at")),
    ),
}


def planted(folder: Path, tables: tuple[str, ...]) -> DbtProject:
    """A copy of the platform's dbt project with the leaks of ``tables`` in it."""
    ignored = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PLATFORM_PROJECT.folder, folder, ignore=ignored)
    changed = dict(PLATFORM_PROJECT.tables)
    for name in tables:
        columns, joins = {}, []
        for place, leak in enumerate(LEAKS[name]):
            columns[f"leak_{place}"] = leak.expression
            joins.append(leak.join)
        if name == RARE_TABLE:
            # Only the newest rows of the user move this count: a look into the future in 1 % of the rows.
            columns |= {
                f"rare_{place}": f"case when hash(honest.row_id || '{place}') % 100 = 0 "
                "then count(*) over (partition by user_id) else 0 end"
                for place in range(RARE)
            }
        model = folder / "models" / "features" / f"{name}.sql"
        added = ", ".join(f"({sql})::double as {column}" for column, sql in columns.items())
        model.write_text(
            f"with honest as (\n{model.read_text()}\n)\nselect honest.*, {added}\nfrom honest {' '.join(joins)}\n"
        )
        changed[name] = _declared(PLATFORM_PROJECT.tables[name], tuple(columns))
        (model.parent / schema_file(changed[name])).write_text(schema_yaml(changed[name]))
    return DbtProject(folder, changed)


def _declared(table: FeatureTable, columns: tuple[str, ...]) -> FeatureTable:
    specs = tuple(
        number(column, Family.RAW, (None, None), "a lie", NEVER_MISSING, "Planted.")
        for column in columns
    )
    return replace(table, parts=(*table.parts, FeaturePart(specs, ())))


@dataclass(frozen=True)
class Searched:
    """What the search said of one table."""

    table: str
    histories: int
    seconds: float
    found: dict[str, str]
    """By planted column: rows that differ of the sampled ones, and of the published ones."""
    false: tuple[str, ...]
    honest: int
    rare_sampled: int
    rare_published: int


def search(build: FeatureBuild, table: FeatureTable, home: Path, warehouse: Path) -> Searched:
    """Search one built table."""
    settings = read_settings({"ML_PLATFORM_HOME": str(home)})
    state = read_home(settings)
    assert state is not None
    started = time.process_time()
    check = check_future(
        table,
        warehouse=warehouse,
        lake=settings.lake,
        features=build.path(table.name),
        as_of=state.as_of,
    )
    seconds = time.process_time() - started
    dangerous = {f.subject for f in check.findings([each.name for each in table.features])}
    by_name = {of.column: of for of in check.columns}
    honest = {each.name for each in PLATFORM_PROJECT.tables[table.name].features}
    rare = [of for name, of in by_name.items() if name.startswith("rare_")]
    return Searched(
        table.name,
        check.histories,
        seconds,
        {
            name: f"{of.future.differ} of {of.future.rows}, {of.published.differ} of {of.published.rows}"
            for name, of in by_name.items()
            if name.startswith("leak_") and name in dangerous
        },
        tuple(sorted(dangerous & honest)),
        len(honest),
        sum(of.future.differ > 0 for of in rare),
        sum(of.published.differ > 0 for of in rare),
    )


def report(results: list[Searched]) -> None:
    """Print a row a planted column, then the totals."""
    print(
        "| table | planted | sampled rows that differ, published rows that differ | processor s |"
    )
    print("|---|---|---|---|")
    for result in results:
        for place, leak in enumerate(LEAKS[result.table]):
            seconds = f"{result.seconds:.1f}" if not place else ""
            finding = result.found.get(f"leak_{place}", "NOT FOUND")
            print(f"| {result.table} | {leak.kind} | {finding} | {seconds} |")
    planted_columns = sum(len(LEAKS[result.table]) for result in results)
    print(
        f"\nfound: {sum(len(result.found) for result in results)} of {planted_columns} planted columns"
    )
    false = [f"{result.table}.{name}" for result in results for name in result.false]
    honest = sum(result.honest for result in results)
    print(f"false findings: {len(false)} of {honest} honest features {' '.join(false)}")
    for result in results:
        if result.table == RARE_TABLE:
            print(
                f"wrong in 1 % of their rows: {result.rare_sampled} of {RARE} found by {result.histories} sampled "
                f"rows alone, {result.rare_published} by the published ones"
            )
    print(f"processor seconds: {sum(result.seconds for result in results):.1f}")


def main() -> None:
    """Plant, build, search, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--tables", default=",".join(LEAKS))
    arguments = parser.parse_args()
    tables = tuple(arguments.tables.split(","))
    settings = read_settings({"ML_PLATFORM_HOME": str(arguments.home)})
    state = read_home(settings)
    if state is None:
        parser.error(f"{arguments.home} has no lake; run `ml-platform ingest` first")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = planted(folder / "project", tables)
        warehouse = folder / "warehouse" / "warehouse.duckdb"
        build = build_features(
            settings.lake, folder / "features", warehouse, state.as_of, lambda _: None, project
        )
        report([search(build, project.tables[t], arguments.home, warehouse) for t in tables])


if __name__ == "__main__":
    main()
