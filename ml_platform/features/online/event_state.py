"""What events leave behind for the features of the next one: kept in memory, advanced event by event.

The state holds what the windows of ``pattern_features`` and ``step_features`` look back on, by user (in a process
log: by case), by folder and by object. What is counted, and how far back, is compiled from the SQL of these tables.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.keyed_rows import KeyedRows
from ml_platform.features.online.last_visits import LastVisits
from ml_platform.features.online.moments import COLUMNS, WORDS, Moments
from ml_platform.features.online.observation import event_row, object_parts
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.past_rows import PastRows
from ml_platform.features.online.row_program import ctes_of
from ml_platform.features.online.streams import short
from ml_platform.features.online.windows import Windows, windows_of

DAY = 86_400_000_000
_MEMORIES = (
    *("events_1h", "events_8h", "events_24h", "events_7d"),
    *("change_sets_24h", "moments_24h", "first_t_24h", "memory"),
)
_OF_WEEK = (
    *("user_extension_7d", "user_tool_7d", "user_hour_7d", "user_operation_8h"),
    *("user_tools_8h", "user_extensions_24h"),
)
_OF_MONTH = ("user_folder_7d", "user_folder_30d")
_OF_OBJECT = ("object_touches_30d", "object_last_t")
_OF_FOLDER = ("folder_touches_7d",)
Row = Mapping[str, Any]
_PARTS = {"top_folder": "folder", "folder": "subfolder"}
"""As the SQL that counts has it, a folder is of two levels."""
_KEPT = ("extension", "tool", "hour", "operation", "folder", "top_folder", "change_set_id", "id")


class EventState:
    """Advanced by events in any order, and asked what lies strictly before a moment.

    A moment may be asked for, and an event may come late, up to ``slack`` before the newest event; what is older
    has been let go.
    """

    def __init__(self, sql: DbtSql, *, slack: int = DAY) -> None:
        """Compile the windows, and begin without events; ``slack`` is in microseconds."""
        self.newest = 0
        self.slack = slack
        self.parts = object_parts(sql)
        counts, places = ctes_of(sql.query("int_user_counts")), sql.query("int_place_counts")
        by_user = ("user_key",)
        self._memories = windows_of(ctes_of(sql.query("int_memories"))["remembering"], _MEMORIES)
        self._of_week = windows_of(counts["of_week"], _OF_WEEK, by_user)
        self._of_month = windows_of(counts["of_month"], _OF_MONTH, by_user)
        self._of_object = windows_of(places, _OF_OBJECT)
        self._of_folder = windows_of(places, _OF_FOLDER)
        self._month = _longest(self._of_week, self._of_month, self._of_object, self._of_folder)
        self._week = _longest(self._memories)
        of_user = self._of_week.tallies | self._of_month.tallies
        self._users = KeyedRows(_KEPT, self._month + slack, of_user)
        self._objects = KeyedRows((), self._month + slack)
        self._folders = KeyedRows(("user_key",), self._month + slack)
        self._visits: dict[str, LastVisits] = {}
        self._everybody = PastRows(())
        self._moments: dict[Hashable, Moments] = {}
        self._runs: dict[str, PastRows] = {}
        self._steps_back: int = sql.value("steps_back")
        self._remembered: int = sql.value("most_remembered")
        self._pauses = {
            "pause": sql.value("stretch_pause"),
            "run_pause": sql.value("run_pause"),
        }

    def pack(self, packer: Packer) -> None:
        """Give everything that is known to a snapshot."""
        packer.number("events/newest", self.newest)
        for name, keyed in self._keyed.items():
            keyed.pack(packer, f"events/{name}")
        packer.rows("events/everybody", {None: self._everybody}, ())
        moments = {user: each.rows for user, each in self._moments.items()}
        packer.rows("events/moments", moments, COLUMNS)
        packer.rows("events/runs", self._runs, ())

    def unpack(self, unpacker: Unpacker) -> None:
        """Go on with what a snapshot knows."""
        self.newest = unpacker.number("events/newest")
        for name, keyed in self._keyed.items():
            keyed.unpack(unpacker, f"events/{name}")
        self._everybody = unpacker.rows("events/everybody", ())[None]
        self._runs = unpacker.rows("events/runs", ())
        self._moments = {}
        for user, rows in unpacker.rows("events/moments", COLUMNS).items():
            self._moments[user] = Moments(in_case=user[0], **self._pauses)
            self._moments[user].rows = rows
        self._visits = {folder: LastVisits.of(rows) for folder, rows in self._folders.items()}

    @property
    def _keyed(self) -> dict[str, KeyedRows]:
        return {"users": self._users, "objects": self._objects, "folders": self._folders}

    def row(self, event: Row) -> dict[str, Any]:
        """The columns that follow from an event alone, see `observation.event_row`."""
        return event_row(event, self.parts)

    def advance(self, event: Row) -> bool:
        """Take an event that has happened; ``False`` for one that is known already."""
        row = self.row(event)
        t, user = row["t"], row["user_key"]
        kept = {
            **{name: row[_PARTS.get(name, name)] for name in _KEPT if name != "id"},
            "id": short(event["event_id"]),
        }
        known = self._users.of(user)
        if known and t <= known.times[-1]:
            first, end = known.before(t), known.before(t + 1)
            if kept["id"] in known.columns["id"][first:end]:
                return False
        self.newest = max(self.newest, t)
        mine = self._users.add(user, t, kept, self.newest)
        self._put_moment(user, t, mine, in_case=row["in_case"])
        self._objects.add(row["object_key"], t, {}, self.newest)
        self._everybody.add(t, {})
        self._everybody.forget_before(self.newest - DAY - self.slack)
        if row["subfolder"] is not None:
            self._visit(row["subfolder"], user, t)
        return True

    def start_run(self, user_id: str, t: int) -> None:
        """Take the start of an unscheduled run of a user, at ``t`` microseconds since 1970."""
        runs = self._runs.setdefault(user_id, PastRows(()))
        if runs.before(t) == runs.before(t + 1):
            runs.add(t, {})
        if len(runs) > 2 * self._steps_back:
            runs.forget_before(min(self.newest - self.slack, runs.times[-self._steps_back]))

    def runs_of(self, row: Row) -> PastRows:
        """The unscheduled runs of the user of a row; none of a case."""
        none = PastRows(())
        return none if row["in_case"] else self._runs.get(row["user_id"], none)

    def moments_of(self, row: Row) -> Moments:
        """The moments of the user (in a process log: of the case) of a row."""
        return self._of_user(row["user_key"], in_case=row["in_case"])

    def memories(self, row: Row, moment: Row) -> dict[str, Any]:
        """The row of ``int_memories`` at a moment of a user: of one of its rows, and of `moments.moment_of` it."""
        moments = self.moments_of(row)
        t = row["t"]
        found = moments.next(t, moment["folder"])
        asked = {**found, "t": t}
        found |= self._memories.ask(moments.rows, asked)
        memory: int = found["memory"]
        last = moments.last(t, min(memory, self._remembered))
        for word in ("tool", "operation", "extension", "folder"):
            lags = last[word][: min(memory, 3)]
            lags += [None] * (3 - len(lags))
            found[f"lag1_{word}"], found[f"lag2_{word}"], found[f"lag3_{word}"] = lags
        found["session_tokens"] = [
            f"t:{tool}|o:{operation}"
            for tool, operation in zip(last["tool"], last["operation"], strict=True)
        ]
        found["session_places"] = [
            f"s:{subfolder or ''}|x:{extension or ''}"
            for subfolder, extension in zip(last["subfolder"], last["extension"], strict=True)
        ]
        return found | asked

    def user_counts(self, row: Row) -> dict[str, Any]:
        """The row of ``int_user_counts`` of an event."""
        rows = self._users.of(row["user_key"])
        asked = {**row, "folder": row["subfolder"]}
        return self._of_week.ask(rows, asked) | self._of_month.ask(rows, asked)

    def place_counts(self, row: Row) -> dict[str, Any]:
        """The row of ``int_place_counts`` of an event."""
        t, folder = row["t"], row["subfolder"]
        visits = self._folders.of(folder)
        users = self._visits.get(folder)
        month_began = t - self._month
        return {
            **self._of_object.ask(self._objects.of(row["object_key"]), row),
            **self._of_folder.ask(visits, row),
            "folder_users_30d": users.users_between(month_began, t, visits) if users else 0,
            "all_events_24h": self._everybody.before(t) - self._everybody.before(t - DAY),
        }

    def _put_moment(self, user: Hashable, t: int, mine: PastRows, *, in_case: bool) -> None:
        first, end = mine.before(t), mine.before(t + 1)
        columns = mine.columns
        names = {"folder": "top_folder", "subfolder": "folder"}
        words = {word: columns[names.get(word, word)] for word in (*WORDS, "change_set_id")}
        events = [{word: values[at] for word, values in words.items()} for at in range(first, end)]
        moments = self._moments.get(user)
        if moments is None:
            moments = self._moments[user] = self._of_user(user, in_case=in_case)
        moments.put(t, events)
        moments.forget_before(self.newest - self._week - self.slack, self._steps_back + 1)

    def _of_user(self, user: Hashable, *, in_case: bool) -> Moments:
        return self._moments.get(user) or Moments(in_case=in_case, **self._pauses)

    def _visit(self, folder: str, user: Hashable, t: int) -> None:
        self._folders.add(folder, t, {"user_key": user}, self.newest)
        visits = self._visits.setdefault(folder, LastVisits())
        visits.add(user, t)
        visits.forget_before(self.newest - self._month - self.slack)


def _longest(*windows: Windows) -> int:
    reaches = [each.reach for each in windows if each.reach is not None]
    assert len(reaches) == len(windows)
    return max(reaches)
