"""Tested features leave the warehouse, and their definitions are kept with a version each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.application.asked_features import BuiltFrom, remember_build
from ml_platform.application.connections import Connections
from ml_platform.errors import IntegrityError
from ml_platform.spec.feature import FeatureSpec
from ml_platform.spec.feature_table import FeatureTable

if TYPE_CHECKING:
    from ml_platform.adapters.dbt_project import DbtProject


@dataclass(frozen=True)
class CataloguedFeature:
    """A feature as the catalogue shows it."""

    table: str
    version: str
    """Changes with the definition and with the SQL that computes the feature."""
    spec: FeatureSpec


def build_warehouse(
    platform: Connections,
    project: "DbtProject",
    asked: Mapping[str, datetime],
    progress: Callable[[str], None],
) -> None:
    """Build and test every dbt model up to the clock of the home, of tables in ``asked`` the rows from then on.

    Raises:
        ServiceError: dbt did not run, or a model failed.
        IntegrityError: a data test failed.
    """
    from ml_platform.adapters.dbt_run import dbt_arguments, run_dbt
    from ml_platform.adapters.warehouse import lay_out_kept_parts

    settings, as_of = platform.settings, platform.home.as_of
    lay_out_kept_parts(project, settings.features, settings.warehouse, asked)
    arguments = dbt_arguments(
        "build", settings.lake, settings.warehouse, as_of, project.folder, asked
    )
    run_dbt(arguments, settings.warehouse, progress)


def publish_features(
    platform: Connections,
    project: "DbtProject",
    present: BuiltFrom,
    progress: Callable[[str], None],
) -> dict[str, str]:
    """Export every feature table of the warehouse in parts, and keep the version of every feature.

    To be called when dbt has built the warehouse and all of its tests have passed.

    Args:
        platform: The home.
        project: The tables.
        present: What was read before dbt was started.
        progress: Called with a line a table.

    Returns:
        The version of the rows of each table.
    """
    from ml_platform.adapters.warehouse import publish_features as export

    settings = platform.settings
    export_result = export(settings.features, settings.warehouse, project)
    definitions = {}
    for table in project.tables.values():
        versions = table.versions(export_result.sql_by_model)
        for feature in table.features:
            definition = (versions[feature.name], values.to_json(feature))
            definitions[table.qualified(feature.name)] = definition
    platform.ledger.save_feature_definitions(definitions, at=platform.home.as_of)
    for name, rows in export_result.rows.items():
        progress(f"{name}: {rows:,} rows with {len(project.tables[name].features)} features")
    versions = export_result.versions()
    remember_build(platform, present, versions)
    return {name: versions[name] for name in project.tables}


def is_published(platform: Connections, table: FeatureTable, version: str) -> bool:
    """Whether the stored parts of a table are those that were published as this version of it."""
    from ml_platform.adapters.feature_parts import is_sound, table_version
    from ml_platform.adapters.manifest import Manifest

    folder = platform.settings.features / table.name
    return table_version(folder) == version and is_sound(folder, Manifest(platform.settings.home))


def feature_versions(platform: Connections, table: FeatureTable) -> dict[str, str]:
    """The version of each feature of ``table`` as it was last published, by name.

    Raises:
        IntegrityError: a feature was never built in this home.
    """
    definitions = platform.ledger.feature_definitions()
    names = [feature.name for feature in table.features]
    missing = [name for name in names if table.qualified(name) not in definitions]
    if missing:
        raise IntegrityError(
            f"{table.name} has never been built in this home with {', '.join(missing[:3])}.",
            remedy=f"materialise features/{table.name} first, or `ml-platform run`",
        )
    return {name: definitions[table.qualified(name)][0] for name in names}


def feature_catalogue(
    platform: Connections, project: "DbtProject"
) -> tuple[CataloguedFeature, ...]:
    """Every feature of every table with the version that the ledger keeps.

    Raises:
        IntegrityError: a feature was never built in this home.
    """
    return tuple(
        CataloguedFeature(table.name, version, feature)
        for table in project.tables.values()
        for feature, version in zip(
            table.features, feature_versions(platform, table).values(), strict=True
        )
    )
