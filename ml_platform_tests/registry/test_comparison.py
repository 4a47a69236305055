"""The advice about two versions: every combination has one row, and schemas say what breaks."""

from dataclasses import replace
from itertools import product

import pytest

from ml_platform.gates.outcome import Verdict
from ml_platform.registry.comparison import (
    COMPARISON_TABLE,
    ComparisonSignals,
    SchemaChange,
    decide_comparison,
    schema_changes,
)
from ml_platform_tests.registry.examples import RECORD

GOOD = ComparisonSignals(
    gates=Verdict.PROMOTE,
    comparable=True,
    shown_better=True,
    shown_worse=False,
    breaking=False,
    dearer=False,
    way_back=True,
)


@pytest.mark.parametrize(
    ("changes", "verdict", "row"),
    [
        ({}, "promote", "shown better, and nothing breaks"),
        ({"dearer": True}, "canary", "better, and dearer"),
        ({"shown_better": False}, "canary", "not shown better"),
        ({"way_back": False}, "hold", "there is no way back"),
        ({"comparable": False}, "hold", "they cannot be compared on the same rows"),
        ({"gates": Verdict.HOLD}, "hold", "its gates hold it"),
        ({"breaking": True}, "hold", "its schema breaks who uses it"),
        ({"shown_worse": True}, "reject", "shown worse on the same rows"),
        ({"gates": Verdict.REJECT}, "reject", "its gates reject it"),
    ],
)
def test_each_row(changes: dict[str, object], verdict: str, row: str) -> None:
    decision = decide_comparison(replace(GOOD, **changes))
    assert (decision.verdict, decision.row) == (verdict, row)


def test_the_table_is_total_and_promotes_only_what_is_good_in_every_point() -> None:
    seen = set()
    for gates, flags in product(Verdict, product([True, False], repeat=6)):
        signals = ComparisonSignals(gates, *flags)
        decision = decide_comparison(signals)
        seen.add(decision.row)
        assert (decision.verdict == "promote") == (signals == GOOD)
        if gates is Verdict.REJECT or signals.shown_worse:
            assert decision.verdict == "reject"
    assert seen == {row.name for row in COMPARISON_TABLE}


@pytest.mark.parametrize(
    ("second", "changes"),
    [
        ({}, ()),
        (
            {"input_schema": {**RECORD.input_schema, "new": "number"}},
            (SchemaChange("takes new (number) as well", True),),
        ),
        (
            {"input_schema": {"strong": "category"}},
            (SchemaChange("takes weak no longer", False),),
        ),
        (
            {"input_schema": {"strong": "number", "weak": "category"}},
            (SchemaChange("takes strong as number, which was category", True),),
        ),
        (
            {"feature_versions": {"strong": "v2", "weak": "v1"}},
            (SchemaChange("strong is computed as v2, which was v1", False),),
        ),
        (
            {"classes": (*RECORD.classes, "more")},
            (SchemaChange("answers more as well", True),),
        ),
        (
            {"classes": RECORD.classes[1:]},
            (SchemaChange(f"answers {RECORD.classes[0]} no longer", True),),
        ),
        (
            {"classes": tuple(reversed(RECORD.classes))},
            (SchemaChange("answers the same classes in another order", True),),
        ),
    ],
)
def test_what_a_schema_changes(
    second: dict[str, object], changes: tuple[SchemaChange, ...]
) -> None:
    assert schema_changes(RECORD, replace(RECORD, **second)) == changes
