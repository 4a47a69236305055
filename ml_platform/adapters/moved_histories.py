"""Sampled rows of a feature table with the histories of their users, moved in time to one common moment.

Honest features are honest on any lake. So each sampled row's history becomes that of a user of its own, shifted so
that the row lies at the common moment, and two lakes are written from the same histories: one cut at that
moment, and one with another future, in which whatever a window could wrongly reach has happened. A feature
of a row at that moment may not differ between the two. One pair of builds so asks every sampled row at its own
moment, to the microsecond.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_platform.adapters.cut_lakes import (
    cell_is_known,
    lake_table,
    row_is_known,
    timestamp,
    write_empty_lake,
    write_lake_table,
)
from ml_platform.events.known_later import LOCAL_TIME, ROW_DELAYS
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES, TIME

if TYPE_CHECKING:
    import duckdb

PAST_ROWS, FUTURE_ROWS = 80, 30
"""Rows of each lake table that a history keeps before and after its moment."""
FUTURE = timedelta(days=30)
"""How far a history goes on; the clock of the features stands later still, so that every label is closed."""
AT_ONCE = 20
"""Rows of one user and moment that a history keeps: one commit of a thousand files must not fill it."""
ECHOES = 12
"""The newest rows of a history that happen once more, right after its moment."""
MOSTLY = 0.5
"""Share of the past that may have come in after the moment, if the lake is to tell when its rows came in."""
_ECHO_STEP = 70_000
"""Microseconds between echoes: all of them lie within a second, each settled before the next."""
HISTORIES = frozenset(
    name for name, moment in EVENT_TIME.items() if moment and "user_id" in TABLES[name].names
)
"""Tables whose rows belong to a user and a time."""
_NAMES = {
    "user_id",
    "change_set_id",
    "session_id",
    *(key for name in HISTORIES for key in IDENTITY[name]),
}

_LEARNED = {
    "events": {"workflow_category": "coalesce(workflow_category, tool)"},
    "workflow_executions": {
        "finished_at": "greatest(started_at, {soon})",
        "status": "case when status = 'running' then 'success' else status end",
    },
    "suggestions": {"outcome": "coalesce(outcome, 'accepted')", "outcome_at": "{soon}"},
    "users": {"tenure_days": "coalesce(tenure_days, 0) + 1"},
}
"""What the other future fills in, where it was not known at the moment: the outcomes, and at once."""
_ECHOED = {
    "events": {},
    "workflow_executions": {
        "finished_at": "{moment} + to_microseconds(35000)",
        "status": "case when status = 'success' then 'failure' else 'success' end",
    },
    "suggestions": {
        "outcome": "case when outcome = 'accepted' then 'ignored' else 'accepted' end",
        "outcome_at": "{moment} + to_microseconds(35000)",
    },
    "known_anomalies": {},
}
"""What differs in the repetition of a row."""


@dataclass(frozen=True)
class MovedHistories:
    """Histories in a connection (tables ``anchors`` and ``moved_<table>``), and the moment they share."""

    connection: "duckdb.DuckDBPyConnection"
    tables: frozenset[str]
    """The tables of the lake that were moved; others are left empty."""
    moment: datetime
    histories: int


def move_histories(
    connection: "duckdb.DuckDBPyConnection",
    lake: Path,
    tables: frozenset[str],
    published: str,
    as_of: datetime,
    rows: int,
    seed: int,
) -> MovedHistories:
    """Draw ``rows`` rows of the relation ``published`` and move the histories of their users to one moment.

    The moment is a Monday, 00:00 UTC, so that rows on a grid of weeks, days or hours stay on it; local time moves
    with the rest, so that local midnights stay midnights.
    """
    moment = _monday_before(as_of - FUTURE - timedelta(days=3))
    connection.execute(
        f"""create or replace table anchors as
        select *, 'c' || row_number() over (order by draw) || '~' as clone,
            {_us(moment)} - epoch_us("at") as shift,
            (({_us(moment)} - epoch_us("at")) // 60000000) % 1440 as turn
        from (
            select row_id, change_set_id, user_id, occurred_at as "at", md5('{seed}:' || row_id) as draw
            from {published} order by draw, row_id limit {rows}
        )"""
    )
    for table in tables:
        if table in HISTORIES:
            _choose(connection, lake, table)
            _move(connection, table)
        else:
            key = "user_id" if table == "users" else "row_id"
            connection.execute(
                f"create or replace table moved_{table} as select {', '.join(_moved(table))} "
                f"from {lake_table(lake, table)} as lake inner join anchors using ({key})"
            )
    counted = connection.execute("select count(*) from anchors").fetchall()
    return MovedHistories(connection, tables, moment, int(counted[0][0]))


def write_known(moved: MovedHistories, folder: Path) -> None:
    """Write the lake cut at the common moment; of records after it only the rows' own, without outcomes."""
    write_empty_lake(folder)
    for table in moved.tables:
        rows = f"select * from moved_{table} where {_known(table, moved.moment)}"
        write_lake_table(moved.connection, folder, table, rows, moved.moment)


def write_arrived(moved: MovedHistories, folder: Path) -> bool:
    """Write the cut lake without what came in after the moment, where the lake tells arrivals and some were late.

    It does not tell them where most of the past came in later than the moment: a history read in one go.
    """
    past = [
        f"select received_at > {timestamp(moved.moment)} as late from moved_{table} "
        f"where {EVENT_TIME[table]} < {timestamp(moved.moment)}"
        for table in moved.tables & HISTORIES
    ]
    if not past:
        return False
    share = moved.connection.execute(
        f"select coalesce(avg(late::double), 0) from ({' union all '.join(past)})"
    ).fetchall()[0][0]
    if not 0 < share <= MOSTLY:
        return False
    write_empty_lake(folder)
    for table in moved.tables:
        time = EVENT_TIME[table]
        own = f"or {time} = {timestamp(moved.moment)} or is_own" if table in HISTORIES else ""
        rows = (
            f"select * from moved_{table} where ({_known(table, moved.moment)}) "
            f"and (received_at <= {timestamp(moved.moment)} {own})"
        )
        write_lake_table(moved.connection, folder, table, rows, moved.moment)
    return True


def write_another_future(moved: MovedHistories, folder: Path, pause: timedelta) -> None:
    """Write the same histories with everything after the moment, and more: their newest rows happen again.

    ``pause`` is how long after the moment the repetition begins; outcomes that were open are known by then.
    """
    start = moved.moment + pause + timedelta(microseconds=1)
    write_empty_lake(folder)
    for table in moved.tables:
        rows = f"select {', '.join(_learned(table, moved.moment))} from moved_{table}"
        if table in HISTORIES:
            rows += (
                f" union all by name select {', '.join(_echo(table, start))} from moved_{table} "
                f"where is_past and recency <= {ECHOES}"
            )
        if table == "known_anomalies":
            rows += f" union all by name {_reported(moved.moment)}"
        write_lake_table(moved.connection, folder, table, rows)


def _known(table: str, moment: datetime) -> str:
    """The condition that a moved row was known at the moment, or is the record of a sampled row itself."""
    known = row_is_known(table, moment)
    return f"{known} or is_own" if table in HISTORIES and table not in ROW_DELAYS else known


def _choose(connection: "duckdb.DuckDBPyConnection", lake: Path, table: str) -> None:
    """The rows around each anchor's moment, as ``chosen``: the last ones before it, the next ones, and its own."""
    (key,), moment = IDENTITY[table], EVENT_TIME[table]
    connection.execute(
        f"""create or replace table ranked as
        select *, row_number() over (partition by user_id order by moment, id) as place from (
            select user_id, "{moment}" as moment, "{key}" as id
            from {lake_table(lake, table)} semi join anchors using (user_id)
            qualify row_number() over (partition by user_id, moment order by md5(id)) <= {AT_ONCE}
        )"""
    )
    connection.execute(
        f"""create or replace table chosen as
        with places as (select user_id, moment, max(place) as place from ranked group by user_id, moment),
        around as (
            select a.clone, a.user_id, a."at", a.row_id, a.change_set_id,
                coalesce(p.place, 0) + unnest(range(1 - {PAST_ROWS}, 1 + {FUTURE_ROWS})) as place
            from anchors as a asof left join places as p on a.user_id = p.user_id and a."at" >= p.moment
        ),
        near as (
            select around.clone, ranked.id from around inner join ranked using (user_id, place)
            where ranked.moment <= around."at" + to_microseconds({FUTURE // timedelta(microseconds=1)})
        ),
        own as (
            select a.clone, "{key}" as id from {lake_table(lake, table)} as rows
            inner join anchors as a on rows.user_id = a.user_id and rows."{key}" in (a.row_id, a.change_set_id)
        )
        select clone, lake.*, own.id is not null as is_own
        from (select * from near union select * from own) as every
        left join own using (clone, id)
        inner join {lake_table(lake, table)} as lake on every.id = lake."{key}" """
    )


def _move(connection: "duckdb.DuckDBPyConnection", table: str) -> None:
    """The chosen rows, moved, as ``moved_<table>``: whether they are past, and their place from the newest."""
    time, (key,) = EVENT_TIME[table], IDENTITY[table]
    connection.execute(
        f"""create or replace table moved_{table} as
        select *, row_number() over (partition by clone, is_past order by "{time}" desc, "{key}") as recency
        from (
            select lake.clone, lake.is_own, lake."{time}" <= anchors."at" as is_past, {", ".join(_moved(table))}
            from chosen as lake inner join anchors using (clone)
        )"""
    )


def _moved(table: str) -> list[str]:
    """The columns of a table, shifted in time, under the names of the clone."""
    return [_moved_column(table, field) for field in TABLES[table]]


def _moved_column(table: str, field: pa.Field) -> str:
    column = f'lake."{field.name}"'
    zone, _, key = LOCAL_TIME.get(table, "").partition(".")
    if field.name in _NAMES or (table == "ceilings" and field.name == "row_id"):
        column = f"clone || {column}"
    elif field.type == TIME:
        column = f"{column} + to_microseconds(shift)"
    elif field.name == zone and not key:
        column = f"({column} - turn)::smallint"
    elif field.name == zone:
        pattern = f'("{key}": *)(-?[0-9]+)'
        turned = f"(try_cast(regexp_extract({column}, '{pattern}', 2) as integer) - turn)"
        column = f"regexp_replace({column}, '{pattern}', '\\1' || coalesce({turned}, 0))"
    return f'{column} as "{field.name}"'


def _learned(table: str, moment: datetime) -> list[str]:
    """The columns of a table once what was open at the moment has been learned, within a second."""
    soon = f"({timestamp(moment)} + to_microseconds(400000))"
    values = _LEARNED.get(table, {})
    columns = []
    for name in TABLES[table].names:
        column = f'"{name}"'
        if name in values:
            learned = values[name].format(soon=soon)
            column = f"case when {cell_is_known(table, moment)} then {column} else {learned} end as {column}"
        columns.append(column)
    return columns


def _echo(table: str, start: datetime) -> list[str]:
    """The columns of a row's repetition after ``start``."""
    moment = f"({timestamp(start)} + to_microseconds((recency - 1) * {_ECHO_STEP}))"
    columns = []
    for name in TABLES[table].names:
        column = f'"{name}"'
        if name == EVENT_TIME[table]:
            value = moment
        elif name in _ECHOED[table]:
            value = _ECHOED[table][name].format(moment=moment)
        elif name in _NAMES and name != "user_id":
            value = f"'echo~' || {column}"
        else:
            value = column
        columns.append(f"{value} as {column}")
    return columns


def _reported(moment: datetime) -> str:
    """A report of every sampled row, as if it were a session that people found anomalous."""
    return (
        f"select clone || 'report' as anomaly_id, clone || row_id as session_id, clone || user_id as user_id, "
        f"{timestamp(moment)} as occurred_at, {timestamp(moment)} as received_at, '' as source, null as kind "
        "from anchors"
    )


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)) // timedelta(microseconds=1)


def _monday_before(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())
