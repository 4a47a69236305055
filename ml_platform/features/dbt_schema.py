"""The dbt contract of the features, rendered from the catalogue, so that the two cannot differ.

``python -m ml_platform.features.dbt_schema FILE`` writes it; a test holds the committed file to it.
"""

import json
import sys
from pathlib import Path

from ml_platform.features.catalogue import PATTERN_FEATURES
from ml_platform.features.spec import FeatureSpec, Kind
from ml_platform.files import write_text

MODEL = "pattern_features"

_TYPES = {Kind.NUMBER: "double", Kind.CATEGORY: "varchar", Kind.TOKENS: "varchar[]"}

_HEADER = """\
# Rendered from ml_platform/features/catalogue.py by `python -m ml_platform.features.dbt_schema`.
version: 2

models:
  - name: pattern_features
    description: One row an event, its keys, its label, and what was known of it at that moment.
"""

_KEYS = """\
    columns:
      - name: event_id
        data_type: varchar
        description: Identity of the event; traces the row to its source.
        data_tests: [not_null, unique]
      - name: user_id
        data_type: varchar
        description: Who.
        data_tests: [not_null]
      - name: session_id
        data_type: varchar
        description: >-
          Cluster of dependent rows: the source's, or the user's stretch of work without a pause of 30 minutes.
        data_tests: [not_null]
      - name: act_id
        data_type: varchar
        description: What happened as one observation.
        data_tests: [not_null]
      - name: occurred_at
        data_type: timestamp with time zone
        description: When, UTC.
        data_tests: [not_null]
      - name: is_bot
        data_type: boolean
        description: Whether a machine acted.
      - name: source
        data_type: varchar
        description: The source that delivered the event.
      - name: workflow_category
        data_type: varchar
        description: The label; null where unknown.
"""


def column_description(spec: FeatureSpec) -> str:
    """One line a person can act on: the reason, the window and what a missing value means."""
    unit = f" In {spec.unit}." if spec.unit else ""
    return f"{spec.reason}{unit} Window: {spec.window}. Missing: {spec.missing}."


def _ranges(specs: tuple[FeatureSpec, ...]) -> str:
    lines = [
        f"              {spec.name}: {{low: {_bound(spec.low)}, high: {_bound(spec.high)}}}"
        for spec in specs
        if spec.low is not None or spec.high is not None
    ]
    return "\n".join(
        [
            "    data_tests:",
            "      - within_ranges:",
            "          name: numbers_within_their_ranges",
            "          arguments:",
            "            ranges:",
            *lines,
            "",
        ]
    )


def _bound(value: float | None) -> str:
    return "null" if value is None else format(value, "g")


def _column(spec: FeatureSpec) -> str:
    return (
        f"      - name: {spec.name}\n"
        f"        data_type: {_TYPES[spec.kind]}\n"
        f"        description: {json.dumps(column_description(spec))}\n"
    )


def schema_yaml(specs: tuple[FeatureSpec, ...] = PATTERN_FEATURES) -> str:
    """The YAML of the model ``pattern_features``: contract, descriptions, ranges and tests."""
    return _HEADER + _ranges(specs) + _KEYS + "".join(_column(spec) for spec in specs)


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), schema_yaml())
