"""A text names a person by their id, or by that of one of their rows: found, and replaced, nothing else."""

import html
import json

import pytest

from ml_platform.retention.mentions import Mentions, can_be_searched

USER = "ann.lee@example.org"
ANN = Mentions(USER, frozenset({"request-0017", "17", "123456789", "a row with spaces"}), "(x)")


@pytest.mark.parametrize(
    ("text", "count", "without"),
    [
        ("", 0, ""),
        (f"by {USER}.", 1, "by (x)."),
        (f"{USER}2 and my{USER}", 0, f"{USER}2 and my{USER}"),
        (f"{USER}@2026-05-01", 1, "(x)@2026-05-01"),
        ("request-0017 is 4, else 3", 1, "(x) is 4, else 3"),
        ("request-0017-2 request-00170", 0, "request-0017-2 request-00170"),
        ("rows 17 and 123456789", 0, "rows 17 and 123456789"),
        (f'["request-0017","{USER}"]', 2, '["(x)","(x)"]'),
        ("user=ann.lee%40example.org&n=1", 1, "user=(x)&n=1"),
        (f"x-{USER}-17923", 1, "x-(x)-17923"),
        (f"to jo.{USER} and {USER}.au", 0, f"to jo.{USER} and {USER}.au"),
    ],
)
def test_only_whole_ids_count(text, count, without):
    assert (ANN.count(text), ANN.without(text)) == (count, without)


@pytest.mark.parametrize(
    "user", ['Zoë "Zo" Müller', "O'Neil & Sons", "back\\slash-user", "名前-の-人"]
)
def test_an_id_is_found_however_it_is_written(user):
    mentions = Mentions(user, frozenset(), "(x)")
    for text in (user, json.dumps({"user": user}), html.escape(user)):
        assert mentions.count(text) == 1
        assert user not in mentions.without(text)


def test_a_name_that_is_overwritten_keeps_its_bytes():
    mentions = Mentions("Zoë-7713", frozenset({"request-0017"}), "")
    text = "Zoë-7713 has request-0017"
    assert mentions.overwritten(text) == "--------- has ------------"
    assert len(mentions.overwritten(text).encode()) == len(text.encode())


def test_words_and_numbers_that_mean_anything_are_not_searched_for():
    assert not can_be_searched("7")
    assert not can_be_searched("anna")
    assert not can_be_searched("1234567")
    assert not can_be_searched("terminal", ["terminal"])
    assert can_be_searched("12345678")
    assert can_be_searched("anna1")


def test_a_person_stands_in_no_representation_of_what_looks_for_them():
    assert "ann" not in repr(ANN)
    assert "request" not in repr(ANN)
