"""A fitted forest and its calibration as one ONNX graph: matrix in, calibrated probabilities out."""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.onnx_model import graph_bytes
from ml_platform.models.random_forest.calibration import FLOOR, Calibration
from ml_platform.models.tree_ensemble_onnx import LeafWeights, TreeNodes, tree_ensemble_node

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

INPUT, OUTPUT = "matrix", "calibrated"


def export_forest(
    forest: "RandomForestClassifier", calibration: Calibration, classes: int
) -> bytes:
    """The graph: float32 (rows, columns) to float32 (rows, classes), each row summing to one.

    Classes that training has not seen get their column too (forest probability 0). The same forest gives
    the same bytes. Thresholds must be exact in float32 (`ml_platform.models.encoding` sees to it).
    """
    from onnx import TensorProto, helper

    nodes, weights = _trees(forest)
    constants = {
        "floor": np.array([FLOOR], dtype=np.float32),
        "offset": np.array(calibration.offset, dtype=np.float32),
        "temperature": np.array([calibration.temperature], dtype=np.float32),
    }
    width = int(forest.n_features_in_)
    return graph_bytes(
        "calibrated_forest",
        [
            tree_ensemble_node(nodes, weights, matrix=INPUT, output="raw", targets=classes),
            helper.make_node("Add", ["raw", "floor"], ["floored"]),
            helper.make_node("Log", ["floored"], ["logs"]),
            helper.make_node("Add", ["logs", "offset"], ["leaning"]),
            helper.make_node("Mul", ["leaning", "temperature"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1),
        ],
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, classes])],
        constants,
        trees=True,
    )


def _trees(forest: "RandomForestClassifier") -> tuple[TreeNodes, LeafWeights]:
    """The forest's arrays; a leaf weighs each class by its share of the leaf's rows, over the number of trees."""
    known = np.asarray(forest.classes_, dtype=np.int64)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    sizes = [int(tree.node_count) for tree in trees]
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    leaves, targets, weights = [], [], []
    begin = 0
    for tree, size in zip(trees, sizes, strict=True):
        counts = np.asarray(tree.value)[:, 0, :]
        shares = counts / counts.sum(axis=1, keepdims=True) / len(trees)
        places, columns = np.nonzero(np.where(leaf[begin : begin + size, None], shares, 0.0))
        leaves.append(places + begin)
        targets.append(known[columns])
        weights.append(shares[places, columns])
        begin += size
    nodes = TreeNodes(
        tree=np.repeat(np.arange(len(trees)), sizes),
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        left=np.concatenate([tree.children_left for tree in trees]),
        right=np.concatenate([tree.children_right for tree in trees]),
        leaf=leaf,
    )
    return nodes, LeafWeights(
        np.concatenate(leaves), np.concatenate(targets), np.concatenate(weights)
    )
