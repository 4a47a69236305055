"""What is asked about: events of one user and microsecond as a source has them, made into the rows of the SQL."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.moments import most_frequent
from ml_platform.features.online.row_program import Given, RowProgram

OBJECT = (
    *("extension", "folder", "subfolder", "file_name"),
    *("path_depth", "path_kind", "is_dotfile", "path_tokens"),
)
"""The columns of ``int_objects`` that follow from the path of an event."""
_HOUR = 3_600_000_000
_MINUTE = 60_000_000
_MOST_OBJECTS = 50_000
"""Paths whose parts are remembered: they repeat, and their regular expressions take longest."""
Parts = Callable[[str | None, str | None], Mapping[str, Any]]


def object_parts(sql: DbtSql) -> Parts:
    """A function of path and extension of an event, with the columns ``OBJECT`` of ``int_objects``."""
    raw = Given("raw", frozenset({"object_path", "object_extension"}))
    compiled = RowProgram(sql.query("int_objects"), {"raw": raw}).compile(OBJECT)

    @lru_cache(_MOST_OBJECTS)
    def parts(object_path: str | None, object_extension: str | None) -> Mapping[str, Any]:
        return compiled({"object_path": object_path, "object_extension": object_extension})

    return parts


def event_row(event: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """The row of ``int_events`` of an event: ``t`` in microseconds since 1970, and the parts of its path."""
    t = event["t"]
    local_t = t + (event["utc_offset_minutes"] or 0) * _MINUTE
    in_case = event["source"].startswith("process-log:") and event["session_id"] is not None
    return {
        **parts(event["object_path"], event["object_extension"]),
        "t": t,
        "local_t": local_t,
        "hour": local_t // _HOUR % 24,
        "in_case": in_case,
        "user_key": (in_case, event["session_id"] if in_case else event["user_id"]),
        "object_key": (event["object_path"], event["object_extension"]),
        **{name: event[name] for name in ("user_id", "tool", "operation", "change_set_id")},
    }


class ChangeSets:
    """The figures of ``int_change_sets`` over the rows of a change set that are asked about together."""

    def __init__(self, sql: DbtSql) -> None:
        """Compile the figures."""
        query = sql.query("int_change_sets")
        (shares,) = (cte.this for cte in query.ctes if cte.alias == "shares")
        names = [each.alias for each in shares.expressions if each.alias]
        row = Given("row", frozenset((*OBJECT, "operation")))
        self._shares = RowProgram(query, {"rows_of_change_sets": row}).compile_over_rows(
            names, cte="shares"
        )
        self._token = RowProgram(sql.select("operation_token"), {"row": row}).compile(["value"])
        self._most_tokens: int = sql.value("most_change_set_tokens")
        mains = [f"change_set_main_{word}" for word in ("extension", "folder", "kind")]
        self.names = (*names, "change_set_rows", "change_set_tokens", *mains)
        self.none: Mapping[str, Any] = dict.fromkeys(self.names)

    def of(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The figures of a change set of several rows; nothing of a single one, from which all follows."""
        if len(rows) < 2:
            return self.none
        tokens = Counter(
            token
            for row in rows
            for token in (*row["path_tokens"], self._token(row)["value"])
            if token is not None
        )
        ordered = sorted(tokens, key=lambda token: (-tokens[token], token))
        return {
            **self._shares(rows),
            "change_set_rows": len(rows),
            "change_set_tokens": ordered[: self._most_tokens],
            "change_set_main_extension": most_frequent([row["extension"] for row in rows]),
            "change_set_main_folder": most_frequent([row["folder"] for row in rows]),
            "change_set_main_kind": most_frequent([row["path_kind"] for row in rows]),
        }
