"""The files and folders of a home that have an age: listed, and removed so that a kill leaves no fault."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ml_platform import files
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.training_set_files import RECORD_FILE, ROWS_FILE
from ml_platform.retention.plan import Item
from ml_platform.retention.reachable import training_set_key
from ml_platform.retention.rules import Clock, Kind
from ml_platform.settings import Settings

_WINDOW_PAGES = {"monitoring.html": Kind.MONITORING_PAGE, "evidently.html": Kind.DRIFT_PAGE}
SELF_TESTS = "self_tests"
"""The folder of the reports in which results of the self-test of monitoring lie, one JSON file each."""
_FOLDER_TIME, _RECORD_TIME = "%Y-%m-%dT%H%M", "%Y-%m-%d-%H-%M"
_BY_PATH = (
    Kind.EVALUATION_PAGE,
    Kind.MONITORING_PAGE,
    Kind.DRIFT_PAGE,
    Kind.SELF_TEST,
    Kind.WINDOW_RECORD,
    Kind.PROBABILITIES,
    Kind.DBT_PROJECT,
    Kind.LOG,
    Kind.ARTIFACT,
)


class KeptFiles:
    """The files of a home, as retention sees them; the manifest learns of each that goes."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._settings = settings
        self._manifest = Manifest(settings.home)

    def items(self) -> Iterator[Item]:
        """Everything that has an age; artifacts have here that of their folder."""
        for folder in _folders(self._settings.artifacts):
            yield self._by_hash(Kind.ARTIFACT, folder, folder.name)
        probabilities = self._home / "estimator_probabilities"
        for path in sorted(probabilities.glob("*.npz")):
            yield self._by_hash(Kind.PROBABILITIES, path, path.stem)
        yield from self._training_sets()
        yield from self._pages()
        for path in sorted((self._home / "records").glob("*@*.json")):
            at = _time(path.stem.rpartition("@")[2], _RECORD_TIME)
            if at is not None:
                yield Item(Kind.WINDOW_RECORD, self._name(path), at, _size(path))
        copies = sorted(_folders(self._settings.dbt), key=_changed)
        for folder in copies[:-1]:
            yield self._on_the_wall(Kind.DBT_PROJECT, folder)
        for path in sorted((self._home / "logs").glob("*")):
            if path.is_file():
                yield self._on_the_wall(Kind.LOG, path)

    def remove(self, items: Iterable[Item]) -> None:
        """Remove what is listed here of these items; the others are somebody else's."""
        known = []
        for item in items:
            if item.kind is Kind.TRAINING_SET:
                folder = self._settings.training_sets / item.key
                known += [folder / ROWS_FILE, folder / RECORD_FILE]
            elif item.kind is Kind.ARTIFACT:
                self._remove_folder(self._settings.artifacts / item.key)
            elif item.kind is Kind.PROBABILITIES:
                folder = self._home / "estimator_probabilities"
                (folder / f"{item.key}.npz").unlink(missing_ok=True)
            elif item.kind is Kind.DBT_PROJECT:
                self._remove_folder(self._home / item.key)
            elif item.kind is Kind.LOG:
                (self._home / item.key).unlink(missing_ok=True)
            elif item.kind in _BY_PATH:
                known.append(self._home / item.key)
        self._manifest.remove(*known)
        for folder in {path.parent for path in known}:
            if folder.parent != self._home and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _training_sets(self) -> Iterator[Item]:
        for model in _folders(self._settings.training_sets):
            for folder in _folders(model):
                record = folder / RECORD_FILE
                if record.exists():
                    at = datetime.fromisoformat(json.loads(record.read_bytes())["as_of"])
                    key = training_set_key(model.name, folder.name)
                    yield Item(Kind.TRAINING_SET, key, at, _size(folder))

    def _pages(self) -> Iterator[Item]:
        reports = self._settings.reports
        for path in sorted(reports.glob("*.html")):
            yield self._on_the_wall(Kind.EVALUATION_PAGE, path)
        for name, kind in _WINDOW_PAGES.items():
            for path in sorted(reports.glob(f"*/*/{name}")):
                at = _time(path.parent.name, _FOLDER_TIME)
                if at is not None:
                    yield Item(kind, self._name(path), at, _size(path))
        for path in sorted((reports / SELF_TESTS).glob("*.json")):
            at = _time(path.stem.rpartition("-")[0], _FOLDER_TIME)
            if at is not None:
                yield Item(Kind.SELF_TEST, self._name(path), at, _size(path))

    def _by_hash(self, kind: Kind, path: Path, sha256: str) -> Item:
        return Item(kind, sha256, _changed(path), _size(path), clock=Clock.WALL)

    def _on_the_wall(self, kind: Kind, path: Path) -> Item:
        return Item(kind, self._name(path), _changed(path), _size(path), clock=Clock.WALL)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._home).as_posix()

    def _remove_folder(self, folder: Path) -> None:
        """Move a folder out of sight in one step, then delete it: what a kill leaves, the next run removes."""
        if folder.is_dir():
            away = self._home / "run" / f"{folder.name}.{os.getpid()}{files.TEMPORARY_SUFFIX}"
            away.parent.mkdir(exist_ok=True)
            folder.rename(away)
            shutil.rmtree(away)


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.endswith(files.TEMPORARY_SUFFIX)
    )


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _size(path: Path) -> int:
    """The bytes that are free once a file, or a folder, is gone: not those that another link shares."""
    paths = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    states = [each.stat() for each in paths]
    return sum(state.st_size for state in states if state.st_nlink == 1)


def _time(text: str, form: str) -> datetime | None:
    """The time of a window by the name of its folder or record; ``None`` of a name that is no time."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
