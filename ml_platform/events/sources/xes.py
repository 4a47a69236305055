"""XES process logs as a stream: a trace at a time, gzipped or not; documents with a DTD are refused."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ml_platform.errors import SourceError

_CHUNK = 1 << 16
_VALUES = {"string", "date", "int", "float", "boolean", "id"}


@dataclass
class Trace:
    """A case: its attributes and those of its events, by XES key, in the order of the log."""

    attributes: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)


def traces(path: Path) -> Iterator[Trace]:
    """The traces of a log; memory holds one trace and what a chunk of 64 KB completes.

    Raises:
        SourceError: not XML, not XES, broken gzip, or a DTD (entities can grow without bound).
    """
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
                yield from reader.take()
            parser.Parse(b"", True)
    except (expat.ExpatError, OSError, EOFError) as error:
        raise SourceError(
            f"{path} is no readable XES: {error}.", remedy="Export the log again, as XES or CSV."
        ) from error
    if not reader.is_log:
        raise SourceError(f"{path} is XML without a <log>.", remedy="Give an XES or CSV file.")


class _Reader:
    """Builds traces from elements; values are only read directly below a trace or an event."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[str] = []
        self._trace = Trace()
        self._done: list[Trace] = []
        self.is_log = False

    def take(self) -> list[Trace]:
        done, self._done = self._done, []
        return done

    def doctype(self, *_: object) -> None:
        raise SourceError(
            f"{self._path} has a DTD, which XES does not need and which may expand without bound.",
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
            self._done.append(self._trace)
