import json

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.models.sequences.encoding import (
    FARTHEST,
    PAD,
    UNKNOWN,
    Channel,
    SequenceEncoding,
    SequencePlan,
    fit_sequence_encoding,
)

PLAN = SequencePlan(
    channels=(Channel("steps", 4), Channel("steps", 3, ":", 0), Channel("gaps", 2)),
    numbers=("minutes",),
    cycles=(("hour", 24.0),),
    length=3,
    minimum=2,
)


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "steps": [["b:x"], ["a:y", "b:x"], ["a:y", "a:y", "b:x", "b:x"], [], ["start"]],
            "gaps": [["first"], ["1m", "first"], ["1m", "1m", "1m", "first"], [], ["odd"]],
            "minutes": [0.0, np.sinh(1.0), np.sinh(2.0), np.nan, np.nan],
            "hour": [0.0, 6.0, 12.0, 18.0, np.nan],
        }
    )


def test_steps_lie_newest_last_padded_on_the_left_with_codes_of_each_channel():
    encoding = fit_sequence_encoding(rows(), PLAN)
    assert encoding.words == (("a:y", "b:x"), ("a", "b"), ("1m", "first"))
    assert encoding.sizes == (4, 4, 4)
    steps = encoding.transform(rows()).steps
    a, b = 2, 3
    assert steps[:, :, 0].tolist() == [
        [PAD, PAD, b],
        [PAD, b, a],
        [b, a, a],
        [PAD, PAD, PAD],
        [PAD, PAD, UNKNOWN],
    ]
    assert steps[2, :, 2].tolist() == [2, 2, 2]
    assert steps[4].tolist()[-1] == [UNKNOWN, UNKNOWN, UNKNOWN]


def test_numbers_are_scaled_and_missing_ones_are_said_to_be():
    encoding = fit_sequence_encoding(rows(), PLAN)
    numbers = encoding.transform(rows()).numbers
    spread = np.std([0.0, 1.0, 2.0])
    assert numbers[:, 0] == pytest.approx([-1 / spread, 0.0, 1 / spread, 0.0, 0.0])
    assert numbers[:, 1].tolist() == [0, 0, 0, 1, 1]
    assert numbers[:, 2] == pytest.approx([0, 1, 0, -1, 0], abs=1e-6)
    assert numbers[:, 3] == pytest.approx([1, 0, -1, 0, 0], abs=1e-6)


def test_numbers_far_off_are_cut_and_none_is_infinite():
    far = rows().assign(minutes=[1e300, -1e300, np.inf, 0.0, 0.0])
    numbers = fit_sequence_encoding(rows(), PLAN).transform(far).numbers
    assert numbers[:2, 0].tolist() == [FARTHEST, -FARTHEST]
    assert numbers[2, :2].tolist() == [0.0, 1.0]


def test_a_constant_number_and_one_that_is_never_known_do_no_harm():
    for value in (7.0, np.nan):
        constant = rows().assign(minutes=value)
        numbers = fit_sequence_encoding(constant, PLAN).transform(constant).numbers
        assert np.isfinite(numbers).all()
        assert not numbers[:, 0].any()


def test_it_is_the_same_after_json():
    encoding = fit_sequence_encoding(rows(), PLAN)
    again = SequenceEncoding.of_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding


def test_an_absent_feature_is_named():
    with pytest.raises(IntegrityError, match="gaps"):
        fit_sequence_encoding(rows(), PLAN).transform(rows().drop(columns="gaps"))


def test_a_number_that_is_none_is_named():
    with pytest.raises(IntegrityError, match="hour"):
        fit_sequence_encoding(rows(), PLAN).transform(rows().assign(hour="noon"))
