"""What dbt has parsed, kept in the cache of the user: no home parses a project that another one has parsed.

A parse takes some 7 s of processor time and names no folder, so that the same project, parsed with the same
``--vars`` by the same dbt, gives the same result in every home. What cannot be read, written or trusted is as if it
were not kept: then dbt parses, as it does without a cache.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from ml_platform import files, values

PARSED = "partial_parse.msgpack"
"""What dbt goes on with when it starts again."""
_FILES = ("manifest.json", PARSED)
_HASHES = "sha256.json"
_DBT = ("dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-common")
_MOST = 10
"""As many parses are kept, the ones that were used last; each takes 2.3 MB."""


class KeptParses:
    """A folder of parses, each under the hash of what decides it; many processes may use it at once."""

    def __init__(self, folder: Path | None) -> None:
        """Take the folder, which need not exist; without one nothing is kept."""
        self._folder = folder

    def lay_out(self, key: str, target: Path) -> bool:
        """Copy the parse ``key`` into the target folder of a dbt project; whether it is kept there, whole."""
        if self._folder is None:
            return False
        place = self._folder / key
        contents = _whole(place)
        if contents is None:
            shutil.rmtree(place, ignore_errors=True)
            return False
        for name, content in contents.items():
            files.write_bytes(target / name, content)
        return True

    def keep(self, key: str, target: Path) -> None:
        """Keep the parse that lies in ``target``, and of all parses those that were used last."""
        if self._folder is None:
            return
        with suppress(OSError):  # the cache cannot be written, or another process has kept the same
            files.remove_leftovers(self._folder)
            with files.replacing_folder(self._folder / key) as beside:
                hashes = {name: values.file_sha256(target / name) for name in _FILES}
                for name in _FILES:
                    shutil.copyfile(target / name, beside / name)
                (beside / _HASHES).write_text(json.dumps(hashes))
            parses = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for place in parses[:-_MOST]:
                shutil.rmtree(place, ignore_errors=True)


def _whole(place: Path) -> dict[str, bytes] | None:
    """The files of a parse, which is then the one that was used last; ``None`` where one is missing or damaged."""
    try:
        hashes = json.loads((place / _HASHES).read_bytes())
        contents = {name: (place / name).read_bytes() for name in _FILES}
        os.utime(place)
    except (OSError, ValueError):
        return None
    found = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return contents if found == hashes else None


def parse_key(project: str, variables: Mapping[str, str]) -> str:
    """The name of a parse: the hash of the project's content, the ``--vars``, and the versions of dbt."""
    return values.fingerprint(
        (project, sorted(variables.items()), [(name, version(name)) for name in _DBT])
    )[:16]
