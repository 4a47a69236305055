"""Networks with int8 weights, by ONNX Runtime's dynamic quantisation, which writes files."""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.spec.artifact import Artifact

QUANTISABLE = frozenset({"MatMul", "Gemm", "LSTM", "Gather", "Attention", "Conv"})
_PRODUCTS = frozenset({"MatMul", "Gemm", "LSTM", "Attention", "Conv"})
_LEAST_WEIGHTS = 1_000
"""A product with fewer weights costs next to nothing already."""


def quantised(artifact: Artifact) -> Artifact | None:
    """The artifact with int8 weights, whose predictions differ little; ``None`` where it saves nothing."""
    if MODEL_FILE not in artifact.files:
        return None
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load_from_string(artifact.files[MODEL_FILE])
    constants = {constant.name: constant for constant in model.graph.initializer}
    weights = [
        int(onnx.numpy_helper.to_array(constants[name]).size)
        for node in model.graph.node
        if node.op_type in _PRODUCTS
        for name in node.input
        if name in constants
    ]
    if max(weights, default=0) < _LEAST_WEIGHTS:
        return None
    with tempfile.TemporaryDirectory(prefix="ml-platform-int8-") as folder:
        path = Path(folder, MODEL_FILE)
        # It advises, for every model, to preprocess files for convolutions.
        logging.disable(logging.WARNING)
        try:
            quantize_dynamic(
                model,
                path,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=sorted(QUANTISABLE),
            )
        finally:
            logging.disable(logging.NOTSET)
        content = path.read_bytes()
    return replace(artifact, files=MappingProxyType({**artifact.files, MODEL_FILE: content}))
