"""Planted label shift and planted covariate shift are told from each other, with labels and without."""

import numpy as np
import pandas as pd
import pytest

from ml_platform.monitoring.baseline import measure_reference
from ml_platform.monitoring.findings import ShiftKind, ShiftReading
from ml_platform.monitoring.shift_kind import Confusions, label_shares, shift_reading
from ml_platform.spec.feature import Kind
from ml_platform_tests.monitoring.conftest import END, WEEK
from ml_platform_tests.monitoring.telemetry import spec

CLASSES = ("a", "b", "c")
SHARES = np.array([0.5, 0.3, 0.2])
CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
SPECS = (spec("x", Kind.NUMBER), spec("y", Kind.NUMBER), spec("noise", Kind.NUMBER))


def rows(seed: int, shares: np.ndarray, count: int = 6_000) -> pd.DataFrame:
    """Rows of three classes with a centre each, predicted as the nearest one, in the eight weeks before the end."""
    draw = np.random.default_rng(seed)
    truth = draw.choice(3, count, p=shares)
    points = CENTRES[truth] + draw.normal(size=(count, 2))
    frame = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "noise": draw.normal(size=count)})
    frame["outcome"] = np.array(CLASSES, dtype=object)[truth]
    frame["occurred_at"] = END - draw.random(count) * 8 * WEEK
    frame["cluster_id"] = [f"s{number // 3}" for number in range(count)]
    return predicted(frame)


def predicted(frame: pd.DataFrame) -> pd.DataFrame:
    points = frame[["x", "y"]].to_numpy()
    nearest = ((points[:, None] - CENTRES) ** 2).sum(axis=2).argmin(axis=1)
    return frame.assign(predicted=np.array(CLASSES, dtype=object)[nearest])


def reading(window: pd.DataFrame) -> ShiftReading | None:
    reference = rows(1, SHARES)
    baseline = measure_reference(reference, SPECS, model="m", end=END)
    counts = pd.crosstab(reference["outcome"], reference["predicted"])
    return shift_reading(
        baseline.features,
        reference,
        reference["outcome"],
        window,
        window,
        Confusions(CLASSES, tuple(tuple(int(n) for n in row) for row in counts.to_numpy())),
    )


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (0.3, 0.6, 0.1)])
def test_other_shares_of_the_classes_are_label_shift(
    shares: tuple[float, ...], labelled: bool
) -> None:
    window = rows(2, np.array(shares))
    window["outcome"] = window["outcome"] if labelled else None
    read = reading(window)
    assert read is not None
    assert (read.kind, read.by_labels) == (ShiftKind.LABEL, labelled)
    assert read.label_change == pytest.approx(np.abs(np.array(shares) - SHARES).sum() / 2, abs=0.04)
    assert read.explained > 0.9
    assert read.words.startswith("label shift: ")


@pytest.mark.parametrize(("column", "labelled"), [("x", True), ("noise", True), ("noise", False)])
def test_a_feature_that_moves_by_itself_is_covariate_shift(column: str, labelled: bool) -> None:
    """Where ``x`` moves predictions move too, but ``y`` does not as other shares of the classes would move it."""
    window = rows(3, SHARES)
    window[column] += 1.0
    window = predicted(window)
    window["outcome"] = window["outcome"] if labelled else None
    read = reading(window)
    assert read is not None
    assert read.kind is ShiftKind.COVARIATE
    assert read.words.startswith("covariate shift: ")


def test_without_labels_a_feature_that_imitates_a_class_is_not_called_label_shift() -> None:
    """``x`` one higher looks like more of the class that lies two higher, but for ``y``: 81 % is explained."""
    window = rows(3, SHARES)
    window["x"] += 1.0
    read = reading(predicted(window).assign(outcome=None))
    assert read is not None
    assert read.kind is ShiftKind.MIXED
    assert "both kinds of shift" in read.words


def test_nothing_is_said_where_nothing_moved_or_too_little_is_known() -> None:
    window = rows(4, np.array([0.2, 0.3, 0.5]), count=150)
    assert reading(window) is None


def test_shares_follow_from_confusions_by_hand() -> None:
    """Of a nine in ten are predicted a, of b eight in ten b; a half each is predicted a in 55 %."""
    counts = np.array([[90.0, 10.0], [20.0, 80.0]])
    shares = label_shares(counts, np.array([0.55, 0.45]))
    assert shares == pytest.approx([0.5, 0.5])


def test_predictions_that_say_nothing_of_the_classes_give_no_shares() -> None:
    assert label_shares(np.array([[50.0, 50.0], [50.0, 50.0]]), np.array([0.5, 0.5])) is None
    assert label_shares(np.array([[50.0, 50.0], [0.0, 0.0]]), np.array([0.5, 0.5])) is None
