"""Writes the dbt contracts of the feature tables: ``python -m ml_platform.adapters.dbt_schema_files FOLDER``."""

import sys
from pathlib import Path

from ml_platform.features.dbt_schema import schema_file, schema_yaml
from ml_platform.features.tables import TABLES
from ml_platform.files import write_text


def write_schemas(folder: Path) -> None:
    """Write the contract of every feature table of the platform into ``folder``."""
    for table in TABLES.values():
        write_text(folder / schema_file(table), schema_yaml(table))


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
