"""A home that an older release has written, made readable for this one: events stay, history is archived.

A migration takes a home from one format to the next. It works on what is stored, as text and files, never on the
values of this release, so that it stays true whatever later releases make of them. Every step may be repeated: a
migration that was killed is started again and ends the same; its last step writes the new format.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform import files
from ml_platform.application.archive import (
    ARCHIVED,
    MANIFEST,
    archive_name,
    archived_rows,
    archives,
    write_manifest,
)
from ml_platform.errors import UsageError
from ml_platform.home import FORMAT, home_file, stored_format
from ml_platform.settings import Settings

if TYPE_CHECKING:
    from ml_platform.adapters.database_urls import DatabaseUrls
    from ml_platform.adapters.tracking import Tracking

Progress = Callable[[str], None]

_DERIVED = ("features", "warehouse", "estimator_probabilities", "dagster")
"""Folders that the next run makes again from the events."""
_SIMULATED = ("lake/ceilings", "lake/known_anomalies")
"""Tables that a simulation writes again, under the names of this release; of any other source they are kept."""
_RENAMED = ("act_id", "change_set_id")
"""The column of the events that format 2 renamed."""
_STATUS_TAG = "status"


@dataclass(frozen=True)
class Migrated:
    """The state of a home after its migration, for a person to read."""

    format: int
    """The format that the home has now."""
    archives: tuple[Path, ...]
    """Folders with the history of earlier formats, this migration's last."""


def migrate(settings: Settings, progress: Progress) -> Migrated:
    """Bring the home to the format of this release; one that has it already is left alone.

    Raises:
        UsageError: nothing was run in the home yet, it is of a newer release, or a process uses its database.
    """
    number = stored_format(settings)
    if number is None:
        raise UsageError(
            f"Nothing has been run in the home {settings.home}.",
            remedy="name another --home, or start with `ml-platform run`",
        )
    if number > FORMAT:
        raise UsageError(
            f"The home {settings.home} has format {number}; this release reads format {FORMAT}.",
            remedy="use the newer release of ml-platform that wrote it",
        )
    while number < FORMAT:
        MIGRATIONS[number](settings, progress)
        number += 1
    return Migrated(number, archives(settings))


def from_format_1(settings: Settings, progress: Progress) -> None:
    """Migrate to format 2, which renamed fields of reports, policies, training sets, artifacts and features.

    A champion of format 1 cannot score the features of this release, and its report cannot be read as one of this
    release: both go to the archive as they are. Kept in place: the lake with its quarantine (but for what the
    simulation knows and writes again), source and clock, secrets, MLflow's experiments, runs and versions.
    """
    archive = settings.archive / archive_name(1)
    with _database(settings) as urls:
        _archive_ledger(urls.ml_platform, archive, progress)
        _archive_folders(settings, archive)
        write_manifest(archive)
        progress(f"archived: {archive}, every file by its SHA-256 in {MANIFEST}")
        _empty(urls, progress)
    _rename_in_events(settings, progress)
    simulated = _stored_source(settings)["text"] == "simulate"
    for name in (*_DERIVED, *(_SIMULATED if simulated else ())):
        shutil.rmtree(settings.home / name, ignore_errors=True)
    _begin_registry(settings, archive, progress)
    _begin_manifest(settings)
    _write_format(settings, 2)


def from_format_2(settings: Settings, progress: Progress) -> None:
    """Migrate to format 3, which publishes each feature table in parts (`adapters.feature_parts`).

    The one file that a table had goes; the next run builds the features from the lake again. All else stays.
    """
    from ml_platform.adapters.manifest import Manifest

    shutil.rmtree(settings.features, ignore_errors=True)
    Manifest(settings.home).adopt(settings.features)
    progress("features: removed; the next run publishes them again, in parts")
    _write_format(settings, 3)


def from_format_3(settings: Settings, progress: Progress) -> None:
    """Migrate to format 4, whose chain has more kinds of events, each with the clock on the wall.

    Events that stand in the chain are not touched: their hashes cover their text. Probabilities of estimators have
    a shorter form. The schema of the database follows when the services start; predictions then lie in weeks.
    """
    progress("chain: its events stay; later ones tell of rollouts and rollbacks, too")
    shutil.rmtree(settings.home / "estimator_probabilities", ignore_errors=True)
    progress("candidates: the next run fits them again; what parity needs is kept in less room")
    _write_format(settings, 4)


MIGRATIONS: dict[int, Callable[[Settings, Progress], None]] = {
    1: from_format_1,
    2: from_format_2,
    3: from_format_3,
}
"""The migration from each format to the next one."""


