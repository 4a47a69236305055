"""Gradient boosted trees as one declared array, and as an ONNX graph written from it.

The array holds what scoring and explaining need: splits, leaf values (with the learning rate in them) and how many
training rows passed each node. Thresholds are exact in float32 (`ml_platform.models.encoding` puts every value on a
grid), so a row goes the same way in scikit-learn, in ONNX and in an explanation.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import IntegrityError
from ml_platform.models.gradient_boosting.scikit_learn_internals import baseline_logit, tree_nodes
from ml_platform.models.onnx_model import graph_bytes
from ml_platform.models.tree_ensemble_onnx import LeafWeights, TreeNodes, tree_ensemble_node

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

INPUT = "matrix"
OUTPUT = "share"
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
        values: np.ndarray = self.nodes[:, _COLUMNS.index(name)]
        return values

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


def boosted_trees(model: "HistGradientBoostingRegressor") -> BoostedTrees:
    """The trees of a fitted HistGradientBoosting model with one output and no missing values.

    Raises:
        IntegrityError: a threshold that float32 would move.
    """
    parts = []
    for number, nodes in enumerate(tree_nodes(model)):
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
        base=float(np.float32(baseline_logit(model))),
        width=int(model.n_features_in_),
        nodes=exact.astype(np.float32),
    )


def export_boosting(trees: BoostedTrees) -> bytes:
    """The graph: float32 (rows, width) to float32 (rows, 1), sigmoid of the logit. Same trees, same bytes."""
    from onnx import TensorProto, helper

    leaf = trees.column("left") < 0
    leaves = np.flatnonzero(leaf)
    nodes = TreeNodes(
        tree=trees.column("tree").astype(np.int64),
        feature=trees.column("feature").astype(np.int64),
        threshold=trees.column("threshold").astype(np.float64),
        left=trees.column("left").astype(np.int64),
        right=trees.column("right").astype(np.int64),
        leaf=leaf,
    )
    weights = LeafWeights(leaves, np.zeros_like(leaves), trees.column("value")[leaf])
    ensemble = tree_ensemble_node(
        nodes, weights, matrix=INPUT, output="logit", targets=1, base=trees.base
    )
    return graph_bytes(
        "boosted_trees",
        [ensemble, helper.make_node("Sigmoid", ["logit"], [OUTPUT])],
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, trees.width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        trees=True,
    )
