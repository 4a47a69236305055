"""Pruning of a tree ensemble to its first trees, which costs less and predicts worse."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.artifact_kinds import TreeSum, artifact_kind
from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    import onnx


def fewer_trees(artifact: Artifact, share: float) -> Artifact:
    """Return the artifact with the first ``share`` (0, 1] of its trees, at least one; other files are as they were.

    Predictions come from fewer trees then; explanations of boosted trees still look at all of them.
    """
    import onnx

    model = onnx.load_from_string(artifact.files[MODEL_FILE])
    node = _ensemble_node(model)
    attributes = {attribute.name: attribute for attribute in node.attribute}
    trees = np.array(attributes["nodes_treeids"].ints)
    leaves = np.array(attributes["target_treeids"].ints)
    count = len(np.unique(trees))
    kept = max(1, round(count * share))
    first = np.unique(trees)[:kept]
    for prefix, inside in (("nodes_", np.isin(trees, first)), ("target_", np.isin(leaves, first))):
        for name, attribute in attributes.items():
            if name.startswith(prefix):
                _keep(attribute, inside)
    if artifact_kind(artifact.kind).trees is TreeSum.MEAN:
        weights = np.array(attributes["target_weights"].floats) * (count / kept)
        del attributes["target_weights"].floats[:]
        attributes["target_weights"].floats.extend(weights.tolist())
    content = model.SerializeToString(deterministic=True)
    return replace(artifact, files=MappingProxyType({**artifact.files, MODEL_FILE: content}))


def tree_count(artifact: Artifact) -> int:
    """Return how many trees the artifact has."""
    import onnx

    model = onnx.load_from_string(artifact.files[MODEL_FILE])
    node = _ensemble_node(model)
    (trees,) = (attribute for attribute in node.attribute if attribute.name == "nodes_treeids")
    return len(np.unique(np.array(trees.ints)))


def _ensemble_node(model: "onnx.ModelProto") -> "onnx.NodeProto":
    """Return the only node of ``model`` that holds trees."""
    (ensemble,) = (node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    return ensemble


def _keep(attribute: "onnx.AttributeProto", inside: np.ndarray) -> None:
    for field in (attribute.ints, attribute.floats, attribute.strings):
        values = list(field)
        if values:
            del field[:]
            field.extend([values[place] for place in np.flatnonzero(inside).tolist()])
