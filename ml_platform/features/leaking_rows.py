"""Rows that are on the wrong side of the split, or on both."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.leakage_report import KeyColumns, LeakageFinding, LeakageLevel

if TYPE_CHECKING:
    import pandas as pd

DUPLICATES_WARNING = 0.05
DUPLICATES_OF_UNIQUE = 0.005
"""`DUPLICATES_WARNING` where training rows do not repeat themselves: then even a few twins are a WARNING."""
DUPLICATES_DANGEROUS = 0.20
"""Share of test rows with a twin in training, beyond the share that training rows have among themselves."""
CARRIED_OVER = 0.10
"""Share of test rows in a session or case that began in training, above which it is a WARNING."""


def straddling(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    train_until: datetime,
    test_from: datetime,
    keys: KeyColumns,
) -> tuple[LeakageFinding, ...]:
    """Rows beyond their side's moment; ids, change sets and clusters on both sides.

    A session or case across the split is no leak by itself (its earlier rows are known by then), but
    test rows then depend on training rows: a WARNING above a tenth of them.
    """
    late, early = train[keys.time] >= train_until, test[keys.time] < test_from
    both = {
        column: test[column].isin(train[column].unique())
        for column in (keys.row, keys.change_set, keys.cluster)
    }
    candidates = (
        _rows("train", train, late, keys, f"training rows at or after {train_until.isoformat()}"),
        _rows("test", test, early, keys, f"test rows before {test_from.isoformat()}"),
        _rows(keys.row, test, both[keys.row], keys, "of the test rows are training rows too"),
        _rows(
            keys.change_set,
            test,
            both[keys.change_set],
            keys,
            "of the test rows belong to a change set that trains too",
        ),
        _rows(
            keys.cluster,
            test,
            both[keys.cluster],
            keys,
            f"of the test rows belong to a {_cluster_is(test, keys)} that trains too",
            limit=CARRIED_OVER,
        ),
    )
    return tuple(finding for finding in candidates if finding.value > finding.limit)


def _rows(
    subject: str,
    rows: "pd.DataFrame",
    where: "pd.Series[bool]",
    keys: KeyColumns,
    description: str,
    limit: float = 0.0,
) -> LeakageFinding:
    """A finding with the ids of some rows: DANGEROUS where the limit is 0, else a WARNING."""
    share = float(where.mean()) if len(where) else 0.0
    explanation = (
        f"{int(where.sum())} ({share:.1%}) {description}, such as {_some(rows[keys.row][where])}"
    )
    return _finding("split", subject, share, limit, limit == 0.0, explanation)


def _some(ids: "pd.Series[str]") -> str:
    return ", ".join(sorted(str(name) for name in ids.unique()[:100])[:3])


def _cluster_is(rows: "pd.DataFrame", keys: KeyColumns) -> str:
    """What the cluster is, in words: where it is the user, people who come back are no surprise."""
    return "user" if rows[keys.cluster].equals(rows[keys.user]) else "session"


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
    rows in the first three; the test rows are looked for in three of four change sets, over all of time.
    """
    import pandas as pd

    if len(train) < 100 or len(test) < 100:
        return ()
    content = _content_codes(train, test, [keys.user, *columns])
    order = np.argsort(train[keys.time].astype("int64").to_numpy(), kind="stable")
    before, after = content[: len(train)][order], content[len(train) :]
    last = 3 * len(before) // 4
    usual = float(np.isin(before[last:], before[:last]).mean())
    change_sets = pd.factorize(train[keys.change_set].to_numpy()[order])[0]
    twins = np.isin(after, before[change_sets % 4 > 0])
    share = float(twins.mean())
    excess = share - usual
    warning = min(DUPLICATES_WARNING, max(DUPLICATES_OF_UNIQUE, usual))
    if excess <= warning:
        return ()
    dangerous = excess > DUPLICATES_DANGEROUS
    return (
        _finding(
            "duplicates",
            "all features",
            excess,
            DUPLICATES_DANGEROUS if dangerous else warning,
            dangerous,
            f"{share:.1%} of the test rows have a twin in training, such as "
            f"{_some(test[keys.row][twins])}; among the training rows themselves it is {usual:.1%}",
        ),
    )


def _content_codes(train: "pd.DataFrame", test: "pd.DataFrame", columns: list[str]) -> np.ndarray:
    """A 64-bit number per row, equal where all ``columns`` are equal; lists are left out (slow to hash)."""
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
