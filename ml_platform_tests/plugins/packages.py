"""Packages of somebody else, as an installer leaves them in a folder: modules, and metadata with entry points."""

from pathlib import Path

SPEC_MODULE = """\
from dataclasses import replace

from ml_platform.models.pattern_classifier import SPEC as BASE
from ml_platform.spec.data_need import DataNeed
from ml_platform.spec.feature_table import FeaturePart, FeatureTable

TABLE = replace(
    BASE.table,
    name="{name}_features",
    parts=(FeaturePart(BASE.table.features, sql=("{name}_features",)),),
)
SPEC = replace(BASE, name="{name}", table=TABLE)
"""
"""A model on a table of its own with the features of the pattern classifier."""
SQL = "select * from {{ ref('pattern_features') }}\n"


def write_package(
    folder: Path, package: str, groups: dict[str, dict[str, str]], files: dict[str, str]
) -> None:
    """Write ``files`` and the metadata of ``package`` with the entry points of each group into ``folder``."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()), "")
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def write_model(
    folder: Path, name: str, module: str | None = None, sql: str | None = SQL, entry: str = ""
) -> None:
    """A package ``<name>-package`` whose entry point ``entry`` is a model on its own table."""
    files = {
        f"{name}_module/__init__.py": SPEC_MODULE.format(name=name) if module is None else module
    }
    if sql is not None:
        files[f"{name}_module/dbt_models/{name}_features.sql"] = sql
    groups = {"ml_platform.models": {entry or name: f"{name}_module"}}
    write_package(folder, f"{name}-package", groups, files)
