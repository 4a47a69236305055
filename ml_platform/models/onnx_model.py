"""Bytes of ONNX graphs that depend on their content alone, and sessions that sum in the same order every time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

PACKET = 4
"""Numbers that ONNX Runtime puts into one vector; see `run_in_packets`."""
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


def run_in_packets(
    session: Any, output: str, inputs: Mapping[str, np.ndarray], packet: int = PACKET
) -> Any:
    """The ``output`` for the rows of ``inputs``, each row to the bit the same whatever rows come with it.

    ONNX Runtime computes some operators for four numbers at a time, and those that are left at the end by another
    formula; a matrix product with a single row adds in another order. So rows are filled up to a multiple of
    ``packet`` by repeating the last one, and what was added is cut off again.
    """
    rows = len(next(iter(inputs.values())))
    added = -rows % packet
    if not added:
        return session.run([output], inputs)[0]
    places = np.minimum(np.arange(rows + added), rows - 1)
    filled = {name: array.take(places, axis=0) for name, array in inputs.items()}
    return session.run([output], filled)[0][:rows]
