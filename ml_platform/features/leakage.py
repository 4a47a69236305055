"""Checks a training set for leakage: rows across the split, copies of the target, looks into the future.

Bounded: copies of the target are looked for on at most `SAMPLE` rows a side, chosen by a hash of their ids. Looks
into the future are found by rebuilding the features (`ml_platform.features.future_check`), which reaches what
SQL computes from the lake; a column from elsewhere is not declared, and is refused for that.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ml_platform.features.future_check import FutureCheck
from ml_platform.features.leakage_report import (
    KeyColumns,
    LeakageFinding,
    LeakageLevel,
    LeakageReport,
)

if TYPE_CHECKING:
    import pandas as pd


def find_leaks(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    *,
    label: str,
    features: Sequence[str],
    declared: Collection[str],
    train_until: datetime,
    test_from: datetime,
    keys: KeyColumns | None = None,
    future: FutureCheck | None = None,
) -> LeakageReport:
    """Every finding about the two parts of a training set, by check, in a fixed order.

    Args:
        train: rows before ``train_until``: keys, label, features (numbers, strings, lists of strings).
        test: rows from ``test_from`` on.
        label: the column that is predicted: classes, a number (looked at by its tenths) or a list (by its
            first item); rows without one are left out where columns are checked.
        features: the columns a model will see.
        declared: names of the feature catalogue, each of which has a window and a poisoned-future test.
        train_until: first moment that must not train.
        test_from: first moment that tests.
        keys: names of the key columns.
        future: what the search for looks into the future found; none for rows that no lake is behind.
    """
    from ml_platform.features.leaking_labels import with_classes
    from ml_platform.features.leaking_rows import duplicate_content, straddling
    from ml_platform.features.target_copies import target_copies

    columns = keys or KeyColumns()
    present = [name for name in features if name in train.columns and name in test.columns]
    known = with_classes(train, test, label)
    findings = (
        *undeclared(features, declared),
        *straddling(train, test, train_until, test_from, columns),
        *duplicate_content(train, test, [*present, label], columns),
        *target_copies(*known, label, present, columns),
        *(future.findings(present) if future else ()),
    )
    return LeakageReport(_worst(findings), findings, len(train), len(test), future)


def undeclared(features: Sequence[str], declared: Collection[str]) -> tuple[LeakageFinding, ...]:
    """A finding for every feature without a definition in the catalogue: the end of its window is unknown."""
    return tuple(
        LeakageFinding(
            check="declared",
            subject=name,
            level=LeakageLevel.DANGEROUS,
            value=1.0,
            limit=0.0,
            explanation=f"{name} is not in the feature catalogue: its window is not known",
        )
        for name in features
        if name not in declared
    )


def _worst(findings: Sequence[LeakageFinding]) -> LeakageLevel:
    order = tuple(LeakageLevel)
    return max((finding.level for finding in findings), key=order.index, default=LeakageLevel.SAFE)
