"""Bytes of ONNX graphs that depend on their content alone, and sessions that sum in the same order every time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

MODEL_FILE = "model.onnx"
"""The graph among the files of an artifact."""
OPSET = 18
ML_OPSET = 3
IR_VERSION = 9


def graph_bytes(
    name: str,
    nodes: "Sequence[onnx.NodeProto]",
    inputs: "Sequence[onnx.ValueInfoProto]",
    outputs: "Sequence[onnx.ValueInfoProto]",
    constants: Mapping[str, np.ndarray] | None = None,
    *,
    trees: bool = False,
) -> bytes:
    """The checked model of one graph; equal arguments give equal bytes.

    ``trees`` declares the operator set ``ai.onnx.ml``, which has the tree ensembles.
    """
    from onnx import checker, helper, numpy_helper

    initializers = [numpy_helper.from_array(array, key) for key, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    if trees:
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def inference_session(content: bytes) -> Any:
    """An ``onnxruntime.InferenceSession`` on one thread, so that sums are in the same order every time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
