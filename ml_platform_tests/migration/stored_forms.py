"""The form of every stored value: names and types of its fields, and of all that is inside it.

`python -m ml_platform_tests.migration.stored_forms` writes the list anew, after `home.FORMAT` was raised and a
migration was written. While a format has not been released, `--unreleased` writes the list without a new format.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.events.schema import TABLES
from ml_platform.experiments.definition import Definition
from ml_platform.experiments.result import ExperimentResult
from ml_platform.features.future_check import FutureCheck
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.record import EvaluationRecord
from ml_platform.home import FORMAT, HomeState
from ml_platform.models.candidate import CandidateRecord
from ml_platform.monitoring.alerts import Alert
from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.incidents.events import IncidentEvent
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.registry.records import (
    PolicyRevision,
    ProductionState,
    PromotionEvent,
    RetrainingRequest,
    VersionRecord,
)
from ml_platform.reporting.messages import Message
from ml_platform.spec.artifact import FORMAT as MANIFEST_FORMAT
from ml_platform.spec.feature import FeatureSpec
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.training_set import TrainingSetRecord

STORED: tuple[type, ...] = (
    Alert,
    Baseline,
    CandidateRecord,
    Definition,
    EvaluationReport,
    ExperimentResult,
    FeatureSpec,
    FutureCheck,
    GatePolicy,
    HomeState,
    IncidentEvent,
    IntegrityEvidence,
    Message,
    EvaluationRecord,
    MonitoringReport,
    PolicyRevision,
    ProductionState,
    PromotionEvent,
    RetrainingRequest,
    TrainingSetRecord,
    VersionRecord,
)
"""What is stored as JSON: in the ledger, in the records of assets, in the home itself."""
FILE = Path(__file__).with_name("stored_forms.json")
REMEDY = (
    "changed stored form: raise FORMAT in ml_platform/home.py, write the migration that leaves the format "
    "before (ml_platform/application/migrate.py) with its test, then run "
    "`python -m ml_platform_tests.migration.stored_forms`"
)


def forms() -> dict[str, dict[str, Any]]:
    """By stored value, then by class in it: its fields with their types, or, of an enumeration, its values."""
    listed: dict[str, dict[str, Any]] = {}
    for kind in STORED:
        schema = TypeAdapter(kind).json_schema()
        parts = {**schema.pop("$defs", {}), kind.__name__: schema}
        listed[kind.__name__] = {name: _form(part) for name, part in sorted(parts.items())}
    listed["lake"] = {
        table: {field.name: str(field.type) for field in schema} for table, schema in TABLES.items()
    }
    listed["artifact"] = {"manifest format": MANIFEST_FORMAT}
    return listed


def _form(schema: dict[str, Any]) -> Any:
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])
    required = schema.get("required", [])
    return {
        name + ("" if name in required else "?"): _type(field)
        for name, field in sorted(schema.get("properties", {}).items())
    }


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(_type(option) for option in schema[several])
    if "const" in schema:
        return repr(schema["const"])
    kind = schema.get("type", "any")
    if kind == "array":
        inner = [_type(item) for item in schema.get("prefixItems", [schema.get("items", {})])]
        return f"array[{', '.join(inner)}]"
    if kind == "object":
        return f"object[{_type(schema.get('additionalProperties') or {})}]"
    return f"{kind}:{schema['format']}" if "format" in schema else str(kind)


def changed(stored: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """Names of the stored values whose form is another one, is new, or is gone."""
    return sorted(
        name for name in stored.keys() | present.keys() if stored.get(name) != present.get(name)
    )


def main() -> None:
    """Write the list; refused while the forms have changed and the format has not."""
    stored = json.loads(FILE.read_text()) if FILE.exists() else {"format": 0, "forms": {}}
    names = changed(stored["forms"], forms())
    if names and stored["format"] == FORMAT and "--unreleased" not in sys.argv:
        sys.exit(f"{', '.join(names)}: {REMEDY}")
    FILE.write_text(json.dumps({"format": FORMAT, "forms": forms()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
