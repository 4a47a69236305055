"""Text that a person wrote or exported: maps as TOML, and the first line of a CSV file."""

import gzip
from pathlib import Path

from ml_platform.errors import SourceError


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


def separator(path: Path) -> str:
    """The separator of a CSV: the most frequent of comma, semicolon, tab and bar in its first line."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as stream:
        header = stream.readline(1 << 20)
    return chr(max(b",;\t|", key=header.count))
