"""XES process logs as a stream: a trace at a time, a long one in parts; documents with a DTD are refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ml_platform.errors import SourceError

_VALUES = {"string", "date", "int", "float", "boolean", "id"}
NAME = "concept:name"
ACTIVITY, TIME, RESOURCE, GROUP, LIFECYCLE = (
    NAME,
    "time:timestamp",
    "org:resource",
    "org:group",
    "lifecycle:transition",
)
_READ = {ACTIVITY, TIME, RESOURCE, GROUP, LIFECYCLE}
"""The attributes of events that are kept; of traces only the name is."""
PART_EVENTS = 10_000
"""The events after which a trace is given out in parts: a case of millions is read in bounded memory."""


@dataclass
class Trace:
    """A case, or a part of one: attributes of its events, by XES key, in the order of the log."""

    number: int = 0
    """Its place in the log, from 1."""
    name: str | None = None
    events: list[dict[str, str]] = field(default_factory=list)
    first: int = 1
    """The number of its first event within the case, from 1."""
    last: bool = True
    """Whether no part of the same case follows."""


def traces(chunks: Iterable[bytes], file_name: str) -> Iterator[Trace]:
    """The traces of a log, those of more than `PART_EVENTS` events in parts, which follow one another.

    Memory holds one part and what one chunk completes.

    ``chunks`` is the plain XML in pieces of any size, ``file_name`` is for messages.

    Raises:
        SourceError: not XML, not XES, a DTD (entities can grow without bound), or a long trace that is named
            behind its events.
    """
    reader = _Reader(file_name)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            yield from reader.take()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise unreadable(file_name, error) from error
    if not reader.is_log:
        raise SourceError(f"{file_name} is XML without a <log>.", remedy="Give an XES or CSV file.")


def unreadable(file_name: str, error: Exception) -> SourceError:
    """The error for a log that is broken XML or broken gzip."""
    return SourceError(
        f"{file_name} is no readable XES: {error}.", remedy="Export the log again, as XES or CSV."
    )


class _Reader:
    """Builds traces from elements; values are only read directly below a trace or an event."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._open: list[str] = []
        self._trace = Trace()
        self._finished: list[Trace] = []
        self.is_log = False

    def take(self) -> list[Trace]:
        finished, self._finished = self._finished, []
        return finished

    def doctype(self, *_: object) -> None:
        raise SourceError(
            f"{self._file_name} has a DTD, which XES does not need and which may expand without bound.",
            remedy="Remove the <!DOCTYPE ...> line.",
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        parent = self._open[-1] if self._open else ""
        self._open.append(kind)
        if kind == "log":
            self.is_log = True
        elif kind == "trace":
            self._trace = Trace(number=self._trace.number + 1)
        elif kind == "event" and parent == "trace":
            if len(self._trace.events) >= PART_EVENTS:
                self._give_part()
            self._trace.events.append({})
        elif kind in _VALUES and "key" in attributes and "value" in attributes:
            self._value(parent, attributes["key"], attributes["value"])

    def end(self, _: str) -> None:
        if self._open.pop() == "trace":
            self._finished.append(self._trace)

    def _value(self, parent: str, key: str, value: str) -> None:
        if parent == "trace" and key == NAME:
            if self._trace.first > 1 and value != self._trace.name:
                raise SourceError(
                    f"{self._file_name}: trace {self._trace.number} is named {value[:80]!r} behind its first "
                    f"{PART_EVENTS:,} events.",
                    remedy="Export the log with the attributes of a trace before its events, as the standard says.",
                )
            self._trace.name = value
        elif parent == "event" and self._trace.events and key in _READ:
            self._trace.events[-1][key] = value

    def _give_part(self) -> None:
        part = self._trace
        part.last = False
        self._finished.append(part)
        self._trace = Trace(part.number, part.name, first=part.first + len(part.events))
