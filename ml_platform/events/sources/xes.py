"""XES process logs as a stream: a trace at a time; documents with a DTD are refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ml_platform.errors import SourceError

_VALUES = {"string", "date", "int", "float", "boolean", "id"}


@dataclass
class Trace:
    """A case: its attributes and those of its events, by XES key, in the order of the log."""

    attributes: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)


def traces(chunks: Iterable[bytes], file_name: str) -> Iterator[Trace]:
    """The traces of a log; memory holds one trace and those that one chunk completes.

    ``chunks`` is the plain XML in pieces of any size, ``file_name`` is for messages.

    Raises:
        SourceError: not XML, not XES, or a DTD (entities can grow without bound).
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
            self._trace = Trace()
        elif kind == "event" and parent == "trace":
            self._trace.events.append({})
        elif kind in _VALUES and "key" in attributes and "value" in attributes:
            if parent == "trace":
                self._trace.attributes[attributes["key"]] = attributes["value"]
            elif parent == "event" and self._trace.events:
                self._trace.events[-1][attributes["key"]] = attributes["value"]

    def end(self, _: str) -> None:
        if self._open.pop() == "trace":
            self._finished.append(self._trace)
