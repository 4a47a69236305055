"""The source of a home is read into its lake, and the stored events are checked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.forgotten_people import forgotten_people
from ml_platform.application.records import read_record, record_path, write_record
from ml_platform.application.take_in import take_in
from ml_platform.clock import WINDOW, last_boundary, next_boundary
from ml_platform.events.coerce import Reason
from ml_platform.events.schema import TABLES
from ml_platform.home import HomeState, user_key, write_home

if TYPE_CHECKING:
    from ml_platform.adapters.expectations import ExpectationOutcome
    from ml_platform.events.ingest import TableCount


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake after an ingestion."""

    counts: "TableCount"
    """How many of the rows read were new, known, or refused."""
    rows: int
    """Rows that the lake holds of it now."""
    fingerprint: str
    """The fingerprint of its rows up to the home's clock."""


@dataclass(frozen=True)
class Ingestion:
    """One reading of the source of a home."""

    source: str
    simulated: bool
    until: str
    """The home's clock: rows from it on are kept and not used yet."""
    tables: tuple[LakeTable, ...]


@dataclass(frozen=True)
class LakeSummary:
    """The content of a home's lake."""

    source: str
    as_of: str
    rows: dict[str, int]
    """The number of rows of each table."""
    newest_event_at: str
    fingerprint: str
    """The fingerprint of the events up to the home's clock."""


@dataclass(frozen=True)
class SourceRead:
    """The source as it was when it was last read whole."""

    content: str
    """See `WithContent.content`; empty where reading it again may give other rows all the same."""
    until: str
    """The home's clock after it was read."""
    left_waiting: int = 0
    """Rows of the inbox that waited on: values whose row has not come."""
    newest_waiting: int = 0
    """The last of them."""


_SOURCE_READ = ("lake", "source")


def source_is_unchanged(platform: Connections) -> bool:
    """Whether reading the source again could bring nothing: it is what it was, so is the clock, and no row waits.

    Raises:
        SourceError: the source cannot be read any more.
    """
    from ml_platform.adapters.sources.dispatch import open_source
    from ml_platform.events.sources.base import WithContent

    state = platform.home
    if state.advances or not record_path(platform.settings, _SOURCE_READ).exists():
        return False
    source = open_source(state.source, state.as_of, user_key(platform.settings))
    last = read_record(platform.settings, _SOURCE_READ, SourceRead)
    return (
        isinstance(source, WithContent)
        and bool(last.content)
        and last == _source_read(platform, source.content(), state.as_of)
    )


def lake_versions(platform: Connections) -> dict[str, str]:
    """The version of each table of the lake: its fingerprint up to the home's clock, and the clock.

    Raises:
        IntegrityError: a file of the lake is not what was stored.
    """
    as_of = platform.home.as_of
    return {
        table: lake_version(platform.lake.fingerprint(table, as_of), _clock_text(as_of))
        for table in TABLES
    }


def lake_version(fingerprint: str, until: str) -> str:
    """The version of a table of the lake, as Dagster shows it."""
    return f"{fingerprint} until {until}"


def ingest_source(platform: Connections, progress: Callable[[str], None]) -> Ingestion:
    """Read the source into the lake: new rows by their id, refused rows into quarantine with the reason.

    What came by HTTP and waits in the inbox follows, by the same rules (`take_in.take_in`).
    The clock of a home whose source keeps growing moves on first; that of an archive is set to the
    six-hour boundary after its newest event when that is known for the first time.

    Raises:
        SourceError: the source cannot be read, or none of its events could be used.
    """
    from ml_platform.adapters.expectations import begin_importing
    from ml_platform.adapters.sources.dispatch import open_source
    from ml_platform.events.ingest import ingest
    from ml_platform.events.sources.base import WithContent

    begin_importing()  # what checks the events afterwards
    state = _with_present_clock(platform)
    source = open_source(state.source, state.as_of, user_key(platform.settings))
    content = source.content() if isinstance(source, WithContent) else ""
    now = max(datetime.now(UTC), state.as_of)
    forgotten = forgotten_people(platform)
    report = ingest(source, platform.lake, now=now, progress=progress, forgotten=forgotten)
    for note in report.notes:
        progress(note)
    newest = report.newest_event_at
    if not state.settled and not source.live and newest is not None:
        write_home(platform.settings, _settled(state, newest))
    posted = take_in(platform, forgotten, now, progress)
    as_of, newest = platform.home.as_of, platform.lake.newest("events")
    if newest is not None and newest >= as_of:
        progress(f"events from {as_of:%Y-%m-%dT%H:%MZ} on are kept but not used yet: --as-of now")
    if report.notes or any(Reason.FUTURE_TIME in counts.refused for counts in report.tables):
        content = ""  # what was noted may have been mended, and times ahead pass
    write_record(platform.settings, _SOURCE_READ, _source_read(platform, content, as_of))
    rows = platform.lake.counts()
    return Ingestion(
        source=report.source,
        simulated=report.simulated,
        until=_clock_text(as_of),
        tables=tuple(
            LakeTable(
                sum((each for each in posted if each.table == counts.table), start=counts),
                rows[counts.table],
                platform.lake.fingerprint(counts.table, as_of),
            )
            for counts in report.tables
        ),
    )


def check_events(platform: Connections) -> "tuple[ExpectationOutcome, ...]":
    """Row count and freshness first, then columns, missing values and ranges of the stored events."""
    from ml_platform.adapters.expectations import SAMPLE_ROWS, validate_events

    state = platform.home
    survey = platform.lake.survey("events", state.as_of, SAMPLE_ROWS)
    return tuple(validate_events(survey, as_of=state.as_of, live=state.source.live))


def summarise_lake(platform: Connections) -> LakeSummary:
    """Summarise what the lake holds now."""
    home = platform.home
    return LakeSummary(
        source=home.source.label,
        as_of=home.as_of.isoformat(),
        rows=platform.lake.counts(),
        newest_event_at=platform.newest_event_at.isoformat(),
        fingerprint=platform.lake.fingerprint("events", home.as_of),
    )


def _source_read(platform: Connections, content: str, as_of: datetime) -> SourceRead:
    waiting = platform.ledger.waiting()
    return SourceRead(content, _clock_text(as_of), waiting.rows, waiting.newest)


def _clock_text(as_of: datetime) -> str:
    return f"{as_of:%Y-%m-%dT%H:%MZ}"


def _with_present_clock(platform: Connections) -> HomeState:
    """The home's state; where new events keep coming its clock has moved to the last boundary."""
    state = platform.home
    if state.advances:
        state = replace(state, as_of=max(state.as_of, last_boundary(datetime.now(UTC))))
        write_home(platform.settings, state)
    return state


def _settled(state: HomeState, newest: datetime) -> HomeState:
    """The clock of an archive: the boundary after its newest event, where that is earlier."""
    as_of = min(state.as_of, next_boundary(newest))
    return replace(state, as_of=as_of, first_window=as_of - WINDOW, settled=True)
