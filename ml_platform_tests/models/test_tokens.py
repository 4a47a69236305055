import numpy as np
import pandas as pd
import pyarrow as pa

from ml_platform.models.tokens import MISSING, token_column, token_matrix, vocabulary


def read(column: pd.Series, *, lists: bool) -> list[list[str]]:
    tokens = token_column(column, lists=lists)
    return [
        [tokens.words[c] for c in tokens.codes[tokens.offsets[i] : tokens.offsets[i + 1]]]
        for i in range(len(column))
    ]


def test_lists_in_every_shape_read_the_same():
    values = [["a", "b"], [], None, ["b"]]
    wanted = [["a", "b"], [], [], ["b"]]
    kind = pa.list_(pa.string())
    codes = pa.list_(pa.dictionary(pa.int32(), pa.string()))
    assert read(pd.Series(values), lists=True) == wanted
    assert (
        read(pd.Series([None if v is None else np.array(v, object) for v in values]), lists=True)
        == wanted
    )
    plain = pa.array(values, kind)
    assert read(pd.Series(pd.arrays.ArrowExtensionArray(plain)), lists=True) == wanted
    coded = pa.array(values, codes)
    assert read(pd.Series(pd.arrays.ArrowExtensionArray(coded)), lists=True) == wanted
    halves = pa.chunked_array([plain[:1], plain[1:]])
    assert read(pd.Series(pd.arrays.ArrowExtensionArray(halves)), lists=True) == wanted


def test_no_lists_at_all():
    assert read(pd.Series([None, None], dtype=object), lists=True) == [[], []]
    assert read(pd.Series([[], []]), lists=True) == [[], []]


def test_strings_in_every_shape_read_the_same():
    values = ["x", None, "y"]
    wanted = [["x"], [MISSING], ["y"]]
    assert read(pd.Series(values), lists=False) == wanted
    assert read(pd.Series(values, dtype="category"), lists=False) == wanted
    assert read(pd.Series(values, dtype="string"), lists=False) == wanted


def test_vocabulary_keeps_words_of_enough_weight_in_order():
    tokens = token_column(pd.Series([["b", "a"], ["b"], ["c", "a"]]), lists=True)
    assert vocabulary(tokens, np.array([1.0, 1.0, 0.5]), 1.5) == ("a", "b")


def test_matrix_counts_each_word_once_decays_by_place_and_drops_the_unknown():
    tokens = token_column(pd.Series([["a", "?", "b", "a"], ["b"], []]), lists=True)
    index = {"a": 0, "b": 1}
    plain = token_matrix(tokens, ("a", "b"), index, 1.0).toarray()
    assert plain.tolist() == [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    fading = token_matrix(tokens, ("a", "b"), index, 0.5).toarray()
    # a at place 0 and 3: 1 + 1/8, at most 1; b at place 2: 1/4
    assert fading.tolist() == [[1.0, 0.25], [0.0, 1.0], [0.0, 0.0]]
