"""Files of a home that name a person: found whatever their form, and rewritten where they are texts."""

import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform import files
from ml_platform.adapters.manifest import FOLDERS, Manifest
from ml_platform.retention.mentions import Mentions
from ml_platform.settings import Settings

REWRITTEN = ("reports", "records", "mlflow", "dagster", "logs")
"""The folders in which texts are rewritten; what is found elsewhere can only be named."""
_OVERWRITTEN = ("logs",)
"""Folders of files that servers hold open: their length stays, so that these go on at the end."""
_SEARCHED_APART = ("lake", "postgres")
"""The lake by its columns, the database by its tables and last of all by its bytes."""
REMOVED_WHOLE = (
    "quarantine",
    "features",
    "warehouse",
    "training_sets",
    "estimator_probabilities",
    "online",
    "serving",
)
"""Folders from which rows and files go by their user ids; after that they are searched as all others."""
_MODEL_FILE = "MLmodel"
"""Beside it lie the files of a model, which are checked by their hashes."""
_BLOCK = 1 << 22


@dataclass(frozen=True)
class NamingFile:
    """A file that names the person."""

    path: Path
    mentions: int
    rewritten: bool
    """Whether it can be written again without these names."""


class FileTexts:
    """All files of a home, as somebody who is looked for in them sees them."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._manifest = Manifest(settings.home)

    def naming(
        self, mentions: Mentions, apart: tuple[str, ...] = (), *, left_behind: bool = True
    ) -> Iterator[NamingFile]:
        """Every file that names the person; lake, database and the folders ``apart`` are searched by others.

        With ``left_behind`` also what is half written, by a process that was killed or one at work.
        """
        for path in sorted(self._home.rglob("*")):
            parts = path.relative_to(self._home).parts
            top = parts[0]
            half_written = any(part.endswith(files.TEMPORARY_SUFFIX) for part in parts)
            if top in (*_SEARCHED_APART, *apart) or not path.is_file():
                continue
            if half_written and not left_behind:
                continue
            count = mentions_in(path, mentions)
            if count:
                yield NamingFile(path, count, self._can_be_rewritten(path, top))

    def rewrite(self, naming: NamingFile, mentions: Mentions) -> None:
        """Write the file without the names, in the way of its folder."""
        path = naming.path
        top = path.relative_to(self._home).parts[0]
        if top in _OVERWRITTEN:
            _overwrite(path, mentions)
            return
        content = _bytes(mentions.without(_decoded(path.read_bytes())))
        if top in FOLDERS:
            self._manifest.write_bytes(path, content)
        else:
            files.write_bytes(path, content)

    def _can_be_rewritten(self, path: Path, top: str) -> bool:
        is_of_model = any(
            (folder / _MODEL_FILE).exists() for folder in (path.parent, path.parent.parent)
        )
        return top in REWRITTEN and not is_of_model and _is_text(path)


def mentions_in(path: Path, mentions: Mentions) -> int:
    """How often a file names the person, inside of Parquet and of zip and gzip files, too."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except (FileNotFoundError, PermissionError):
        return 0
    if head == b"PAR1":
        return _in_parquet(path, mentions)
    if head[:2] == b"PK" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sum(mentions.count(_decoded(archive.read(name))) for name in archive.namelist())
    content = path.read_bytes()
    if head[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if b"\0" in content:
        # Columns of a binary file hold text after text, with nothing between them.
        user = mentions.user_id.encode()
        return content.count(user) if user else 0
    return mentions.count(_decoded(content))


def bytes_naming(folder: Path, user_id: str) -> tuple[Path, ...]:
    """The files of a folder with the very bytes of an id, whatever stands around them."""
    wanted = user_id.encode()
    return tuple(
        path for path in sorted(folder.rglob("*")) if path.is_file() and _has(path, wanted)
    )


def _has(path: Path, wanted: bytes) -> bool:
    before = b""
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                if wanted in before + block:
                    return True
                before = block[-len(wanted) :]
    except (FileNotFoundError, PermissionError):
        return False
    return False


def _in_parquet(path: Path, mentions: Mentions) -> int:
    count = 0
    parquet = pq.ParquetFile(path)
    for batch in parquet.iter_batches():
        for column in batch.columns:
            plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            if pa.types.is_string(plain.type) or pa.types.is_large_string(plain.type):
                values = pc.unique(plain).drop_null().to_pylist()
                count += mentions.count("\n".join(values))
    return count


def _overwrite(path: Path, mentions: Mentions) -> None:
    """Put as many other bytes over each name: whoever has the file open writes on at its end."""
    with path.open("r+b") as stream:
        content = _bytes(mentions.overwritten(_decoded(stream.read())))
        stream.seek(0)
        stream.write(content)


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" not in stream.read(8_192)


def _decoded(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