@contextmanager
def _database(settings: Settings) -> "Iterator[DatabaseUrls]":
    """The databases as they are: no table of this release is made.

    Raises:
        UsageError: another process of the home runs the database, and would go on using the old tables.
    """
    from ml_platform.adapters.database_urls import create_databases, database_urls
    from ml_platform.adapters.postgres import start_postgres

    if settings.database_url is not None:
        urls = database_urls(settings.database_url)
        create_databases(urls)
        yield urls
        return
    server = start_postgres(settings.home)
    if server.borrowed is not None:
        raise UsageError(
            f"Process {server.borrowed.owner} runs the database of {settings.home}.",
            remedy="end it (`ml-platform up`, a run), then migrate",
        )
    try:
        yield server.urls
    finally:
        server.stop()


def _archive_ledger(url: str, archive: Path, progress: Progress) -> None:
    from ml_platform.adapters.ledger.archive import export_tables

    if (archive / "ledger").exists():
        return
    with files.replacing_folder(archive / "ledger") as folder:
        rows = export_tables(url, folder)
    counts = ", ".join(f"{count:,} {table}" for table, count in rows.items() if count)
    progress(f"ledger exported: {counts}")


def _archive_folders(settings: Settings, archive: Path) -> None:
    """Move what goes to the archive; a folder that an interrupted migration has moved is not there any more."""
    home_copy = archive / "home.json"
    if not home_copy.exists():
        _write_private(home_copy, home_file(settings).read_bytes())
    for name in ARCHIVED:
        source, target = settings.home / name, archive / name
        if source.exists() and not target.exists():
            source.rename(target)


def _rename_in_events(settings: Settings, progress: Progress) -> None:
    """Give the events of the lake their column's new name; a person's own maps and queries are theirs to edit."""
    from ml_platform.adapters.stored_columns import rename_column

    old, new = _RENAMED
    if rename_column(settings.lake / "events", old, new):
        progress(f"events: the column {old} is now {new}")
    source = _stored_source(settings)
    for kind in ("map_file", "query_file"):
        if source.get(kind):
            progress(f"if {source[kind]} names {old}, write {new} there")


def _stored_source(settings: Settings) -> dict[str, Any]:
    source: dict[str, Any] = json.loads(home_file(settings).read_bytes())["source"]
    return source


def _empty(urls: "DatabaseUrls", progress: Progress) -> None:
    """Begin ledger and Dagster's history anew; the old tables stay in the database under another schema."""
    from ml_platform.adapters.ledger.archive import put_aside

    schema = archive_name(1).replace("-", "_")
    for url, what in ((urls.ml_platform, "ledger"), (urls.dagster, "Dagster's runs")):
        if put_aside(url, schema):
            progress(f"{what}: begun anew; the old tables are in the schema {schema}")


def _begin_registry(settings: Settings, archive: Path, progress: Progress) -> None:
    """Versions go on from the numbers that were given, so that none names two things; MLflow is told."""
    from ml_platform.adapters.ledger.postgres import PostgresLedger
    from ml_platform.adapters.mlflow_tracking import MlflowTracking
    from ml_platform.adapters.services import services

    versions = archived_versions(archive)
    if not versions:
        return
    with services(settings) as running:
        ledger = PostgresLedger(running.urls.ml_platform)
        for model, numbers in versions.items():
            ledger.number_after(model, max(numbers))
        ledger.close()
        withdraw(MlflowTracking(running.tracking_url), versions, archive.name)
    progress("MLflow: experiments, runs and versions stay; no archived version is a champion")


def _begin_manifest(settings: Settings) -> None:
    """From now on what the migration has kept or rewritten is known by its hash."""
    from ml_platform.adapters.manifest import FOLDERS, Manifest

    manifest = Manifest(settings.home)
    for folder in FOLDERS:
        manifest.adopt(settings.home / folder)


def archived_versions(archive: Path) -> dict[str, dict[int, str]]:
    """The versions of an archive by model: the number of each, and the number that MLflow gave it."""
    versions: dict[str, dict[int, str]] = {}
    for row in archived_rows(archive, "model_versions"):
        versions.setdefault(row["model"], {})[int(row["version"])] = row["mlflow_version"]
    return versions


def withdraw(tracking: "Tracking", versions: dict[str, dict[int, str]], archive: str) -> None:
    """Say in MLflow that these versions are archived, and take the alias of the champion off them."""
    from ml_platform.adapters.tracking import CHAMPION

    for model, numbers in versions.items():
        present = {version.number for version in tracking.registered(model)}
        for number in sorted(present & set(numbers.values())):
            tracking.tag_version(model, number, {_STATUS_TAG: "archived", "archive": archive})
        if tracking.alias(model, CHAMPION) in numbers.values():
            tracking.remove_alias(model, CHAMPION)


def _write_format(settings: Settings, number: int) -> None:
    """The last step: from now on the home is one of this format."""
    content = json.loads(home_file(settings).read_bytes()) | {"format": number}
    _write_private(
        home_file(settings), json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    )


def _write_private(path: Path, content: bytes) -> None:
    with files.replacing(path) as beside:
        beside.touch(mode=0o600)  # the URL of a source may hold a password
        beside.write_bytes(content)
