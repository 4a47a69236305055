"""An artifact that answers the same, bit for bit, and takes its time."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ml_platform.spec.artifact import Artifact

MODEL_FILE = "model.onnx"


def slowed(artifact: Artifact, products: int = 4, width: int = 800) -> Artifact:
    """Its graph multiplies matrices of zeros before it answers: some 20 ms each on one core."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(artifact.files[MODEL_FILE])
    graph = model.graph
    (output,) = (each.name for each in graph.output)
    for node in graph.node:
        node.output[:] = ["fast" if name == output else name for name in node.output]
    graph.initializer.append(numpy_helper.from_array(np.array(0.0, np.float32), "nothing"))
    graph.initializer.append(numpy_helper.from_array(np.array([width, width]), "wide"))
    graph.node.append(helper.make_node("ReduceSum", ["fast"], ["sum"], keepdims=0))
    graph.node.append(helper.make_node("Mul", ["sum", "nothing"], ["zero"]))
    graph.node.append(helper.make_node("Expand", ["zero", "wide"], ["zeros_0"]))
    for place in range(products):
        before, after = f"zeros_{place}", f"zeros_{place + 1}"
        graph.node.append(helper.make_node("MatMul", [before, before], [after]))
    graph.node.append(helper.make_node("ReduceSum", [f"zeros_{products}"], ["late"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["fast", "late"], [output]))
    content = model.SerializeToString(deterministic=True)
    return replace(artifact, files=MappingProxyType({**artifact.files, MODEL_FILE: content}))
