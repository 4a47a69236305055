"""The parity gate's numbers are kept as finely as it needs, and in a fraction of the room."""

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.models.probabilities import KnownProbabilities, probabilities_bytes
from ml_platform.spec.training_set import ROW_ID
from ml_platform_tests.gates.spoilt_reports import POLICY

ROWS = pd.DataFrame({ROW_ID: [f"{number:016x}-{number}" for number in range(3_000)]})
CLASSES = tuple(f"class {number}" for number in range(40))


def scores(rows: int = len(ROWS), classes: int = len(CLASSES)) -> np.ndarray:
    exponents = np.exp(3 * np.random.default_rng(0).normal(size=(rows, classes)))
    return exponents / exponents.sum(axis=1, keepdims=True)


def kept(numbers: np.ndarray) -> np.ndarray:
    known = KnownProbabilities.from_bytes(probabilities_bytes(ROWS, numbers), CLASSES)
    return known.predict_proba(ROWS)


def test_what_is_kept_is_a_hundredth_of_the_tolerance_away_at_most() -> None:
    assert np.abs(kept(scores()) - scores()).max() < POLICY.parity_tolerance / 100


def test_it_takes_a_third_of_the_room_of_ids_and_doubles() -> None:
    assert len(probabilities_bytes(ROWS, scores())) < (scores().nbytes + 80 * len(ROWS)) / 3


def test_rows_are_found_in_any_order_and_others_are_refused() -> None:
    known = KnownProbabilities.from_bytes(probabilities_bytes(ROWS, scores()), CLASSES)
    some = ROWS.iloc[[7, 3, 2_999]]
    assert np.array_equal(known.predict_proba(some), kept(scores())[[7, 3, 2_999]])
    with pytest.raises(IntegrityError, match="were not kept"):
        known.predict_proba(pd.DataFrame({ROW_ID: ["another"]}))


@pytest.mark.parametrize("large", [1e6 / 3, -1e3 / 3, np.nextafter(127.0, 128.0)])
def test_numbers_that_are_no_probabilities_are_kept_as_they_are(large: float) -> None:
    numbers = scores()
    numbers[5, 0] = large
    assert np.array_equal(kept(numbers), numbers)


@pytest.mark.parametrize("edge", [127.0, -127.0, 0.0, 1.0])
def test_the_largest_numbers_of_the_short_form_come_back(edge: float) -> None:
    numbers = scores()
    numbers[5, 0] = edge
    assert kept(numbers)[5, 0] == edge


def test_the_same_numbers_are_the_same_bytes() -> None:
    assert probabilities_bytes(ROWS, scores()) == probabilities_bytes(ROWS, scores())
