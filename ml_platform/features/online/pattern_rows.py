"""``pattern_features`` as of now: the last SELECT of the bulk build, on what the state knows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import EventState
from ml_platform.features.online.moments import moment_of
from ml_platform.features.online.observation import OBJECT, ChangeSets
from ml_platform.features.online.row_program import Given, RowProgram
from ml_platform.features.pattern_features import PATTERN_FEATURES

_LISTS = ("session_tokens", "session_places")
"""Words from the start; the SQL sorts their codes."""
_EVENT = ("tool", "operation", "extension", "folder", "subfolder", "path_kind", "local_t")
_MEMORY = (
    *("t", "session_position", "session_start", "previous_t", "last_run", "memory"),
    *("events_1h", "events_8h", "events_24h", "events_7d"),
    *("change_sets_24h", "moments_24h", "first_t_24h", "lag3_operation"),
    *(
        f"lag{lag}_{word}"
        for lag in (1, 2)
        for word in ("tool", "operation", "extension", "folder")
    ),
)
_COUNTS = (
    *("user_extension_7d", "user_tool_7d", "user_hour_7d", "user_operation_8h"),
    *("user_tools_8h", "user_extensions_24h", "user_folder_7d", "user_folder_30d"),
)
_PLACES = (
    *("object_touches_30d", "object_last_t", "folder_touches_7d"),
    *("folder_users_30d", "all_events_24h"),
)


class PatternRows:
    """Answers what the features of events are, as of their moment."""

    def __init__(self, sql: DbtSql, state: EventState) -> None:
        """Compile the features; ``state`` is what they look back on."""
        self._state = state
        self._change_sets = ChangeSets(sql)
        given = {
            "int_events": Given("e", frozenset(_EVENT)),
            "int_objects": Given("o", frozenset(OBJECT) - set(_EVENT)),
            "int_memories": Given("m", frozenset(_MEMORY)),
            "int_user_counts": Given("u", frozenset(_COUNTS)),
            "int_place_counts": Given("p", frozenset(_PLACES)),
            "int_change_sets": Given("a", frozenset(self._change_sets.names)),
            "change_set_extensions": Given("same_extension", frozenset({"n"})),
            "change_set_folders": Given("same_folder", frozenset({"n"})),
        }
        names = [spec.name for spec in PATTERN_FEATURES if spec.name not in _LISTS]
        self._row = RowProgram(sql.query("pattern_features"), given).compile(names)

    def features(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The features of each event of one observation: events of one user and microsecond.

        An event has the columns of the lake's ``events``, and ``t``, its time in microseconds since 1970. Whatever
        else is known of that microsecond, the events that are asked about included, is not their past.
        """
        rows = [self._state.row(event) for event in events]
        memories = self._state.memories(rows[0], moment_of(rows))
        sets: dict[str | None, list[dict[str, Any]]] = {}
        for row in rows:
            sets.setdefault(row["change_set_id"], []).append(row)
        sets.update({None: []})
        figures = {name: self._change_sets.of(members) for name, members in sets.items()}
        return [
            self._features_of(row, memories, sets[row["change_set_id"]], figures) for row in rows
        ]

    def _features_of(
        self,
        row: dict[str, Any],
        memories: dict[str, Any],
        members: Sequence[Mapping[str, Any]],
        figures: Mapping[str | None, Mapping[str, Any]],
    ) -> dict[str, Any]:
        figure = figures[row["change_set_id"]]
        several = len(members) > 1
        same = {
            word: {"n": Counter(each[word] for each in members)[row[word]] if several else None}
            for word in ("extension", "folder")
        }
        features = self._row(
            row,
            row,
            memories,
            self._state.user_counts(row),
            self._state.place_counts(row),
            figure,
            same["extension"],
            same["folder"],
        )
        return features | {name: memories[name] for name in _LISTS}
