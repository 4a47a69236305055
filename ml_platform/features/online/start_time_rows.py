"""``start_time_features`` as of now: what is known of the times at which a run could start, when one is chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.past_rows import PastRows
from ml_platform.features.online.row_program import Given, RowProgram, ctes_of
from ml_platform.features.online.streams import (
    EVENTS,
    EXECUTIONS,
    SOURCES,
    StreamWindows,
    short,
    window_names,
)
from ml_platform.features.online.windows import windows_of
from ml_platform.features.start_time_features import START_TIME_FEATURES

_MINUTE = 60_000_000
_RUNS = "int_runs"
_STREAMS = {
    **dict.fromkeys(("pair_starts", "user_starts"), "started"),
    **dict.fromkeys(("pair_ends", "user_ends", "workflow_ends", "part_ends"), "ended"),
    **dict.fromkeys(("user_events", "hour_events"), "done"),
}
"""What is counted, and the stream that it is counted in."""
Row = Mapping[str, Any]


class StartTimeRows:
    """Advanced by executions and events; answers what the features of candidate start times are.

    An execution comes once when it starts and again when its end is known. Where it does not say its offset from
    UTC, that of the user's last event before it counts; an event that comes late changes no offset.
    """

    def __init__(self, sql: DbtSql, *, slack: int = 0) -> None:
        """Compile the features, and begin without a past; ``slack`` is how long ago may be asked about."""
        self.newest = 0
        query = sql.query("start_time_features")
        ctes = ctes_of(query)
        self._run = RowProgram(
            sql.query(_RUNS), {EXECUTIONS: SOURCES[EXECUTIONS]}, ctes_of(sql.query(_RUNS))
        ).compile(["workflow_id", "user_id", "t", "settled_t", "outcome"], cte="runs")
        self._known: dict[str, StreamWindows] = {}
        given: dict[str, Given] = {}
        for name, stream in _STREAMS.items():
            select = ctes[name].args["from_"].this.this
            names = window_names(select)
            windows = windows_of(select, names)
            self._known[name] = StreamWindows(ctes[stream], ctes, windows, more=slack)
            given[name] = Given(name, frozenset(names))
        self._reading = {
            source: [w for w in self._known.values() if w.reads(source)] for source in SOURCES
        }
        candidate = Given(
            "candidate",
            frozenset({"user_id", "workflow_id", "trigger", "t", "c", "zone", "slot"}),
        )
        derived = ("local_c", "is_free", "part", "hour_before")
        self._tallies = RowProgram(query, {"int_candidate_start_times": candidate}).compile(
            derived, cte="asked"
        )
        given["asked"] = Given("asked", candidate.columns | set(derived))
        names = [spec.name for spec in START_TIME_FEATURES]
        self._row = RowProgram(query, given).compile(names)
        self._offsets: dict[str, PastRows] = {}

    def advance(self, source: str, name: str, row: Row) -> None:
        """Take a row of a ``source`` (`EXECUTIONS` or `EVENTS`), by its id there."""
        t = row["started_at"] if source == EXECUTIONS else row["occurred_at"]
        self.newest = max(self.newest, t)
        if source == EVENTS:
            self._remember_offset(row)
        known = source
        if source == EXECUTIONS:
            known, row = _RUNS, {**self._run(row), "zone": self.zone(row, t)}
        identity = short(name)
        for windows in self._reading[known]:
            windows.advance(known, identity, row, self.newest)

    def pack(self, packer: Packer) -> None:
        """Give everything that is known to a snapshot."""
        packer.number("start_times/newest", self.newest)
        packer.rows("start_times/offsets", self._offsets, ("minutes",))
        for name, windows in self._known.items():
            windows.pack(packer, f"start_times/{name}")

    def unpack(self, unpacker: Unpacker) -> None:
        """Go on with what a snapshot knows."""
        self.newest = unpacker.number("start_times/newest")
        self._offsets = unpacker.rows("start_times/offsets", ("minutes",))
        for name, windows in self._known.items():
            windows.unpack(unpacker, f"start_times/{name}")

    def zone(self, row: Row, t: int) -> int:
        """The offset from UTC of a user at ``t``, in microseconds: the row's own, else that of the last event."""
        minutes = row["utc_offset_minutes"]
        if minutes is None:
            offsets = self._offsets.get(row["user_id"])
            place = offsets.before(t) if offsets else 0
            minutes = offsets.columns["minutes"][place - 1] if offsets and place else 0
        return int(minutes) * _MINUTE

    def features(
        self, decision: Row, candidates: Sequence[tuple[int, int]]
    ) -> list[dict[str, Any]]:
        """The features of each candidate time of one run.

        Args:
            decision: Whose run of what (``user_id``, ``workflow_id``, ``trigger``), ``utc_offset_minutes``, and
                when it is decided, ``t`` in microseconds since 1970.
            candidates: Each candidate's time in microseconds since 1970, and the hour of the local day that it is.
        """
        zone = self.zone(decision, decision["t"])
        return [
            self._of_candidate({**decision, "zone": zone, "c": c, "slot": s}) for c, s in candidates
        ]

    def _of_candidate(self, candidate: Row) -> dict[str, Any]:
        asked = {**candidate, **self._tallies(candidate)}
        known = [windows.ask(asked) for windows in self._known.values()]
        return self._row(*known, asked)

    def _remember_offset(self, event: Row) -> None:
        minutes = event["utc_offset_minutes"]
        if minutes is None:
            return
        offsets = self._offsets.setdefault(event["user_id"], PastRows(("minutes",)))
        t = event["occurred_at"]
        if not offsets or (t > offsets.times[-1] and minutes != offsets.columns["minutes"][-1]):
            offsets.add(t, {"minutes": minutes})
