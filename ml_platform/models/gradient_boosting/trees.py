"""Gradient boosted trees as one declared array, and as an ONNX graph written from it.

The array holds what scoring and explaining need: splits, leaf values (with the learning rate in them) and how many
training rows passed each node. Thresholds are exact in float32 (`ml_platform.models.encoding` puts every value on a
grid), so a row goes the same way in scikit-learn, in ONNX and in an explanation.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.errors import IntegrityError

if TYPE_CHECKING:
    import onnx

INPUT = "matrix"
OUTPUT = "share"
OPSET = 18
ML_OPSET = 3
IR_VERSION = 9
TREES_FILE = "trees.npy"
_COLUMNS = ("tree", "feature", "threshold", "left", "right", "value", "cover")


@dataclass(frozen=True)
class BoostedTrees:
    """Trees whose leaf values add up to a logit, from ``base``; parallel float32 arrays, one entry a node.

    ``left`` (value <= threshold) and ``right`` are places within the tree, -1 in leaves; ``feature`` is a column
    of the matrix; ``cover`` counts training rows.
    """

    base: float
    width: int
    """Columns of the matrix."""
    nodes: np.ndarray
    """Shape (nodes, 7): tree, feature, threshold, left, right, value, cover; tree after tree, root first."""

    @property
    def trees(self) -> int:
        """How many trees."""
        return int(self.nodes[-1, 0]) + 1 if len(self.nodes) else 0

    def column(self, name: str) -> np.ndarray:
        """One column of ``nodes``."""
        found: np.ndarray = self.nodes[:, _COLUMNS.index(name)]
        return found

    @cached_property
    def by_tree(self) -> tuple[np.ndarray, ...]:
        """The nodes of each tree."""
        ends = np.flatnonzero(np.diff(self.column("tree"))) + 1
        return tuple(np.split(self.nodes, ends))

    def to_bytes(self) -> bytes:
        """An .npy array without pickle: a row for base and width, then the nodes."""
        head = np.zeros((1, len(_COLUMNS)), dtype="<f4")
        head[0, :2] = self.base, self.width
        buffer = io.BytesIO()
        np.save(buffer, np.vstack([head, self.nodes]).astype("<f4"), allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "BoostedTrees":
        """What `to_bytes` wrote."""
        stored = np.load(io.BytesIO(content), allow_pickle=False)
        return cls(base=float(stored[0, 0]), width=int(stored[0, 1]), nodes=stored[1:])


def of_histogram_boosting(model: Any) -> BoostedTrees:
    """The trees of a fitted HistGradientBoosting model with one output and no missing values.

    Raises:
        IntegrityError: a threshold that float32 would move.
    """
    parts = []
    for number, (predictor,) in enumerate(model._predictors):
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        part = np.empty((len(nodes), len(_COLUMNS)), dtype=np.float64)
        part[:, 0] = number
        part[:, 1] = np.where(leaf, 0, nodes["feature_idx"])
        part[:, 2] = np.where(leaf, 0.0, nodes["num_threshold"])
        part[:, 3] = np.where(leaf, -1, nodes["left"].astype(np.int64))
        part[:, 4] = np.where(leaf, -1, nodes["right"].astype(np.int64))
        part[:, 5] = np.where(leaf, nodes["value"], 0.0)
        part[:, 6] = nodes["count"]
        parts.append(part)
    exact = np.vstack([np.zeros((0, len(_COLUMNS))), *parts])
    thresholds = exact[:, 2]
    moved = np.flatnonzero(thresholds.astype(np.float32).astype(np.float64) != thresholds)
    if len(moved):
        raise IntegrityError(
            f"Threshold {thresholds[moved[0]]!r} is not exact in float32.",
            remedy="put every value on the grid of ml_platform.models.encoding before the fit",
        )
    return BoostedTrees(
        base=float(np.float32(model._baseline_prediction.item())),
        width=int(model.n_features_in_),
        nodes=exact.astype(np.float32),
    )


def export_boosting(trees: BoostedTrees) -> bytes:
    """The graph: float32 (rows, width) to float32 (rows, 1), sigmoid of the logit. Same trees, same bytes."""
    from onnx import TensorProto, checker, helper

    nodes = [_ensemble(trees), helper.make_node("Sigmoid", ["logit"], [OUTPUT])]
    graph = helper.make_graph(
        nodes,
        "boosted_trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, trees.width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _ensemble(trees: BoostedTrees) -> "onnx.NodeProto":
    from onnx import helper

    leaf = trees.column("left") < 0
    number = trees.column("tree").astype(np.int64)
    place = np.concatenate([np.arange(len(part)) for part in trees.by_tree])
    modes = np.where(leaf, "LEAF", "BRANCH_LEQ")
    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["logit"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=[trees.base],
        nodes_treeids=number.tolist(),
        nodes_nodeids=place.tolist(),
        nodes_featureids=trees.column("feature").astype(np.int64).tolist(),
        nodes_values=trees.column("threshold").tolist(),
        nodes_truenodeids=np.maximum(trees.column("left"), 0).astype(np.int64).tolist(),
        nodes_falsenodeids=np.maximum(trees.column("right"), 0).astype(np.int64).tolist(),
        nodes_modes=modes.tolist(),
        target_treeids=number[leaf].tolist(),
        target_nodeids=place[leaf].tolist(),
        target_ids=np.zeros(int(leaf.sum()), dtype=np.int64).tolist(),
        target_weights=trees.column("value")[leaf].tolist(),
    )
