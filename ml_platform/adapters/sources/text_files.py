"""Text that a person wrote or exported: maps as TOML, and CSV files in any encoding, record by record.

A record that cannot be read (bytes that its encoding does not know, more or fewer cells than the header) does not
stop the others: it comes with the reason, and goes to quarantine.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

from ml_platform.errors import SourceError
from ml_platform.events.quality import UNREADABLE
from ml_platform.events.sources.dialect import SEPARATORS, Dialect

if TYPE_CHECKING:
    import _csv

_LONGEST_CELL = 1 << 20
_LONGEST_SHOWN = 120
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the first half of it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Record:
    """One record of a CSV file; ``problem`` is empty where its cells are as many as the header's and readable."""

    line: int
    """The line of the file on which it ends, from 1."""
    cells: list[str]
    problem: str = ""


def read_map(path: Path) -> str:
    """The text of a column map.

    Raises:
        SourceError: there is no such file, or it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SourceError(f"There is no map {path}.", remedy="Correct --map.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise SourceError(
            f"{path} cannot be read as TOML: {error}.", remedy="Correct it."
        ) from error


def header_of(path: Path, dialect: Dialect) -> list[str]:
    """The names of the columns, each once: a second ``Variant`` is ``Variant_1``, a nameless one ``column3``.

    Raises:
        SourceError: the file cannot be opened or decoded, or is a spreadsheet.
    """
    with _reading(path), _text(path, dialect) as stream:
        cells = next(_cells(stream, path, dialect), [])
    if any(_undecoded(cell) for cell in cells):
        raise _wrong_encoding(path, dialect)
    return _distinct(cells)


def records(path: Path, dialect: Dialect) -> Iterator[Record]:
    """The records below the header, in the order of the file; empty lines are none.

    Raises:
        SourceError: as `header_of`.
    """
    width = len(header_of(path, dialect))
    with _reading(path), _text(path, dialect) as stream:
        reader = _cells(stream, path, dialect)
        next(reader, None)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(reader.line_num, [], f"line {reader.line_num}: {error}")
                continue
            if cells:
                yield Record(
                    reader.line_num, cells, _problem(reader.line_num, cells, width, dialect)
                )


def _cells(stream: TextIO, path: Path, dialect: Dialect) -> "_csv._reader":
    csv.field_size_limit(_LONGEST_CELL)
    return csv.reader(stream, delimiter=dialect.delimiter or separator(path, dialect))


def write_plain(path: Path, dialect: Dialect, copy: Path) -> None:
    """Write the file again as UTF-8 with commas, and a last column `UNREADABLE` with each record's problem."""
    header = header_of(path, dialect)
    with copy.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*header, UNREADABLE])
        for record in records(path, dialect):
            if record.problem:
                writer.writerow([*[""] * len(header), record.problem])
            else:
                writer.writerow([*record.cells, ""])


def separator(path: Path, dialect: Dialect) -> str:
    """The separator of a CSV: the most frequent of comma, semicolon, tab and bar in its first line."""
    with _text(path, dialect) as stream:
        header = stream.readline(1 << 20)
    return max(SEPARATORS, key=header.count)


def encoding_of(path: Path, dialect: Dialect) -> str:
    """The encoding of a text file: that of its byte order mark, else the declared one, else UTF-8."""
    with _bytes(path) as stream:
        start = stream.read(4)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    return marked or dialect.encoding or "utf-8"


@contextmanager
def _text(path: Path, dialect: Dialect) -> Iterator[TextIO]:
    with _bytes(path) as stream:
        # Bytes that the encoding does not know stay visible as lone surrogates, which UTF-16 and UTF-32 have not.
        encoding = encoding_of(path, dialect)
        errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        yield io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as plain:
        start = plain.read(4)
        if start == _ZIP:
            raise SourceError(
                f"{path} is a spreadsheet (or another archive), and only text is read.",
                remedy="Save it as CSV; times that are serial numbers then: time_format = 'excel' in the map.",
            )
    zipped = start[:2] == b"\x1f\x8b"
    with cast(IO[bytes], gzip.open(path) if zipped else path.open("rb")) as stream:
        yield stream


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, UnicodeError, zlib.error, csv.Error) as error:
        raise SourceError(
            f"{path} cannot be read as CSV: {error}.",
            remedy="Correct the file, or declare its `encoding` in the map.",
        ) from error


def _problem(line: int, cells: list[str], width: int, dialect: Dialect) -> str:
    shown = "|".join(cells)[:_LONGEST_SHOWN]
    if any(_undecoded(cell) for cell in cells):
        readable = shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return f"line {line} is not {dialect.encoding or 'utf-8'}: {readable}"
    if len(cells) != width:
        return f"line {line} has {len(cells)} cells, the header {width}: {shown}"
    return ""


def _undecoded(cell: str) -> bool:
    return not cell.isascii() and any(
        "\udc80" <= character <= "\udcff" or character == "\ufffd" for character in cell
    )


def _wrong_encoding(path: Path, dialect: Dialect) -> SourceError:
    return SourceError(
        f"The header of {path} is not {dialect.encoding or 'UTF-8'}.",
        remedy='Declare it in the map: encoding = "latin-1" (`ml-platform map FILE` drafts one).',
    )


def _distinct(names: list[str]) -> list[str]:
    seen: set[str] = set()
    distinct = []
    for place, name in enumerate(names):
        plain = name.strip() or f"column{place}"
        number, unique = 0, plain
        while unique.casefold() in seen:
            number += 1
            unique = f"{plain}_{number}"
        seen.add(unique.casefold())
        distinct.append(unique)
    return distinct
