"""A process log in a file: XES, gzipped or not, or CSV."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ml_platform.adapters.sources.text_files import header_of, read_map, write_plain
from ml_platform.errors import SourceError
from ml_platform.events.quality import UNREADABLE
from ml_platform.events.sources.column_map import LogMap, parse_log_map
from ml_platform.events.sources.process_log import (
    case_tables,
    csv_cases,
    log_columns,
    xes_cases,
)
from ml_platform.events.sources.xes import traces, unreadable
from ml_platform.values import file_sha256, fingerprint

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 16


@dataclass(frozen=True)
class ProcessLogSource:
    """``process-log:FILE``: XES, which its first bytes tell from CSV; the workflow is named after the file."""

    path: Path
    user_key: bytes
    map_file: Path | None = None
    simulated: bool = False
    live: bool = False

    @property
    def name(self) -> str:
        """``process-log:`` and the absolute path."""
        return f"process-log:{self.path.resolve()}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """See `Source.batches`: events, and the executions of the same cases."""
        if not self.path.is_file():
            raise SourceError(f"There is no file {self.path}.", remedy="Correct process-log:FILE.")
        workflow = self.path.name.split(".")[0]
        if _is_xes(self.path):
            cases = xes_cases(traces(_xml_chunks(self.path), str(self.path)))
            yield from case_tables(cases, workflow, self.user_key)
            return
        mapping = self._map()
        lines, unreadable = _csv_lines(self.path, mapping)
        yield from case_tables(csv_cases(lines, mapping), workflow, self.user_key)
        if len(unreadable):
            yield "events", unreadable

    def content(self) -> str:
        """See `WithContent.content`: the name and the bytes of the file, and its map."""
        if not self.path.is_file():
            raise SourceError(f"There is no file {self.path}.", remedy="Correct process-log:FILE.")
        return fingerprint((self.path.name, file_sha256(self.path), repr(self._map())))

    def check(self) -> None:
        """Look at what can be checked without reading it all: the file, the map, and the names of the columns.

        Raises:
            SourceError: something is missing or does not fit.
        """
        if not self.path.is_file():
            raise SourceError(f"There is no file {self.path}.", remedy="Correct process-log:FILE.")
        mapping = self._map()
        if not _is_xes(self.path):
            log_columns(header_of(self.path, mapping.dialect), mapping, str(self.path))

    def _map(self) -> LogMap:
        if self.map_file is None:
            return LogMap()
        return parse_log_map(read_map(self.map_file), str(self.map_file))


def _is_xes(path: Path) -> bool:
    """Whether the text begins with ``<``, after a byte order mark and spaces, in whatever encoding."""
    start = next(_xml_chunks(path), b"")[:256]
    return start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def _xml_chunks(path: Path) -> Iterator[bytes]:
    """The XML of an XES file, unzipped where it is gzipped, in chunks of 64 KB."""
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == _GZIP
        with gzip.open(path) if zipped else path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(str(path), error) from error


def _csv_lines(path: Path, mapping: LogMap) -> tuple[pa.Table, pa.Table]:
    """The lines of the file, and as events those that cannot be read.

    Lines have the columns case, activity, time and resource as text, and the number of the record.
    """
    import polars as pl

    names = log_columns(header_of(path, mapping.dialect), mapping, str(path))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "plain.csv"
        write_plain(path, mapping.dialect, copy)
        # An empty cell alone is missing: a case may well be named NA.
        rows = pl.read_csv(copy, columns=[*names.values(), UNREADABLE], infer_schema=False)
    problem = pl.col(UNREADABLE)
    resource = pl.col(names["resource"]) if "resource" in names else pl.lit(None, pl.String)
    lines = rows.with_row_index("line").filter(problem.is_null())
    lines = lines.select(
        "line",
        case=names["case"],
        activity=names["activity"],
        time=names["time"],
        resource=resource,
    )
    nothing = pl.lit(None, pl.String)
    unreadable = rows.filter(problem.is_not_null()).select(
        UNREADABLE,
        event_id=nothing,
        user_id=nothing,
        occurred_at=nothing,
        tool=nothing,
        operation=nothing,
    )
    return lines.to_arrow(), unreadable.to_arrow()
