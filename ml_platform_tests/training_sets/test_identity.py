import pyarrow as pa

from ml_platform.training_sets.identity import content_sha256


def test_storage_does_not_matter_but_values_and_order_do():
    plain = pa.table({"a": ["x", None, "y"], "n": [1.0, None, 0.0], "l": [["p", "q"], None, []]})
    stored = pa.table(
        {
            "a": pa.chunked_array([["x"], [None, "y"]]).dictionary_encode(),
            "n": pa.array([1.0, float("nan"), -0.0]),
            "l": plain.column("l"),
        }
    )
    assert content_sha256(plain) == content_sha256(stored)
    assert content_sha256(plain) == content_sha256(
        pa.concat_tables([plain.slice(0, 1), plain.slice(1)])
    )
    assert content_sha256(plain) != content_sha256(plain.take([0, 2, 1]))
    assert content_sha256(plain) != content_sha256(plain.rename_columns(["b", "n", "l"]))


def test_neighbouring_words_are_not_confused():
    one = pa.table({"a": ["ab", "c"]})
    other = pa.table({"a": ["a", "bc"]})
    assert content_sha256(one) != content_sha256(other)


def test_an_empty_list_is_not_a_missing_one():
    kind = pa.list_(pa.string())
    empty = pa.table({"l": pa.array([["x"], []], type=kind)})
    missing = pa.table({"l": pa.array([["x"], None], type=kind)})
    assert content_sha256(empty) != content_sha256(missing)
