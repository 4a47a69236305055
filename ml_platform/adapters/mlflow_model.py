"""Our artifact folder as an ordinary model of MLflow: its MLmodel file, an example of its input, and checksums."""

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.evaluation.tasks.registry import task_text
from ml_platform.spec.artifact import MANIFEST
from ml_platform.spec.feature import Kind
from ml_platform.spec.task import Task

if TYPE_CHECKING:
    from mlflow.models.signature import ModelSignature

LOADER = "ml_platform.adapters.mlflow_loader"
"""The module that MLflow imports to load a version; its name stands in every MLmodel file."""
MLMODEL = "MLmodel"
CHECKSUMS = "checksums.json"
"""The SHA-256 of every file beside the artifact's own, by name; the artifact's own are in its manifest."""
ARTIFACT, TASK = "artifact_sha256", "task"
"""What the MLmodel file hands to the loader: the artifact's identity, and the task as text."""
PREDICTION, CONFIDENCE = "prediction", "confidence"
_EXAMPLE = "input_example.json"
_SERVED_EXAMPLE = "serving_input_example.json"
_REQUIREMENTS = ("ml-platform", "numpy", "onnxruntime", "pandas", "pyarrow", "scipy")
"""Given, not inferred: inference runs the model in a process of its own for 20 s."""


def write_mlflow_model(folder: Path, run_id: str, task: Task) -> None:
    """Write, beside the files of an artifact, those that make it a model with MLflow's ``python_function`` flavour.

    There is no ``onnx`` flavour on purpose: MLflow would hand out the bare graph, which takes the encoded matrix,
    without looking at a hash.
    """
    from mlflow.models import Model

    manifest_bytes = (folder / MANIFEST).read_bytes()
    manifest = json.loads(manifest_bytes)
    example = _example(manifest["features"])
    (folder / _EXAMPLE).write_text(json.dumps(example))
    (folder / _SERVED_EXAMPLE).write_text(json.dumps({"dataframe_split": example}))
    pins = "\n".join(f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS)
    (folder / "requirements.txt").write_text(pins + "\n")
    model = Model(run_id=run_id, signature=_signature(manifest["features"], manifest["classes"]))
    model.saved_input_example_info = {
        "artifact_path": _EXAMPLE,
        "serving_input_path": _SERVED_EXAMPLE,
        "type": "dataframe",
        "pandas_orient": "split",
    }
    model.add_flavor(
        "python_function",
        loader_module=LOADER,
        python_version=platform.python_version(),
        config={ARTIFACT: values.text_sha256(manifest_bytes.decode()), TASK: task_text(task)},
    )
    model.save(str(folder / MLMODEL))
    own = {MANIFEST, *manifest["files"]}
    sums = {
        path.name: values.file_sha256(path)
        for path in sorted(folder.iterdir())
        if path.name not in own
    }
    (folder / CHECKSUMS).write_text(json.dumps(sums))


def answer_columns(classes: tuple[str, ...]) -> tuple[str, str]:
    """The names of the columns of prediction and confidence, which differ from every class."""
    prediction, confidence = PREDICTION, CONFIDENCE
    while {prediction, confidence} & set(classes):
        prediction, confidence = f"{prediction}_", f"{confidence}_"
    return prediction, confidence


def _signature(features: Mapping[str, str], classes: list[str]) -> "ModelSignature":
    """The features that the artifact takes (each may hold nothing), and its answer with the score of each class."""
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    kinds = {
        Kind.NUMBER: DataType.double,
        Kind.CATEGORY: DataType.string,
        Kind.TOKENS: Array(DataType.string),
    }
    inputs = [
        ColSpec(kinds[Kind(kind)], name, required=False) for name, kind in sorted(features.items())
    ]
    prediction, confidence = answer_columns(tuple(classes))
    outputs = [
        ColSpec(DataType.string, prediction),
        *(ColSpec(DataType.double, name) for name in (confidence, *classes)),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _example(features: Mapping[str, str]) -> dict[str, list[object]]:
    """Two rows as JSON, made up since real ones are of people: one with a value in each column, one with none."""
    made_up: dict[Kind, object] = {
        Kind.NUMBER: 1.0,
        Kind.CATEGORY: "example",
        Kind.TOKENS: ["example", "another"],
    }
    names = sorted(features)
    row = [made_up[Kind(features[name])] for name in names]
    return {"columns": list(names), "data": [row, [None] * len(names)]}
