"""What the published moments say of sessions: where they began and ended, and which of them later rows reach.

Moments before a change of the lake are right as they were published; what the lake has from the change on is read
from there. Times are microseconds since 1970.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.feature_parts import MOMENTS, parquet_files
from ml_platform.adapters.lake_queries import querying, quoted

if TYPE_CHECKING:
    import duckdb

_SESSIONS = "session_features"
_VIEWS = """
create temp view moments as
select
    user_id, source, epoch_us(occurred_at) as t, began, stretch_began,
    coalesce(session_id, 'stretch:' || user_id || ':' || stretch_began) as name
from read_parquet({moments})
where occurred_at < timestamptz '{changed}';
create temp view sessions as
select
    user_id, source, epoch_us(occurred_at) as t, anomalous, row_id,
    case
        when ends_with(row_id, '@' || user_id || '@' || source)
            then left(row_id, length(row_id) - length('@' || user_id || '@' || source))
        else row_id
    end as short_id
from read_parquet({sessions});
create temp view events as
select session_id
from read_parquet('{lake}/events/**/*.parquet', hive_partitioning = false)
where occurred_at >= timestamptz '{changed}' and occurred_at < timestamptz '{as_of}';
create temp view reports as
select distinct source, user_id, session_id
from read_parquet('{lake}/known_anomalies/**/*.parquet', hive_partitioning = false)
where occurred_at < timestamptz '{as_of}';
"""
_LAST_OF_REACHED = """
with names as (
    select session_id as name from events where session_id is not null
    union
    select 'stretch:' || user_id || ':' || stretch_began
    from moments
    where t >= epoch_us(timestamptz '{changed}') - 1800000000
    union
    select unnest([row_id, short_id]) from sessions where t >= epoch_us(timestamptz '{changed}')
)
select min(last_t)
from (
    select max(t) as last_t
    from moments
    where name in (select name from names)
    group by name, user_id, source
)
"""
_RELABELLED = """
select min(t)
from (
    select
        t,
        anomalous,
        case
            when t >= epoch_us(timestamptz '{as_of}' - interval 1 day) or source not in (select source from reports)
                then null
            when exists (
                select 1 from reports as r
                where r.source = s.source and r.user_id = s.user_id and r.session_id in (s.row_id, s.short_id)
            ) then 'yes'
            else 'no'
        end as label
    from sessions as s
    where t < epoch_us(timestamptz '{changed}')
)
where anomalous is distinct from label
"""


class PublishedMoments:
    """The moments of a home before a change, its sessions, and what has come since."""

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", changed: datetime, as_of: datetime
    ) -> None:
        self._connection = connection
        self._times = {"changed": changed.isoformat(), "as_of": as_of.isoformat()}

    def last_of_reached(self) -> int | None:
        """The first end, before the change, of a session that has a moment after it, or the name of one that has.

        A session goes on under its name after any pause; without a name it is a stretch of work, which half an
        hour ends. One that has lost its rows after the change is known by the row that was published of it.
        """
        return self._number(_LAST_OF_REACHED.format(**self._times))

    def relabelled(self) -> int | None:
        """The first end, before the change, of a session whose label is otherwise now than was published.

        A day after its end a session has a label, if its source has reports at all.
        """
        return self._number(_RELABELLED.format(**self._times))

    def first_begin(self, since: int) -> int | None:
        """When the first session began that has a moment at or after ``since``."""
        return self._number("select min(began) from moments where t >= $since", since=since)

    def first_stretch(self, since: int) -> int | None:
        """The same, of sessions and of stretches of work."""
        return self._number(
            "select min(least(began, stretch_began)) from moments where t >= $since", since=since
        )

    def _number(self, query: str, **parameters: int) -> int | None:
        number: int | None = self._connection.execute(query, parameters).fetchall()[0][0]
        return number


@contextmanager
def published_moments(
    features: Path, lake: Path, changed: datetime, as_of: datetime
) -> Iterator[PublishedMoments]:
    """The moments that are published in ``features``, of a lake that has changed from ``changed`` on.

    Raises:
        IntegrityError: a stored file is broken.
    """
    files = {
        name: [quoted(path) for path in parquet_files(features / table)]
        for name, table in (("moments", MOMENTS), ("sessions", _SESSIONS))
    }
    with querying("features") as connection:
        views = _VIEWS.format(
            **files, lake=quoted(lake), changed=changed.isoformat(), as_of=as_of.isoformat()
        )
        connection.execute(views)
        yield PublishedMoments(connection, changed, as_of)
