"""A tree ensemble in ONNX sums what its leaves hold, in any order of features."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from ml_platform.models.onnx_model import graph_bytes
from ml_platform.models.tree_ensemble_onnx import LeafWeights, TreeNodes, tree_ensemble_node

# Tree 0: column 1 <= 2 leads to leaf 1, else to leaf 2. Tree 1 is a single leaf.
NODES = TreeNodes(
    tree=np.array([0, 0, 0, 1]),
    feature=np.array([1, 9, 9, 9]),
    threshold=np.array([2.0, 7.0, 7.0, 7.0]),
    left=np.array([1, -1, -1, -1]),
    right=np.array([2, -1, -1, -1]),
    leaf=np.array([False, True, True, True]),
)
# Leaf 1 adds 10 to output 0, leaf 2 adds 20 to output 1, the other tree adds 1 to output 1.
WEIGHTS = LeafWeights(
    node=np.array([1, 2, 3]), target=np.array([0, 1, 1]), weight=np.array([10.0, 20.0, 1.0])
)
ROWS = np.array([[0.0, 2.0], [5.0, 2.5], [0.0, -1.0]], dtype=np.float32)


def scored(targets: int, weights: LeafWeights, base: float | None = None) -> np.ndarray:
    content = graph(targets, weights, base)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["sums"], {"rows": ROWS})[0])


def graph(targets: int, weights: LeafWeights, base: float | None = None) -> bytes:
    node = tree_ensemble_node(
        NODES, weights, matrix="rows", output="sums", targets=targets, base=base
    )
    return graph_bytes(
        "trees",
        [node],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("sums", TensorProto.FLOAT, [None, targets])],
        trees=True,
    )


def test_places_are_counted_within_each_tree() -> None:
    assert NODES.place.tolist() == [0, 1, 2, 0]


def test_each_output_sums_the_weights_of_the_leaves_that_a_row_reaches() -> None:
    # a value at the threshold goes left
    assert scored(2, WEIGHTS).tolist() == [[10.0, 1.0], [0.0, 21.0], [10.0, 1.0]]


def test_the_base_is_added_to_every_sum() -> None:
    one = LeafWeights(WEIGHTS.node, np.zeros(3, dtype=np.int64), WEIGHTS.weight)
    assert scored(1, one, base=0.5)[:, 0] == pytest.approx([11.5, 21.5, 11.5])


def test_equal_trees_give_equal_bytes_and_other_weights_others() -> None:
    other = LeafWeights(WEIGHTS.node, WEIGHTS.target, WEIGHTS.weight * 2)
    assert graph(2, WEIGHTS) == graph(2, WEIGHTS)
    assert graph(2, WEIGHTS) != graph(2, other)
