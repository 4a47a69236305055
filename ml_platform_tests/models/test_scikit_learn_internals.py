"""The private parts of scikit-learn are where we read them, and are read in one module alone."""

import ast
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

import ml_platform
from ml_platform.models.gradient_boosting.scikit_learn_internals import (
    NODE_FIELDS,
    baseline_logit,
    proportion_loss,
    tree_nodes,
)

INTERNALS = "models/gradient_boosting/scikit_learn_internals.py"
PRIVATE_ATTRIBUTES = {"_predictors", "_baseline_prediction", "_raw_predict", "_bin_mapper"}


@pytest.fixture(scope="module")
def fitted() -> HistGradientBoostingRegressor:
    values = np.arange(200.0)[:, None]
    model = HistGradientBoostingRegressor(
        loss=proportion_loss(), max_iter=3, learning_rate=0.5, random_state=0
    )
    return model.fit(values, np.where(values[:, 0] < 100, 0.1, 0.7))


def test_the_nodes_have_every_field_that_is_read(fitted: HistGradientBoostingRegressor) -> None:
    trees = tree_nodes(fitted)
    assert len(trees) == 3
    for nodes in trees:
        assert set(NODE_FIELDS) <= set(nodes.dtype.names)
        assert nodes["count"][0] == 200


def test_predictions_are_the_sigmoid_of_baseline_and_leaves(
    fitted: HistGradientBoostingRegressor,
) -> None:
    # the mean label is 0.4, whose logit is log(0.4 / 0.6)
    assert baseline_logit(fitted) == pytest.approx(np.log(0.4 / 0.6))
    logit = baseline_logit(fitted)
    for nodes in tree_nodes(fitted):
        place = 0
        while not nodes["is_leaf"][place]:
            place = nodes["left"][place]
        logit += nodes["value"][place]
    assert fitted.predict(np.array([[0.0]]))[0] == pytest.approx(1 / (1 + np.exp(-logit)))


def test_no_other_module_touches_a_private_part_of_scikit_learn() -> None:
    package = Path(ml_platform.__file__).parent
    offenders = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(_is_private(node) for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert offenders == [INTERNALS]


def test_the_installed_version_is_the_pinned_one() -> None:
    assert metadata.version("scikit-learn").startswith("1.9.")


def _is_private(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in PRIVATE_ATTRIBUTES
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sklearn":
        names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        return any(name.startswith("_") for name in names)
    return False
