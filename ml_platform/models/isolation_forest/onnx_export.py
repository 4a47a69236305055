"""An isolation forest as one ONNX graph, written from the trees' own arrays: matrix in, isolation out.

A leaf weighs its depth plus the expected depth of the training rows that it still holds (Liu, Ting, Zhou 2008,
equations 1 and 2); isolation is 2 to the power of minus the mean weight over that of an unsuccessful search.
"""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.onnx_model import graph_bytes
from ml_platform.models.tree_ensemble_onnx import LeafWeights, TreeNodes, tree_ensemble_node

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest


INPUT, OUTPUT = "matrix", "isolation"


def path_length(rows: Array) -> Array:
    """Expected depth c(n) of a search among n rows that fails; 0 for one row, 1 for two."""
    more = np.maximum(rows, 3.0)
    long = 2.0 * (np.log(more - 1.0) + np.euler_gamma) - 2.0 * (more - 1.0) / more
    depth: Array = np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, long))
    return depth


def exact_in_single(thresholds: Array) -> Array:
    """The largest float32 at or below each threshold: a float32 value goes the same way at both."""
    single = thresholds.astype(np.float32)
    lower = np.nextafter(single, np.float32(-np.inf))
    return np.where(single > thresholds, lower, single).astype(np.float64)


def export_isolation(forest: "IsolationForest") -> bytes:
    """The graph: float32 (rows, columns) to float32 (rows, 1), in (0, 1). The same forest gives the same bytes."""
    from onnx import TensorProto, helper

    nodes, weights = _trees(forest)
    width = int(forest.n_features_in_)
    return graph_bytes(
        "isolation_forest",
        [
            tree_ensemble_node(nodes, weights, matrix=INPUT, output="depth", targets=1),
            helper.make_node("Neg", ["depth"], ["turned"]),
            helper.make_node("Pow", ["two", "turned"], [OUTPUT]),
        ],
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        {"two": np.array([2.0], dtype=np.float32)},
        trees=True,
    )


def _trees(forest: "IsolationForest") -> tuple[TreeNodes, LeafWeights]:
    """The forest's arrays; a leaf weighs its expected depth over that of an unsuccessful search in all trees."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    left = np.concatenate([tree.children_left for tree in trees])
    right = np.concatenate([tree.children_right for tree in trees])
    leaf = left < 0
    rows = np.concatenate([tree.n_node_samples for tree in trees]).astype(np.float64)
    depth = np.concatenate([_depths(tree.children_left, tree.children_right) for tree in trees])
    usual = len(trees) * path_length(np.array([forest.max_samples_], dtype=np.float64))[0]
    nodes = TreeNodes(
        tree=np.repeat(np.arange(len(trees)), [tree.node_count for tree in trees]),
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=exact_in_single(np.concatenate([tree.threshold for tree in trees])),
        left=left,
        right=right,
        leaf=leaf,
    )
    leaves = np.flatnonzero(leaf)
    weights = (depth + path_length(rows))[leaf] / max(usual, 1e-12)
    return nodes, LeafWeights(leaves, np.zeros_like(leaves), weights)


def _depths(left: np.ndarray, right: np.ndarray) -> Array:
    """Edges from the root to each node; children come after their parent."""
    depth = np.zeros(len(left))
    for node in np.flatnonzero(left >= 0).tolist():
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    return depth
