"""The first records of a text file, with encoding and separator as they seem to be."""

from itertools import islice
from pathlib import Path

from ml_platform.adapters.sources.text_files import encoding_of, header_of, records, separator
from ml_platform.errors import SourceError
from ml_platform.events.sources.dialect import Dialect
from ml_platform.events.sources.draft_map import Sample

_RECORDS = 1_000
_BYTES = 1 << 20


def sample_file(path: Path) -> Sample:
    """Read the first thousand records.

    Raises:
        SourceError: there is no such file, it is no text, or it has no record that can be read.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {path}.", remedy="Correct the path.")
    encoding, reason = _encoding(path)
    dialect = Dialect(encoding)
    dialect = Dialect(encoding, separator(path, dialect))
    header = header_of(path, dialect)
    readable = (record.cells for record in records(path, dialect) if not record.problem)
    rows = tuple(tuple(cells) for cells in islice(readable, _RECORDS))
    if len(header) < 2 or not rows:
        raise SourceError(
            f"{path} has {len(header)} columns and {len(rows)} readable records: it is no table in text.",
            remedy="Export it as CSV, with the names of the columns in the first line.",
        )
    return Sample(path.name, dialect, reason, tuple(header), rows)


def _encoding(path: Path) -> tuple[str | None, str]:
    """The encoding to declare, or ``None`` where it need not be, and what says so."""
    if encoding_of(path, Dialect()) != "utf-8":
        return None, ""
    with path.open("rb") as stream:
        start = stream.read(_BYTES)
    if start.startswith(b"\x1f\x8b"):
        return None, ""
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            windows = any(0x80 <= byte < 0xA0 for byte in start)
            return "cp1252" if windows else "latin-1", f"byte {error.start} is not UTF-8"
    return None, ""
