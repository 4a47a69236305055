import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier

from ml_platform.models.encoding import to_grid
from ml_platform.models.random_forest.calibration import Calibration
from ml_platform.models.random_forest.fit import forest_probabilities
from ml_platform.models.random_forest.onnx_export import INPUT, OUTPUT, export_forest


def forest(classes: list[int], rows: int = 3_000) -> tuple[RandomForestClassifier, np.ndarray]:
    random = np.random.default_rng(7)
    matrix = to_grid(random.normal(size=(rows, 6)) * 100)
    labels = np.array(classes)[(matrix[:, 0] > 0).astype(int) + (matrix[:, 1] > matrix[:, 2])]
    fitted = RandomForestClassifier(20, min_samples_leaf=2, random_state=0, n_jobs=1)
    return fitted.fit(matrix, labels), matrix


@pytest.mark.parametrize("classes", [[0, 1, 2], [1, 3, 4]])
def test_every_row_agrees_to_a_millionth_and_unseen_classes_have_their_column(classes):
    fitted, matrix = forest(classes)
    calibration = Calibration(1.7, (0.1, 0.0, 0.4, 0.0, 0.2))
    content = export_forest(fitted, calibration, 5)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    served = session.run([OUTPUT], {INPUT: matrix})[0]
    wanted = calibration.apply(forest_probabilities(fitted, matrix, 5))
    assert np.abs(served - wanted).max() < 1e-6
    assert served.sum(axis=1) == pytest.approx(np.ones(len(matrix)), abs=1e-6)


def test_the_same_forest_gives_the_same_bytes():
    calibration = Calibration(1.0, (0.0, 0.0, 0.0))
    first, second = (export_forest(forest([0, 1, 2])[0], calibration, 3) for _ in range(2))
    assert first == second


def test_the_sum_over_trees_is_that_of_the_forest():
    fitted, matrix = forest([0, 1, 2])
    assert forest_probabilities(fitted, matrix, 3) == pytest.approx(fitted.predict_proba(matrix))
