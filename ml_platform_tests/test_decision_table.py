"""A decision table answers by its first matching row, and cannot be built with a gap."""

import pytest

from ml_platform.decision_table import DecisionTable, Row, always

SIZES: DecisionTable[int, str] = DecisionTable(
    (
        Row("negative", lambda n: n < 0, "none"),
        Row("one digit", lambda n: n < 10, "small"),
        Row("the rest", always, "large"),
    )
)


@pytest.mark.parametrize(
    ("value", "name", "outcome"),
    [
        (-1, "negative", "none"),
        (0, "one digit", "small"),
        (9, "one digit", "small"),
        (10, "the rest", "large"),
    ],
)
def test_the_first_row_that_applies_decides(value: int, name: str, outcome: str) -> None:
    row = SIZES.first_match(value)
    assert (row.name, row.outcome) == (name, outcome)


def test_rows_come_in_their_order() -> None:
    assert [row.name for row in SIZES] == ["negative", "one digit", "the rest"]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        SIZES.rows[:-1],
        (SIZES.rows[-1], SIZES.rows[0]),
        (SIZES.rows[-1], SIZES.rows[0], Row("again", always, "large")),
    ],
    ids=["empty", "a gap", "catch-all first", "two catch-alls"],
)
def test_a_table_that_is_not_total_or_hides_rows_is_not_built(
    rows: tuple[Row[int, str], ...],
) -> None:
    with pytest.raises(ValueError, match="applies always"):
        DecisionTable(rows)


def test_two_rows_of_one_name_could_not_be_told_apart() -> None:
    with pytest.raises(ValueError, match="names of their own: \\['negative'\\]"):
        DecisionTable((SIZES.rows[0], *SIZES.rows))
