"""Ensembles of decision trees as one ONNX node, written from arrays; used by every family of trees.

Nothing passes through lists of Python objects a node, so that the peak of memory is four times lower than with a
general converter, and leaf weights of 0 need not be written.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes, Flags

if TYPE_CHECKING:
    import onnx

_INT, _STRING, _FLOATS, _INTS, _STRINGS = 2, 3, 6, 7, 8
"""Types of an attribute, as in ``onnx.AttributeProto.AttributeType``."""


@dataclass(frozen=True)
class TreeNodes:
    """The nodes of all trees, tree after tree and root first; arrays of shape (nodes,).

    A row goes ``left`` where its value of ``feature`` is at most ``threshold``. In leaves the other arrays but
    ``tree`` are ignored. Thresholds must be exact in float32, the type of the graph.
    """

    tree: Codes
    feature: Codes
    threshold: Array
    left: Codes
    """Place of the child within its tree."""
    right: Codes
    leaf: Flags

    @property
    def place(self) -> Codes:
        """The place of each node within its tree, from 0."""
        sizes = np.bincount(self.tree)
        return np.concatenate([np.arange(size) for size in sizes])


@dataclass(frozen=True)
class LeafWeights:
    """What leaves add to the outputs; arrays of shape (weights,). An output that a leaf does not name gets 0."""

    node: Codes
    """Place among all nodes of `TreeNodes`."""
    target: Codes
    """Output column."""
    weight: Array


def tree_ensemble_node(
    nodes: TreeNodes,
    weights: LeafWeights,
    *,
    matrix: str,
    output: str,
    targets: int,
    base: float | None = None,
) -> "onnx.NodeProto":
    """A ``TreeEnsembleRegressor``: float32 (rows, columns) to float32 (rows, targets), sums over the trees.

    Args:
        nodes: the trees.
        weights: what their leaves add.
        matrix: name of the graph's value with the rows.
        output: name of the value with the sums.
        targets: number of output columns.
        base: added to each sum; only for one target.
    """
    from onnx import helper

    node = helper.make_node("TreeEnsembleRegressor", [matrix], [output], domain="ai.onnx.ml")
    leaf, place = nodes.leaf, nodes.place
    # Attributes stand in the order of their names: equal trees give equal bytes.
    node.attribute.add(name="aggregate_function", type=_STRING, s=b"SUM")
    if base is not None:
        node.attribute.add(name="base_values", type=_FLOATS, floats=[base])
    node.attribute.add(name="n_targets", type=_INT, i=targets)
    _ints(node, "nodes_falsenodeids", np.where(leaf, 0, nodes.right))
    _ints(node, "nodes_featureids", np.where(leaf, 0, nodes.feature))
    modes = np.where(leaf, b"LEAF", b"BRANCH_LEQ").tolist()
    node.attribute.add(name="nodes_modes", type=_STRINGS, strings=modes)
    _ints(node, "nodes_nodeids", place)
    _ints(node, "nodes_treeids", nodes.tree)
    _ints(node, "nodes_truenodeids", np.where(leaf, 0, nodes.left))
    _floats(node, "nodes_values", np.where(leaf, 0.0, nodes.threshold))
    node.attribute.add(name="post_transform", type=_STRING, s=b"NONE")
    _ints(node, "target_ids", weights.target)
    _ints(node, "target_nodeids", place[weights.node])
    _ints(node, "target_treeids", nodes.tree[weights.node])
    _floats(node, "target_weights", weights.weight)
    return node


def _ints(node: "onnx.NodeProto", name: str, values: Codes) -> None:
    node.attribute.add(name=name, type=_INTS).ints.extend(values.tolist())


def _floats(node: "onnx.NodeProto", name: str, values: Array) -> None:
    attribute = node.attribute.add(name=name, type=_FLOATS)
    attribute.floats.extend(np.asarray(values).astype(np.float32).tolist())
