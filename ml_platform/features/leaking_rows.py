"""Rows that are on the wrong side of the split, or on both."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.leakage import KeyColumns, LeakageFinding, LeakageLevel

if TYPE_CHECKING:
    import pandas as pd

DUPLICATES_WARNING = 0.05
DUPLICATES_DANGEROUS = 0.20
"""Share of test rows with a twin in training, beyond the share that training rows have among themselves."""
CARRIED_OVER = 0.10
"""Share of test rows in a session or case that began in training, above which it is told."""


def straddling(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    train_until: datetime,
    test_from: datetime,
    keys: KeyColumns,
) -> tuple[LeakageFinding, ...]:
    """Rows beyond their side's moment; ids, acts and clusters on both sides.

    A session or case across the split is no leak by itself (its earlier rows are known by then), but
    test rows then depend on training rows: a WARNING above a tenth of them.
    """
    late, early = train[keys.time] >= train_until, test[keys.time] < test_from
    shared = {
        name: float(test[column].isin(train[column].unique()).mean()) if len(test) else 0.0
        for name, column in (("row", keys.row), ("act", keys.act), ("cluster", keys.cluster))
    }
    candidates = (
        _finding(
            "split",
            "train",
            float(late.mean() if len(late) else 0),
            0.0,
            True,
            f"{int(late.sum())} training rows at or after {train_until.isoformat()}",
        ),
        _finding(
            "split",
            "test",
            float(early.mean() if len(early) else 0),
            0.0,
            True,
            f"{int(early.sum())} test rows before {test_from.isoformat()}",
        ),
        _finding(
            "split",
            keys.row,
            shared["row"],
            0.0,
            True,
            f"{shared['row']:.1%} of the test rows are training rows too",
        ),
        _finding(
            "split",
            keys.act,
            shared["act"],
            0.0,
            True,
            f"{shared['act']:.1%} of the test rows belong to an act that trains too",
        ),
        _finding(
            "split",
            keys.cluster,
            shared["cluster"],
            CARRIED_OVER,
            False,
            f"{shared['cluster']:.1%} of the test rows belong to a session that trains too",
        ),
    )
    return tuple(finding for finding in candidates if finding.value > finding.limit)


def _finding(
    check: str, subject: str, value: float, limit: float, dangerous: bool, explanation: str
) -> LeakageFinding:
    level = LeakageLevel.DANGEROUS if dangerous else LeakageLevel.WARNING
    return LeakageFinding(check, subject, level, value, limit, explanation)


def duplicate_content(
    train: "pd.DataFrame", test: "pd.DataFrame", columns: list[str], keys: KeyColumns
) -> tuple[LeakageFinding, ...]:
    """Test rows equal to a training row of the same user in every feature and the label.

    People repeat themselves, so the share is held against that of the last quarter of the training
    rows in the first three; the test rows are looked for in three of four acts, over all of time.
    """
    import pandas as pd

    if len(train) < 100 or len(test) < 100:
        return ()
    content = _content_codes(train, test, [keys.user, *columns])
    order = np.argsort(train[keys.time].astype("int64").to_numpy(), kind="stable")
    before, after = content[: len(train)][order], content[len(train) :]
    last = 3 * len(before) // 4
    usual = float(np.isin(before[last:], before[:last]).mean())
    acts = pd.factorize(train[keys.act].to_numpy()[order])[0]
    found = float(np.isin(after, before[acts % 4 > 0]).mean())
    excess = found - usual
    if excess <= DUPLICATES_WARNING:
        return ()
    dangerous = excess > DUPLICATES_DANGEROUS
    return (
        _finding(
            "duplicates",
            "all features",
            excess,
            DUPLICATES_DANGEROUS if dangerous else DUPLICATES_WARNING,
            dangerous,
            f"{found:.1%} of the test rows have a twin in training; among the training rows "
            f"themselves it is {usual:.1%}",
        ),
    )


def _content_codes(train: "pd.DataFrame", test: "pd.DataFrame", columns: list[str]) -> np.ndarray:
    """A 64-bit number a row, equal where all ``columns`` are equal; lists are left out (slow to hash)."""
    import pandas as pd

    codes = np.zeros(len(train) + len(test), dtype=np.uint64)
    for name in columns:
        both = pd.concat([train[name], test[name]], ignore_index=True)
        if not pd.api.types.is_numeric_dtype(both):
            held = both.dropna()
            if len(held) and isinstance(held.iloc[0], list | tuple | np.ndarray):
                continue
            both = pd.Series(pd.factorize(both)[0])
        mixed = pd.util.hash_array(both.to_numpy(dtype=np.float64), categorize=False)
        codes = codes * np.uint64(0x9E3779B97F4A7C15) + mixed
    return codes
