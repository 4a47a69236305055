"""A first column map for a file that somebody has exported: every line a guess, with what it rests on."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ml_platform.events.schema import TABLES
from ml_platform.events.sources.dialect import Dialect
from ml_platform.events.sources.local_time import EXCEL

Column = tuple[str, ...]
"""The values of one column in the sample that are not empty."""

_FORMATS = tuple(
    f"{day} {hour}".strip()
    for day in ("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d")
    for hour in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "")
)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$")
_SERIAL = re.compile(r"[2-7]\d{4}([.,]\d+)?$")
_ZONED = re.compile(r":\d\d.*([zZ]|[+-]\d\d(:?\d\d)?| ?UTC)$")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "event_id": ("id", "nr", "nummer", "number", "key", "uuid", "request"),
    "user_id": (
        "user", "actor", "author", "resource", "username", "agent", "employee", "person", "who",
        "benutzer", "bearbeiter", "mitarbeiter", "nutzer",
    ),
    "occurred_at": (
        "time", "timestamp", "at", "date", "datetime", "created", "when", "complete timestamp",
        "datum", "zeit", "zeitpunkt", "zeitstempel",
    ),
    "tool": ("application", "app", "system", "program", "werkzeug", "anwendung", "programm"),
    "operation": (
        "action", "verb", "activity", "event", "step", "task", "what",
        "vorgang", "aktion", "tätigkeit", "aktivität", "schritt",
    ),
    "object_path": ("path", "file", "object", "document", "datei", "objekt", "pfad", "dokument"),
    "session_id": ("session", "case", "ticket", "sitzung", "fall"),
    "workflow_category": ("category", "kategorie", "label"),
}  # fmt: skip
_CASE = ("case", "case id", "caseid", "case:concept:name", "trace", "ticket", "fall", "fallnummer")


@dataclass(frozen=True)
class Sample:
    """The first records of a text file, and how it seems to be written."""

    file_name: str
    dialect: Dialect
    encoding_reason: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> Column:
        """The values of a column, without the empty ones."""
        place = self.header.index(name)
        return tuple(row[place].strip() for row in self.rows if row[place].strip())


def draft_map(sample: Sample) -> str:
    """The map as TOML, of the table ``events``, or ``[log]`` where a column names the case of each step.

    Each guess has a comment that says what it rests on; what cannot be known from the file says so.
    """
    column_by_field = _columns(sample)
    case = next((name for name in sample.header if name.casefold().strip() in _CASE), None)
    as_log = case is not None and "operation" in column_by_field
    lines = [
        f"# Drafted from the first {len(sample.rows):,} records of {sample.file_name}: every line is a guess.",
        "[log]" if as_log else "[events]",
    ]
    if not as_log:
        lines.append(
            _line("file", sample.file_name, "this file, in the folder that files:DIR names")
        )
    lines += _written(sample, column_by_field.get("occurred_at"), as_log=as_log)
    if as_log:
        named = {"case": case, "activity": column_by_field["operation"]}
        named |= {
            "time": column_by_field.get("occurred_at"),
            "resource": column_by_field.get("user_id"),
        }
        lines += [_line(ours, name, "by its name") for ours, name in named.items() if name]
    else:
        lines += ["", "[events.columns]", *_mapped(sample, column_by_field)]
    return "\n".join(lines) + "\n"


def _columns(sample: Sample) -> dict[str, str]:
    """Their column for each of ours: by our name, by a usual word, or (a time) by its values."""
    column_by_field: dict[str, str] = {}
    for ours, words in _WORDS.items():
        usual = (ours, ours.replace("_", " "), *words)
        matches: tuple[Callable[[str], bool], ...] = (
            partial(_is_one_of, usual),
            partial(_has_one_of, words),
        )
        for match in matches:
            free = (name for name in sample.header if name not in column_by_field.values())
            name = next((name for name in free if match(name) and _fits(ours, sample, name)), None)
            if name is not None:
                column_by_field[ours] = name
                break
    if "occurred_at" not in column_by_field:
        for name in sample.header:
            if _time_format(sample.column(name)) is not None:
                return column_by_field | {"occurred_at": name}
    return column_by_field


def _is_one_of(words: Sequence[str], name: str) -> bool:
    return name.casefold().strip() in words


def _has_one_of(words: Sequence[str], name: str) -> bool:
    parts = re.split(r"[\s_:.\-/]+", name.casefold())
    return any(word in parts for word in words)


def _fits(ours: str, sample: Sample, name: str) -> bool:
    """Whether the values allow it: times are times, ids differ from row to row."""
    values = sample.column(name)
    if ours == "occurred_at":
        return _time_format(values) is not None
    if ours == "event_id":
        return len(set(values)) == len(sample.rows)
    return True


def _written(sample: Sample, time: str | None, *, as_log: bool) -> Iterator[str]:
    """The lines that say how the file is written."""
    assert sample.dialect.delimiter is not None, "a sample has been read with one"
    if sample.dialect.delimiter != ",":
        yield _line("delimiter", sample.dialect.delimiter, "the most frequent in the header")
    if sample.dialect.encoding:
        yield _line("encoding", sample.dialect.encoding, sample.encoding_reason)
    if time is not None:
        values = sample.column(time)
        written = _time_format(values) or ""
        if written:
            others = [other for other in _fitting(values) if other != written]
            also = f"; so does {others[0]}: see which is meant" if others else ""
            yield _line("time_format", written, f"the {len(values):,} values of {time!r} fit{also}")
        if not all(_ZONED.search(value) for value in values):
            yield _line(
                "timezone", "UTC", "the times name no zone: write the one they were written in"
            )
    commas = [name for name in sample.header if any(map(_COMMA.match, sample.column(name)))]
    if commas and not as_log:
        yield _line("decimal", ",", f"as in {commas[0]!r}")


def _mapped(sample: Sample, column_by_field: Mapping[str, str]) -> Iterator[str]:
    rows = len(sample.rows)
    for ours, name in sorted(
        column_by_field.items(), key=lambda item: TABLES["events"].names.index(item[0])
    ):
        distinct = len(set(sample.column(name)))
        yield _line(ours, name, f"by name and values: {distinct:,} distinct in {rows:,} records")
    if "event_id" not in column_by_field:
        parts = [
            column_by_field[ours]
            for ours in ("user_id", "occurred_at", "operation")
            if ours in column_by_field
        ]
        yield _line("event_id", parts, "no column differs in every record: these together should")
    for ours in ("user_id", "occurred_at", "operation"):
        if ours not in column_by_field:
            yield f"# {ours} = ...  # no column looks like it: one of {', '.join(sample.header)}?"
    if "tool" not in column_by_field:
        stem = sample.file_name.partition(".")[0]
        yield from ("", "[events.constants]", _line("tool", stem, "no column looks like it"))


def _time_format(values: Column) -> str | None:
    """How times are written: empty for ISO 8601, ``None`` where they are none."""
    if not values:
        return None
    if all(map(_is_iso, values)):
        return ""
    fitting = _fitting(values)
    if fitting:
        return fitting[0]
    return EXCEL if all(map(_SERIAL.match, values)) else None


def _fitting(values: Column) -> list[str]:
    return [written for written in _FORMATS if all(_parses(value, written) for value in values)]


def _parses(value: str, written: str) -> bool:
    try:
        datetime.strptime(value, written)
    except ValueError:
        return False
    return True


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "-" in value


def _line(name: str, value: str | list[str], reason: str) -> str:
    return f"{name} = {json.dumps(value, ensure_ascii=False)}  # {reason}"
