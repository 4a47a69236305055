import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.models.encoding import (
    SENTINEL,
    Encoding,
    EncodingPlan,
    encode_plain,
    fit_categories,
    to_grid,
)
from ml_platform.models.random_forest.encode_training import encode_training
from ml_platform.models.rules import class_codes
from ml_platform.training_sets.time_split import time_blocks
from ml_platform_tests.models.pattern_rows import CLASSES, PLAN, synthetic_rows


def encoded(rows: pd.DataFrame):
    truth = class_codes(rows, "workflow_category", CLASSES)
    return encode_training(rows, truth, len(CLASSES), PLAN, time_blocks(rows, 5))


def test_the_grid_by_hand():
    rounded = to_grid(np.array([0.0, np.sinh(1.0), np.nan, np.inf, -np.inf, 1e13]))
    assert rounded[:5].tolist() == [0.0, 1.0, SENTINEL, 31.0, -31.0]
    assert rounded.dtype == np.float32


def test_thresholds_between_grid_values_are_exact_in_single_precision():
    values = to_grid(np.random.default_rng(0).exponential(1e6, 2_000)).astype(np.float64)
    ordered = np.unique(values)
    middle = (ordered[1:] + ordered[:-1]) / 2
    assert np.array_equal(middle.astype(np.float32).astype(np.float64), middle)


def test_categories_by_rank_with_ties_by_name_and_any_other_last():
    plan = EncodingPlan((), ("tool",), ())
    rows = pd.DataFrame({"tool": ["b"] * 3 + ["a"] * 3 + ["c"] * 5 + ["rare"] + [None] * 2})
    values = fit_categories(rows, plan, minimum=2)
    assert values == (("c", "a", "b", "(missing)"),)
    unseen = pd.DataFrame({"tool": ["a", "rare", "new", None, "c"]})
    assert encode_plain(unseen, plan, values)[:, 0].tolist() == [1.0, 4.0, 4.0, 3.0, 0.0]


def test_new_rows_are_answered_whatever_they_lack():
    encoding = encoded(synthetic_rows()).encoding()
    odd = pd.DataFrame(
        {
            "size": [np.nan, None, 1e300],
            "tool": ["never seen", None, "editor"],
            "operation": [None, None, "open"],
            "words": [["unheard"], None, []],
            "session_tokens": [None, ["t:?|o:?"], []],
        }
    )
    matrix = encoding.transform(odd)
    assert matrix.shape == (3, encoding.width) == (3, 1 + 1 + 3 + 3 + 3)
    assert np.isfinite(matrix).all()
    assert matrix[0, 0] == SENTINEL


def test_a_row_alone_is_encoded_as_in_a_crowd():
    rows = synthetic_rows()
    encoding = encoded(rows).encoding()
    crowd = encoding.transform(rows)
    for place in (0, 7, 1234):
        alone = encoding.transform(rows.iloc[place : place + 1])
        assert np.array_equal(alone[0], crowd[place])


def test_missing_features_and_words_for_numbers_are_refused_by_name():
    rows = synthetic_rows(50)
    encoding = encoded(rows).encoding()
    with pytest.raises(IntegrityError, match="lack 1 feature\\(s\\): words"):
        encoding.transform(rows.drop(columns="words"))
    with pytest.raises(IntegrityError, match="Feature size should be a number"):
        encoding.transform(rows.assign(size="many"))


def test_files_bring_back_the_same_encoding():
    rows = synthetic_rows(100)
    encoding = encoded(rows).encoding()
    again = Encoding.from_files(encoding.to_files())
    assert np.array_equal(encoding.transform(rows), again.transform(rows))
    assert again.to_files() == encoding.to_files()


def test_an_encoding_without_words_or_filter_has_files_too():
    rows = synthetic_rows(50)
    plan = EncodingPlan(("size",), ("tool",), ())
    truth = class_codes(rows, "workflow_category", CLASSES)
    encoding = encode_training(rows, truth, 3, plan, time_blocks(rows, 5)).encoding()
    again = Encoding.from_files(encoding.to_files())
    assert np.array_equal(again.transform(rows), encoding.transform(rows))


def test_cross_fitted_rows_do_not_see_the_labels_of_their_block():
    rows = synthetic_rows()
    blocks = time_blocks(rows, 5)
    renamed = dict(zip(CLASSES, CLASSES[1:] + CLASSES[:1], strict=True))
    other = rows.assign(
        workflow_category=rows["workflow_category"].where(
            blocks != 3, rows["workflow_category"].map(renamed)
        )
    )
    first, second = encoded(rows).cross_fitted(), encoded(other).cross_fitted()
    assert np.array_equal(first[blocks == 3], second[blocks == 3])
    assert not np.array_equal(first[blocks != 3], second[blocks != 3])
    held = [encoded(each).cross_fitted({3}) for each in (rows, other)]
    assert np.array_equal(held[0], held[1])


def test_target_encoding_fitted_on_its_own_rows_would_have_leaked():
    """What the cross-fit is for: on shuffled labels plain target encoding knows them, cross-fitted does not."""
    rows = synthetic_rows(300)
    rows["words"] = [[f"unique{i // 3}"] for i in range(len(rows))]
    random = np.random.default_rng(0)
    rows["workflow_category"] = random.permutation(rows["workflow_category"].to_numpy())
    truth = class_codes(rows, "workflow_category", CLASSES)
    training_matrix = encoded(rows)
    plain = training_matrix.encoding().transform(rows)[:, 2:5]
    crossed = training_matrix.cross_fitted()[:, 2:5]
    assert np.mean(plain.argmax(axis=1) == truth) > 0.55
    assert abs(np.mean(crossed.argmax(axis=1) == truth) - 1 / 3) < 0.06
