"""Models that other packages bring: loaded once a process, checked, and put beside those of the platform.

Nothing is loaded before the catalogue is asked for, and a plug-in that cannot be used costs one line.
"""

import importlib.resources
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import EntryPoint
from types import ModuleType

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, ParsedProject, parsed_project
from ml_platform.adapters.entry_points import (
    MODEL_GROUP,
    UnusableEntryPoint,
    entries,
    loaded,
    package_of,
)
from ml_platform.errors import IntegrityError
from ml_platform.gates.faults.catalogue import require_faults
from ml_platform.models.catalogue import Catalogue
from ml_platform.models.plugin import ModelPlugin, Refusal
from ml_platform.settings import Settings
from ml_platform.spec.model import ModelSpec

DBT_FOLDER = "dbt_models"


@cache
def installed_catalogue() -> Catalogue:
    """The models of the platform and of every installed plug-in that fits; loaded once a process."""
    plugins, refusals = [], []
    for entry in entries(MODEL_GROUP):
        try:
            plugins.append(_load_model(entry))
        except UnusableEntryPoint as error:
            refusals.append(Refusal(package_of(entry), entry.name, str(error)))
    platform_sql = frozenset(PLATFORM_PROJECT.sql_by_model()) if plugins else frozenset()
    catalogue = Catalogue().with_plugins(plugins, refusals, platform_sql)
    for plugin in catalogue.plugins:
        try:
            require_faults((plugin.spec,))
        except IntegrityError as error:
            catalogue = catalogue.without(plugin, error.message)
    return catalogue


@cache
def home_project(settings: Settings) -> ParsedProject:
    """The dbt project of a home, parsed, and the catalogue of the models whose tables it computes."""
    return parsed_project(installed_catalogue(), settings)


def begin_parsing(settings: Settings) -> None:
    """Parse the dbt project of a home, where it is new, while something else is done.

    Whoever asks for the project meanwhile waits for what is left of it, and gets the error if there is one.
    """
    background = ThreadPoolExecutor(1, thread_name_prefix="dbt-parse")
    background.submit(home_project, settings)
    background.shutdown(wait=False)


@cache
def warn_of(refusals: tuple[Refusal, ...]) -> None:
    """One line for each plug-in that was left out, on standard error or in Dagster's log; once a process."""
    for refusal in refusals:
        logging.getLogger(__name__).warning("ml-platform: %s", refusal)


def spec_named(name: str) -> ModelSpec:
    """The installed model called ``name``; see `Catalogue.spec_named`."""
    return installed_catalogue().spec_named(name)


def _load_model(entry: EntryPoint) -> ModelPlugin:
    brought = loaded(entry)
    if isinstance(brought, ModuleType):
        if not hasattr(brought, "SPEC"):
            raise UnusableEntryPoint(f"the module {entry.module} has no SPEC")
        brought = brought.SPEC
    if not isinstance(brought, ModelSpec):
        raise UnusableEntryPoint(f"{entry.value} holds a {type(brought).__name__}, not a ModelSpec")
    return ModelPlugin(package_of(entry), entry.name, brought, dict(_dbt_files(entry.module)))


def _dbt_files(module: str) -> Iterator[tuple[str, str]]:
    """Name and text of the SQL and YAML files in the folder beside ``module``; none where there is none."""
    package = sys.modules[module].__package__
    if not package:  # a single file beside others that are not its own
        return
    folder = importlib.resources.files(package) / DBT_FOLDER
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".sql", ".yml")):
            yield file.name, file.read_text(encoding="utf-8")
