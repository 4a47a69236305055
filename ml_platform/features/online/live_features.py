"""All feature tables that are answered as of now, behind one door: what happens is told once."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml_platform.arrays import Array
from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import DAY, EventState
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.pattern_rows import PatternRows
from ml_platform.features.online.start_time_rows import StartTimeRows
from ml_platform.features.online.step_rows import STARTED_BY_HAND, StepRows
from ml_platform.features.online.streams import EVENTS, EXECUTIONS, SUGGESTIONS
from ml_platform.features.online.suggestion_rows import SuggestionRows

Row = Mapping[str, Any]
ONLINE_TABLES = (
    *("pattern_features", "step_features"),
    *("suggestion_features", "start_time_features"),
)


class LiveFeatures:
    """The state that the features of now look back on.

    Rows are those of the staging models, their times in microseconds since 1970. They may come late, up to
    ``slack`` microseconds, and more than once: a suggestion when it is shown and with its outcome, an execution
    when it starts and when it has ended, an event again with its category.
    """

    def __init__(self, sql: DbtSql, *, slack: int = DAY) -> None:
        """Compile the features of all tables, and begin without a past."""
        self.events = EventState(sql, slack=slack)
        self.patterns = PatternRows(sql, self.events)
        self.steps = StepRows(sql, self.events)
        self.suggestions = SuggestionRows(sql)
        self.start_times = StartTimeRows(sql, slack=slack)

    def packed(self) -> dict[str, Array]:
        """Everything that is known, as arrays without pickle: a snapshot, from which another process goes on."""
        packer = Packer()
        for part in (self.events, self.suggestions, self.start_times):
            part.pack(packer)
        return packer.finished()

    def unpack(self, arrays: Mapping[str, Array]) -> None:
        """Go on with what a snapshot knows, in place of what is known here.

        Raises:
            IntegrityError: the snapshot is not one of these tables.
        """
        unpacker = Unpacker(arrays)
        for part in (self.events, self.suggestions, self.start_times):
            part.unpack(unpacker)

    def event(self, event: Row) -> None:
        """Take an event; with its category, once that is known."""
        self.events.advance({**event, "t": event["occurred_at"]})
        self.suggestions.advance(EVENTS, event["event_id"], event)
        self.start_times.advance(EVENTS, event["event_id"], event)

    def suggestion(self, suggestion: Row) -> None:
        """Take a suggestion that was shown; its outcome, once it is known."""
        self.suggestions.advance(SUGGESTIONS, suggestion["suggestion_id"], suggestion)

    def execution(self, execution: Row) -> None:
        """Take an execution that has started; its end, once it is known."""
        name = execution["execution_id"]
        self.suggestions.advance(EXECUTIONS, name, execution)
        self.start_times.advance(EXECUTIONS, name, execution)
        if execution["trigger"] in STARTED_BY_HAND:
            self.events.start_run(execution["user_id"], execution["started_at"])

    def pattern_features(self, events: Sequence[Row]) -> list[dict[str, Any]]:
        """See `PatternRows.features`."""
        return self.patterns.features([{**event, "t": event["occurred_at"]} for event in events])

    def step_features(self, events: Sequence[Row]) -> dict[str, Any]:
        """See `StepRows.features`."""
        return self.steps.features([{**event, "t": event["occurred_at"]} for event in events])
