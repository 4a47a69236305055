"""The dbt project of a home: a copy of the platform's, with the dbt models that plug-ins bring in it.

It lies in the home under the hash of its content, so that an installed package is never written to, an edit of a
plug-in is a new project, and what dbt has parsed once is not parsed again.
"""

import fcntl
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml_platform import files, resources
from ml_platform.adapters.dbt_run import (
    dbt_arguments,
    dbt_variables,
    run_dbt,
    take_over_parse,
    target_folder,
)
from ml_platform.adapters.kept_parses import KeptParses, parse_key
from ml_platform.errors import ServiceError
from ml_platform.features.dbt_schema import schema_file, schema_yaml
from ml_platform.features.tables import TABLES
from ml_platform.models.catalogue import Catalogue
from ml_platform.models.plugin import ModelPlugin
from ml_platform.settings import Settings
from ml_platform.spec.feature_table import FeatureTable

_PARTS = ("models", "macros", "tests")
_PLUGIN_MODELS = "models/features/plugins"
"""The folder of the plug-ins' models; below ``features`` their tables are built and published like all others."""
_PARSE_AS_OF = datetime(2000, 1, 1, tzinfo=UTC)
"""Parsing compiles nothing: lake, warehouse and clock of a parse are never read."""


@dataclass(frozen=True)
class DbtProject:
    """A dbt project on disk and the feature tables that it computes, by name."""

    folder: Path
    tables: Mapping[str, FeatureTable]

    def sql_by_model(self) -> dict[str, str]:
        """The SQL of the project by file name without ending: models and the macros they call."""
        paths = sorted((*self.folder.glob("models/**/*.sql"), *self.folder.glob("macros/*.sql")))
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}

    def models_of_asked_rows(self) -> frozenset[str]:
        """The dbt models that have asked rows alone, as their SQL says (macros/asked.sql), and what reads them."""
        return self._reading(
            name
            for name, text in self._models().items()
            if "{{ asked(" in text or "{{ asked_of_moments(" in text
        )

    def models_of_read_events(self) -> frozenset[str]:
        """The dbt models that follow from the events that a build reads."""
        return self._reading(("int_read_events",))

    def columns(self, model: str) -> tuple[tuple[str, str], ...]:
        """Names and types of the columns in the contract of a model, whose YAML file is named after it."""
        import yaml

        (path,) = self.folder.glob(f"models/**/_{model}.yml")
        (declared,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        return tuple((column["name"], column["data_type"]) for column in declared["columns"])

    def plugin_models(self) -> tuple[Path, ...]:
        """The SQL files of models that plug-ins bring."""
        return tuple(sorted((self.folder / _PLUGIN_MODELS).rglob("*.sql")))

    def _models(self) -> dict[str, str]:
        """The SQL of the models by name."""
        paths = sorted(self.folder.glob("models/**/*.sql"))
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}

    def _reading(self, models: Iterable[str]) -> frozenset[str]:
        """Models and all that read them, but for those that have the published rows besides."""
        found, texts = set(models), self._models()
        while more := {
            name
            for name, text in texts.items()
            if name not in found
            and "{{ kept(" not in text
            and any(f"ref('{read}')" in text for read in found)
        }:
            found |= more
        return frozenset(found)


PLATFORM_PROJECT = DbtProject(resources.dbt_project(), TABLES)
"""The platform's own, without plug-ins, where it is installed."""


@dataclass(frozen=True)
class ParsedProject:
    """A dbt project that dbt has parsed, and the catalogue of the models whose tables it computes."""

    catalogue: Catalogue
    project: DbtProject
    manifest: Path


def parsed_project(catalogue: Catalogue, settings: Settings) -> ParsedProject:
    """The project of ``catalogue`` in a home, parsed: some 5 s when its content is new to the user, else nothing.

    It is parsed with the ``--vars`` of builds of the home, so that the first does not parse it again.
    A plug-in whose dbt models cannot be parsed is left out of the catalogue with dbt's reason.

    Raises:
        ServiceError: the project of the platform itself cannot be parsed.
    """
    try:
        return _parsed(catalogue, settings)
    except ServiceError:
        if not catalogue.plugins:
            raise
    for plugin in catalogue.plugins:
        try:
            _parsed(_alone(plugin), settings)
        except ServiceError as error:
            catalogue = catalogue.without(plugin, f"dbt cannot parse its models: {error.message}")
    return _parsed(catalogue, settings)


def assemble(catalogue: Catalogue, folder: Path) -> DbtProject:
    """Write the project of ``catalogue`` to ``<folder>/<hash of its content>/project``, unless it is there."""
    content = _platform_files() | {
        f"{_PLUGIN_MODELS}/{plugin.package}/{name}": text
        for plugin in catalogue.plugins
        for name, text in _plugin_files(plugin).items()
    }
    place = folder / _digest(content) / "project"
    if not place.exists():
        with files.replacing_folder(place) as beside:
            for name, text in content.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_text(text, encoding="utf-8")
    return DbtProject(place, catalogue.tables)


def _alone(plugin: ModelPlugin) -> Catalogue:
    """The catalogue of the platform with this plug-in and no other."""
    alone = Catalogue()
    return Catalogue((*alone.models, plugin.spec), (plugin,))


def _parsed(catalogue: Catalogue, settings: Settings) -> ParsedProject:
    """The project, written and parsed by one process, and one thread, at a time."""
    folder = settings.dbt
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        project = assemble(catalogue, folder)
        beside = project.folder.parent
        failure = beside / "failure.txt"
        if failure.exists():
            raise ServiceError(failure.read_text(encoding="utf-8"), remedy="correct its dbt models")
        if not (beside / "parsed").exists():
            _parse(project, settings, failure)
            (beside / "parsed").touch()
    return ParsedProject(catalogue, project, beside / "dbt" / "manifest.json")


def _parse(project: DbtProject, settings: Settings, failure: Path) -> None:
    """Run ``dbt parse``, unless its result is kept already; what dbt says against the project is asked once."""
    beside = project.folder.parent / "parse.duckdb"
    target = target_folder(beside)
    kept = KeptParses(settings.cache / "dbt" if settings.cache else None)
    key = parse_key(project.folder.parent.name, dbt_variables(settings.lake, settings.warehouse))
    if not kept.lay_out(key, target):
        settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        arguments = dbt_arguments(
            "parse", settings.lake, settings.warehouse, _PARSE_AS_OF, project.folder, target=target
        )
        try:
            run_dbt(arguments, beside, lambda _: None)
        except ServiceError as error:
            files.write_text(failure, error.message)
            raise
        kept.keep(key, target)
    take_over_parse(target, settings.warehouse)


def _platform_files() -> dict[str, str]:
    root = resources.dbt_project()
    paths = [*root.glob("*.yml"), *(path for part in _PARTS for path in (root / part).rglob("*"))]
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(paths)
        if path.suffix in (".sql", ".yml")
    }


def _plugin_files(plugin: ModelPlugin) -> dict[str, str]:
    """Its SQL and YAML, and the contract of its table, rendered from the declaration as the platform's are."""
    table = plugin.spec.table
    if table.name not in plugin.sql_names:
        return dict(plugin.dbt_files)
    return {**plugin.dbt_files, schema_file(table): schema_yaml(table)}


def _digest(content: Mapping[str, str]) -> str:
    """Sixteen hexadecimal digits of names and texts."""
    digest = hashlib.sha256()
    for name in sorted(content):
        digest.update(f"{name}\0{content[name]}\0".encode())
    return digest.hexdigest()[:16]
