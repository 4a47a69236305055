"""A fitted forest and its calibration as one ONNX graph: matrix in, calibrated probabilities out.

Written from the trees' own arrays: class weights that are 0 are left out, and nothing passes through lists of
Python objects a node, so that the file is smaller and the peak of memory four times lower than with a general
converter.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.models.random_forest.calibration import FLOOR, Calibration

if TYPE_CHECKING:
    import onnx
    from sklearn.ensemble import RandomForestClassifier

INPUT = "matrix"
OUTPUT = "calibrated"
OPSET = 18
ML_OPSET = 3
IR_VERSION = 9


@dataclass(frozen=True)
class _Tree:
    """One tree as the columns of ONNX's TreeEnsembleRegressor; leaves point to node 0."""

    features: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    weight_nodes: np.ndarray
    weight_classes: np.ndarray
    weights: np.ndarray


def export_forest(
    forest: "RandomForestClassifier", calibration: Calibration, classes: int
) -> bytes:
    """The graph: float32 (rows, columns) to float32 (rows, classes), each row summing to one.

    Classes that training has not seen get their column too (forest probability 0). The same forest gives
    the same bytes. Thresholds must be exact in float32 (`ml_platform.models.encoding` sees to it).
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    constants = {
        "floor": np.array([FLOOR], dtype=np.float32),
        "offset": np.array(calibration.offset, dtype=np.float32),
        "temperature": np.array([calibration.temperature], dtype=np.float32),
    }
    nodes = [
        _ensemble(forest, classes),
        helper.make_node("Add", ["raw", "floor"], ["floored"]),
        helper.make_node("Log", ["floored"], ["logs"]),
        helper.make_node("Add", ["logs", "offset"], ["leaning"]),
        helper.make_node("Mul", ["leaning", "temperature"], ["logits"]),
        helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1),
    ]
    width = int(forest.n_features_in_)
    graph = helper.make_graph(
        nodes,
        "calibrated_forest",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _ensemble(forest: "RandomForestClassifier", classes: int) -> "onnx.NodeProto":
    from onnx import helper

    seen = np.asarray(forest.classes_, dtype=np.int64)
    trees = [_tree(tree.tree_, seen, len(forest.estimators_)) for tree in forest.estimators_]
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["raw"],
        domain="ai.onnx.ml",
        n_targets=classes,
        aggregate_function="SUM",
        post_transform="NONE",
    )
    sizes = [len(tree.features) for tree in trees]
    numbers = [len(tree.weights) for tree in trees]
    _ints(node, "nodes_treeids", np.repeat(np.arange(len(trees)), sizes))
    _ints(node, "nodes_nodeids", np.concatenate([np.arange(size) for size in sizes]))
    _ints(node, "nodes_featureids", np.concatenate([tree.features for tree in trees]))
    _floats(node, "nodes_values", np.concatenate([tree.thresholds for tree in trees]))
    _ints(node, "nodes_truenodeids", np.concatenate([tree.left for tree in trees]))
    _ints(node, "nodes_falsenodeids", np.concatenate([tree.right for tree in trees]))
    modes = np.where(np.concatenate([tree.leaf for tree in trees]), b"LEAF", b"BRANCH_LEQ")
    attribute = node.attribute.add(name="nodes_modes", type=8)
    attribute.strings.extend(modes.tolist())
    _ints(node, "target_treeids", np.repeat(np.arange(len(trees)), numbers))
    _ints(node, "target_nodeids", np.concatenate([tree.weight_nodes for tree in trees]))
    _ints(node, "target_ids", np.concatenate([tree.weight_classes for tree in trees]))
    _floats(node, "target_weights", np.concatenate([tree.weights for tree in trees]))
    return node


def _tree(tree: Any, seen: np.ndarray, trees: int) -> _Tree:
    left = np.asarray(tree.children_left, dtype=np.int64)
    right = np.asarray(tree.children_right, dtype=np.int64)
    value = np.asarray(tree.value)[:, 0, :]
    leaf = left < 0
    shares = value / value.sum(axis=1, keepdims=True) / trees
    places, columns = np.nonzero(np.where(leaf[:, None], shares, 0.0))
    return _Tree(
        features=np.where(leaf, 0, tree.feature),
        thresholds=np.where(leaf, 0.0, tree.threshold),
        left=np.where(leaf, 0, left),
        right=np.where(leaf, 0, right),
        leaf=leaf,
        weight_nodes=places,
        weight_classes=seen[columns],
        weights=shares[places, columns],
    )


def _ints(node: "onnx.NodeProto", name: str, values: np.ndarray) -> None:
    attribute = node.attribute.add(name=name, type=7)
    attribute.ints.extend(values.tolist())


def _floats(node: "onnx.NodeProto", name: str, values: np.ndarray) -> None:
    attribute = node.attribute.add(name=name, type=6)
    attribute.floats.extend(values.astype(np.float32).tolist())
