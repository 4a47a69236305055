"""Our artifact folder as a model that MLflow's registry page can show: its MLmodel file."""

import json
from importlib import metadata
from pathlib import Path

_REQUIREMENTS = ("numpy", "onnx", "onnxruntime", "pandas")
"""Given, not inferred: inference runs the model in a process of its own for 20 s."""


def write_mlflow_model(folder: Path, run_id: str) -> None:
    """Write ``MLmodel`` and ``requirements.txt`` beside the files of an artifact.

    The signature is of the features that the artifact takes (its manifest) and of a probability a
    class. There is no ``python_function`` flavour on purpose: MLflow would hand rows to the bare ONNX
    graph, which takes the encoded matrix; the platform's own loader checks hashes and encodes.
    """
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    manifest = json.loads((folder / "manifest.json").read_text())
    kinds = {
        "number": DataType.double,
        "category": DataType.string,
        "tokens": Array(DataType.string),
    }
    inputs = Schema(
        [
            ColSpec(kinds[kind], name, required=False)
            for name, kind in sorted(manifest["features"].items())
        ]
    )
    outputs = Schema([ColSpec(DataType.double, name) for name in manifest["classes"]])
    model = Model(run_id=run_id, signature=ModelSignature(inputs=inputs, outputs=outputs))
    if "model.onnx" in manifest["files"]:
        model.add_flavor(
            "onnx",
            onnx_version=metadata.version("onnx"),
            data="model.onnx",
            providers=["CPUExecutionProvider"],
            code=None,
        )
    model.save(str(folder / "MLmodel"))
    pins = "\n".join(f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS)
    (folder / "requirements.txt").write_text(pins + "\n")
