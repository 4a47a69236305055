"""A network as an ONNX graph whose bytes depend on its weights alone.

Only fits import this module, since it imports torch.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ml_platform.models.onnx_model import IR_VERSION, OPSET
from ml_platform.models.sequences.net import ServedNet
from ml_platform.models.sequences.scorer import NUMBERS, OUTPUT, STEPS


def export_network(net: ServedNet) -> bytes:
    """The graph: int64 (rows, length, channels), float32 (rows, numbers) to float32 (rows, classes + 1)."""
    rows, shape = torch.export.Dim("rows", min=1), net.shape
    steps = torch.ones(2, shape.length, len(shape.vocabularies), dtype=torch.int64)
    numbers = torch.zeros(2, shape.numbers)
    with _quiet():
        program = torch.onnx.export(
            net.eval(),
            (steps, numbers),
            input_names=[STEPS, NUMBERS],
            output_names=[OUTPUT],
            dynamic_shapes=({0: rows}, {0: rows}),
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise AssertionError("torch.onnx.export(dynamo=True) returns a program")
    return _canonical(program.model_proto)


def _canonical(model: Any) -> bytes:
    """The bytes of ``model`` without names of files, versions and traces, and with values named by their order."""
    from onnx import checker

    model.ir_version = IR_VERSION
    model.producer_name = model.producer_version = model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "sequence_network", ""
    del graph.metadata_props[:], graph.value_info[:]
    fixed = {STEPS, NUMBERS, OUTPUT}
    names: dict[str, str] = {name: name for name in ("", *fixed)}
    for initializer in graph.initializer:
        initializer.name = names.setdefault(initializer.name, f"w{len(names)}")
        initializer.doc_string = ""
        del initializer.metadata_props[:]
    for place, node in enumerate(graph.node):
        node.name, node.doc_string = f"n{place}", ""
        del node.metadata_props[:]
        for values in (node.input, node.output):
            values[:] = [names.setdefault(value, f"v{len(names)}") for value in values]
    for value in (*graph.input, *graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
    checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which warns of its own internals; the graph itself is checked by the parity gate."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
