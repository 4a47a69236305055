"""A process log in a file: XES, gzipped or not, or CSV."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ml_platform.adapters.sources.text_files import read_map, separator
from ml_platform.errors import SourceError
from ml_platform.events.sources.column_map import LogMap, parse_log_map
from ml_platform.events.sources.process_log import (
    Case,
    case_tables,
    csv_cases,
    log_columns,
    xes_cases,
)
from ml_platform.events.sources.xes import traces, unreadable

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
        yield from case_tables(self._cases(), self.path.name.split(".")[0], self.user_key)

    def _cases(self) -> Iterator[Case]:
        if _is_xes(self.path):
            return xes_cases(traces(_xml_chunks(self.path), str(self.path)))
        mapping = LogMap()
        if self.map_file:
            mapping = parse_log_map(read_map(self.map_file), str(self.map_file))
        return csv_cases(_csv_lines(self.path, mapping), mapping.timezone)


def _is_xes(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(256)
    return start[:2] == _GZIP or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _xml_chunks(path: Path) -> Iterator[bytes]:
    """The XML of an XES file, unzipped where it is gzipped, in chunks of 64 KB."""
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == _GZIP
        with gzip.open(path) if zipped else path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError) as error:
        raise unreadable(str(path), error) from error


def _csv_lines(path: Path, mapping: LogMap) -> pa.Table:
    """The columns case, activity, time and resource of the file as text, and the number of the line."""
    import polars as pl

    names = log_columns(_header(path), mapping, str(path))
    try:
        # An empty cell alone is missing: a case may well be named NA.
        rows = pl.read_csv(
            path, columns=list(names.values()), infer_schema=False, separator=separator(path)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{path} cannot be read as CSV: {error}.", remedy="Correct the line that is named."
        ) from error
    resource = pl.col(names["resource"]) if "resource" in names else pl.lit(None, pl.String)
    lines = rows.select(
        case=names["case"], activity=names["activity"], time=names["time"], resource=resource
    )
    return lines.with_row_index("line").to_arrow()


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream, delimiter=separator(path)), [])
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not UTF-8: {error}.", remedy="Convert it to UTF-8."
        ) from error
