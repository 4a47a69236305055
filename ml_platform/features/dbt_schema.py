"""The dbt contract of a feature table, rendered from its declaration, so that the two cannot differ.

``python -m ml_platform.adapters.dbt_schema_files FOLDER`` writes them all; a test holds the committed files to it.
"""

import json

from ml_platform.spec.feature import FeatureSpec, Kind
from ml_platform.spec.feature_table import FeatureTable

_TYPES = {Kind.NUMBER: "double", Kind.CATEGORY: "varchar", Kind.TOKENS: "varchar[]"}

_HEADER = """\
# Rendered from ml_platform/features/{name}.py by `python -m ml_platform.adapters.dbt_schema_files`.
version: 2

models:
  - name: {name}
    description: {title}
"""

_KEYS = """\
    columns:
      - name: row_id
        data_type: varchar
        description: Identity of the row; traces it to its source.
        data_tests: [not_null, unique]
      - name: user_id
        data_type: varchar
        description: The user that the row is about.
        data_tests: [not_null]
      - name: cluster_id
        data_type: varchar
        description: Rows of one cluster depend on each other; intervals resample whole clusters.
        data_tests: [not_null]
      - name: change_set_id
        data_type: varchar
        description: Rows of one change set were observed together, such as the files of a commit.
        data_tests: [not_null]
      - name: occurred_at
        data_type: timestamp with time zone
        description: The time of the row, UTC.
        data_tests: [not_null]
      - name: is_bot
        data_type: boolean
        description: Whether a program did it, and no person.
      - name: source
        data_type: varchar
        description: The source that delivered the row.
"""


def column_description(spec: FeatureSpec) -> str:
    """One line for a person: the reason, the unit, the window and the meaning of a missing value."""
    unit = f" In {spec.unit}." if spec.unit else ""
    return f"{spec.reason}{unit} Window: {spec.window}. Missing: {spec.missing}."


def schema_file(table: FeatureTable) -> str:
    """The name of the rendered file."""
    return f"_{table.name}.yml"


def schema_yaml(table: FeatureTable) -> str:
    """The YAML of the table's dbt model: contract, descriptions, ranges and tests."""
    header = _HEADER.format(name=table.name, title=json.dumps(table.title))
    labels = [(each.name, each.sql_type, each.description) for each in table.labels]
    features = [(each.name, _TYPES[each.kind], column_description(each)) for each in table.features]
    columns = "".join(_column(*column) for column in (*labels, *features))
    return header + _ranges(table) + _KEYS + columns


def _ranges(table: FeatureTable) -> str:
    lines = [
        f"              {spec.name}: {{low: {_bound(spec.low)}, high: {_bound(spec.high)}}}"
        for spec in table.features
        if spec.low is not None or spec.high is not None
    ]
    if not lines:
        return ""
    return "\n".join(
        [
            "    data_tests:",
            "      - within_ranges:",
            f"          name: {table.name}_within_their_ranges",
            "          arguments:",
            "            ranges:",
            *lines,
            "",
        ]
    )


def _bound(value: float | None) -> str:
    return "null" if value is None else format(value, "g")


def _column(name: str, kind: str, description: str) -> str:
    return (
        f"      - name: {name}\n"
        f"        data_type: {kind}\n"
        f"        description: {json.dumps(description)}\n"
    )
