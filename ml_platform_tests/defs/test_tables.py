"""Tables that Dagster shows as Markdown hold names from the data: they are shown as they are."""

import pytest

from ml_platform.defs.tables import literal, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.910 of 7,371 rows", "0.910 of 7,371 rows"),
        ("0.91 [0.90, 0.92]", r"0.91 \[0.90, 0.92\]"),
        ("[x](javascript:alert)", r"\[x\]\(javascript:alert\)"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("a|b", r"a\|b"),
        ("a\r\n| forged | row |", r"a \| forged \| row \|"),
        ("![x](http://evil/x|y)", r"` ![x](http://evil/x\|y) `"),
        ("www.evil `x``y", r"``` www.evil `x``y ```"),
        ("ann@evil", "` ann@evil `"),
        ("\x1b[31mred\x1b]0;title", r"\[31mred \]0;title"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_a_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert literal(text) == shown


def test_a_row_stays_a_row() -> None:
    value = table([{"name": "a\n| b | c |", "share": 0.123456, "none": None}]).value
    assert value.splitlines()[2:] == [r"| a \| b \| c \| | 0.1235 |  |"]
