import hashlib

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


def test_text_of_any_arrow_type_is_the_same_text_and_pieces_may_have_codes_of_their_own():
    words = ["b", None, "a", "b"]
    plain = content_sha256(pa.table({"a": pa.array(words)}))
    pieces = pa.chunked_array(
        [pa.array(words[:2]).dictionary_encode(), pa.array(words[2:]).dictionary_encode()]
    )
    for column in (pa.array(words, pa.large_string()), pieces):
        assert content_sha256(pa.table({"a": column})) == plain
    assert content_sha256(pa.table({"a": pa.array(["a", None, "b", "a"])})) != plain
    assert content_sha256(pa.table({"a": pa.array(["b", "", "a", "b"])})) != plain


def test_what_stands_in_the_file_is_hashed_the_same_in_every_release():
    """Name and rows, then codes into the sorted words as int64, then each word after its length in four bytes."""
    text = b"a\x003\x00" + b"".join(code.to_bytes(8, "little", signed=True) for code in (1, -1, 0))
    text += b"\x00\x00\x00\x01a" + b"\x00\x00\x00\x02bc"
    words = pa.table({"a": ["bc", None, "a"]})
    assert content_sha256(words) == hashlib.sha256(text).hexdigest()
    lists = b"l\x002\x00" + b"".join(
        number.to_bytes(8, "little", signed=True) for number in (-1, 1, 0)
    )
    lists += b"\x00\x00\x00\x01x"
    assert content_sha256(pa.table({"l": pa.array([None, ["x"]])})) == (
        hashlib.sha256(lists).hexdigest()
    )


def test_a_moment_is_its_microsecond_in_any_unit_and_a_missing_one_is_not_1970():
    def of(values, unit):
        return content_sha256(pa.table({"t": pa.array(values, pa.timestamp(unit, tz="UTC"))}))

    assert of([1_000, 2_000], "ms") == of([1_000_000, 2_000_000], "us")
    assert of([1, 2], "us") != of([1, 3], "us")
    assert of([0, 2], "us") != of([None, 2], "us")


def test_nought_is_not_a_missing_number():
    numbers = [content_sha256(pa.table({"n": pa.array([1.0, n])})) for n in (0.0, None, 2.0)]
    assert len(set(numbers)) == 3


def test_how_many_rows_there_are_is_part_of_it():
    empty = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.string())})
    assert content_sha256(empty) != content_sha256(empty.select(["a"]))
    assert content_sha256(pa.table({"l": [["x"], ["y"]]})) != content_sha256(
        pa.table({"l": [["x", "y"], []]})
    )


def test_words_that_are_looked_up_in_pieces_give_the_same_hash(monkeypatch):
    table = pa.table({"l": [["p", "q", "p"], None, ["r", None], ["q", "s", "p", "q"]]})
    whole = content_sha256(table)
    monkeypatch.setattr("ml_platform.training_sets.identity.CODES_AT_ONCE", 2)
    assert content_sha256(table) == whole
