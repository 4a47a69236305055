"""The doctor: faults of this machine or this home, each with its remedy; nothing is changed."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ml_platform.adapters.database_urls import answers, database_urls
from ml_platform.adapters.entry_points import SOURCE_GROUP, entries
from ml_platform.adapters.home_files import last_port
from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.adapters.postgres import closed_folders, opened_folders
from ml_platform.adapters.processes import free_port, is_same_process, read_record
from ml_platform.errors import PlatformError
from ml_platform.files import TEMPORARY_SUFFIX
from ml_platform.home import FORMAT, stored_format
from ml_platform.settings import Settings

SERVERS = ("postgres", "mlflow")
_FREE_BYTES = 2 * 1024**3
"""A home of 90 simulated days takes about 1 GB; below twice that a run may end on a full disk."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one examination: its subject, whether it is as it should be, and the remedy if not."""

    name: str
    ok: bool
    detail: str
    remedy: str


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at Python, packages, disk, permissions, servers, stale processes and leftovers."""
    return (
        _python(),
        _packages(),
        _plugins(),
        _writable(settings.home),
        _disk(settings.home),
        _format(settings),
        *(_server(settings.home, name) for name in SERVERS),
        _stale_processes(settings.home),
        _leftovers(settings.home),
        *_folders(settings),
        *_external(settings),
    )


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "Use Python 3.11 or newer.")


def _packages() -> Finding:
    faults = list(_package_faults())
    count = len(metadata.requires("ml-platform") or [])
    detail = "; ".join(faults) or f"{count} requirements are met"
    return Finding(
        "packages", not faults, detail, "Run `make install`: it installs constraints.txt."
    )


def _package_faults() -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in metadata.requires("ml-platform") or []:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is not installed"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement.name} is {installed}, needed is {requirement.specifier}"


def _plugins() -> Finding:
    catalogue = installed_catalogue()
    kinds = entries(SOURCE_GROUP)
    detail = "; ".join(map(str, catalogue.refusals)) or (
        f"{len(catalogue.plugins)} models and {len(kinds)} kinds of sources from other packages"
    )
    remedy = "Correct or uninstall the package; everything else works without it."
    return Finding("plug-ins", not catalogue.refusals, detail, remedy)


def _existing(home: Path) -> Path:
    """The home, or the nearest folder above it that exists."""
    return next(folder for folder in (home, *home.parents) if folder.exists())


def _writable(home: Path) -> Finding:
    folder = _existing(home)
    ok = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    detail = f"{home} can be written" if ok else f"{folder} cannot be written"
    return Finding("home", ok, detail, "Choose another home (--home), or change its permissions.")


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_existing(home)).free
    detail = f"{free / 1024**3:.1f} GiB free, needed are {_FREE_BYTES / 1024**3:.0f}"
    remedy = "Free some space, or put the home (--home) on another disk."
    return Finding("disk", free >= _FREE_BYTES, detail, remedy)


def _format(settings: Settings) -> Finding:
    number = stored_format(settings)
    detail = "nothing has been run yet" if number is None else f"{number} (this release: {FORMAT})"
    older = number is not None and number < FORMAT
    remedy = (
        f"Run `ml-platform migrate --home {settings.home}`."
        if older
        else "Use the newer release of ml-platform that wrote this home."
    )
    return Finding("home format", number in (None, FORMAT), detail, remedy)


def _server(home: Path, name: str) -> Finding:
    record = read_record(home, name)
    if record is not None and is_same_process(record.pid, record.started):
        detail = f"runs on port {record.port} (process {record.pid}, of process {record.owner})"
        return Finding(name, True, detail, "")
    port = last_port(home, name)
    if port is None:
        return Finding(name, True, "has not been started yet; any free port will do", "")
    if free_port(port) == port:
        return Finding(name, True, f"does not run; its port {port} is free", "")
    detail = f"does not run; its port {port} is taken, so the next start uses another one"
    return Finding(name, True, detail, "")


def _stale_processes(home: Path) -> Finding:
    """Servers whose owner is gone: their guard ends them within seconds, so one that stays is a fault."""
    stale = []
    for name in SERVERS:
        record = read_record(home, name)
        if record is None or not is_same_process(record.pid, record.started):
            continue
        if not is_same_process(record.owner, record.owner_started):
            stale.append(f"{name} (process {record.pid}) without process {record.owner}")
    detail = "; ".join(stale) or "none"
    return Finding("stale processes", not stale, detail, "Wait 15 s; then end these processes.")


def _leftovers(home: Path) -> Finding:
    """Files that a killed run left half written; the next run removes them, unless one writes them now."""
    leftovers = (
        sorted(path.name for path in home.rglob(f"*{TEMPORARY_SUFFIX}")) if home.exists() else []
    )
    shown = ", ".join(leftovers[:3]) + (", ..." if len(leftovers) > 3 else "")
    detail = f"{len(leftovers)} half-written: {shown}" if leftovers else "none"
    return Finding("leftovers", not leftovers, detail, "The next `ml-platform run` removes them.")


def _folders(settings: Settings) -> Iterator[Finding]:
    """Name, when run as root, the folders that PostgreSQL's user can walk through or has to be let through."""
    if os.geteuid() != 0 or settings.database_url is not None:
        return
    opened = ", ".join(map(str, opened_folders(settings.home)))
    closed = ", ".join(
        str(folder) for folder in closed_folders(settings.home) if folder != settings.home
    )
    changes = [f"opened to be walked through by others (o+x): {opened}"] if opened else []
    changes += (
        [f"the next start opens to be walked through by others (o+x): {closed}"] if closed else []
    )
    yield Finding("folders", True, "; ".join(changes) or "none had to be opened for PostgreSQL", "")


def _external(settings: Settings) -> Iterator[Finding]:
    """The servers that the settings name."""
    if settings.database_url is not None:
        remedy = "Check ML_PLATFORM_DATABASE_URL, or unset it to use a server of our own."
        try:
            ok = answers(database_urls(settings.database_url).ml_platform)
            yield Finding("database", ok, "answers" if ok else "does not answer", remedy)
        except PlatformError as error:
            yield Finding("database", False, error.message, error.remedy)
    if settings.tracking_url is not None:
        from ml_platform.adapters.mlflow_server import answers as mlflow_answers

        ok = mlflow_answers(settings.tracking_url)
        remedy = "Check ML_PLATFORM_TRACKING_URL, or unset it to use one of our own."
        detail = f"{settings.tracking_url} {'answers' if ok else 'does not answer'}"
        yield Finding("tracking", ok, detail, remedy)
