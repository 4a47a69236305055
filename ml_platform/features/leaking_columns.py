"""Single columns that leak: copies of the target, and columns explained by what comes after the row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.features.leakage_report import SAMPLE, KeyColumns, LeakageFinding, LeakageLevel
from ml_platform.features.sample import hashed_sample, holds_lists, token_lists

if TYPE_CHECKING:
    import pandas as pd

COPY_SKILL = 0.97
"""Share of the majority's errors that a lookup by one column may avoid on held-out rows."""
COPY_AUC = 0.99
"""One-vs-rest ROC AUC, averaged over classes, that a lookup by one column may reach."""
COPY_TOKEN = 0.97
"""The same share for a lookup by the most predictive token of a list."""
LABEL_AMONG_TOKENS = 0.97
SUSPICIOUS_SKILL = 0.85
SUSPICIOUS_AUC = 0.97
"""The limit of a WARNING: no column of the catalogue reaches as much without leaking (.54 and .87 at most)."""
FUTURE_RANK = 0.95
"""Spearman correlation with what comes after, from which a column counts as computed from it."""
FUTURE_SKILL = 0.9
ARROW = 0.05
"""By how much the future must be explained better than its mirror image in the past: an honest count
of the past week correlates with the coming week, but more with the past one."""
AROUND = 8_000
"""Rows whose neighbours are looked at: a rank correlation is then known to .01."""
MINIMUM_ROWS = 200
_BINS = 200
_WINDOWS = (("hour", 3_600.0), ("day", 86_400.0), ("week", 604_800.0))


def target_copies(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    label: str,
    features: list[str],
    keys: KeyColumns,
) -> tuple[LeakageFinding, ...]:
    """Columns that alone predict the label of held-out rows; a merely strong feature (an extension) does not.

    A column is turned into a lookup learned on the training rows (values, or 200 quantile bins), and
    evaluated on the test rows by skill, (accuracy - majority) / (1 - majority), and by macro ROC AUC. A list is
    looked up by its first token, by its most predictive token, and for the label itself. A column that predicts
    nearly as much as a copy would is a WARNING.
    """
    train, test = hashed_sample(train, keys.row, SAMPLE), hashed_sample(test, keys.row, SAMPLE)
    if min(len(train), len(test)) < MINIMUM_ROWS:
        return ()
    truth = _Labels.of(train[label], test[label])
    findings = []
    for name in features:
        finding = _copy(train[name], test[name], truth, test[label])
        if finding is not None:
            findings.append(finding)
    return tuple(findings)


def _copy(
    train: "pd.Series[Any]", test: "pd.Series[Any]", truth: "_Labels", label: "pd.Series[str]"
) -> LeakageFinding | None:
    """The finding about one column, the worst that applies."""
    name, values = str(train.name), _codes(train, test)
    skill, auc = truth.skill(*values), truth.macro_auc(*values)
    spelled = by_token = 0.0
    if holds_lists(train):
        spelled = _label_among_tokens(test, label)
        by_token = truth.skill(
            *most_predictive_tokens(token_lists(train), token_lists(test), truth)
        )
    avoided = f"avoids {skill:.1%} of the majority's errors"
    reached = f"reaches a macro ROC AUC of {auc:.4f}"
    for value, limit, level, what in (
        (skill, COPY_SKILL, LeakageLevel.DANGEROUS, avoided),
        (auc, COPY_AUC, LeakageLevel.DANGEROUS, reached),
        (
            spelled,
            LABEL_AMONG_TOKENS,
            LeakageLevel.DANGEROUS,
            f"holds the label in {spelled:.1%} of the rows",
        ),
        (
            by_token,
            COPY_TOKEN,
            LeakageLevel.DANGEROUS,
            f"avoids {by_token:.1%} of the majority's errors by one token",
        ),
        (skill, SUSPICIOUS_SKILL, LeakageLevel.WARNING, avoided),
        (auc, SUSPICIOUS_AUC, LeakageLevel.WARNING, reached),
    ):
        if value >= limit:
            return LeakageFinding("target", name, level, value, limit, f"{name} alone {what}")
    return None


def most_predictive_tokens(
    train: list[list[str]], test: list[list[str]], truth: "_Labels"
) -> tuple[np.ndarray, np.ndarray]:
    """Each row's token with the purest labels in training, as a code from 0; rows without a known one: 0.

    Purity is the share of the token's most frequent class, shrunk by one average row.
    """
    import pandas as pd

    words, vocabulary = pd.factorize(np.array([w for row in train for w in row], dtype=object))
    codes = {word: code for code, word in enumerate(vocabulary)}
    width = len(vocabulary) + 1
    at = np.repeat(np.arange(len(train)), [len(row) for row in train])
    counts = np.bincount(
        words * truth.classes + truth.train[at], minlength=width * truth.classes
    ).reshape(width, truth.classes)
    prior = np.bincount(truth.train, minlength=truth.classes) / len(truth.train)
    purity = ((counts + prior) / (counts.sum(axis=1, keepdims=True) + 1)).max(axis=1)

    def best(rows: list[list[str]]) -> np.ndarray:
        return np.array(
            [
                max((codes[w] for w in row if w in codes), key=purity.__getitem__, default=-1) + 1
                for row in rows
            ],
            dtype=np.int64,
        )

    return best(train), best(test)


def future_columns(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    label: str,
    features: list[str],
    keys: KeyColumns,
) -> tuple[LeakageFinding, ...]:
    """Columns explained by what the same user does next, and less so by what they did before.

    The arrow of time: next label, time to the next change set and counts of the coming hour, day and week,
    each against its mirror image (previous label, time since the previous change set, past counts).
    """
    import pandas as pd

    who = [keys.row, keys.change_set, keys.user, keys.time, label]
    both = pd.concat([train[who], test[who]], ignore_index=True)
    around = hashed_sample(_with_neighbours(both, label, keys), keys.row, AROUND)
    is_train = around["_row"].to_numpy() < len(train)
    rows = pd.concat(
        [
            train[features].iloc[around["_row"].to_numpy()[is_train]],
            test[features].iloc[around["_row"].to_numpy()[~is_train] - len(train)],
        ],
        ignore_index=True,
    )
    around = pd.concat([around[is_train], around[~is_train]], ignore_index=True)
    labels = _NeighbourLabels.of(around, label)
    findings = []
    for name in features:
        finding = labels.next_label(rows[name]) or _next_times(rows[name], around)
        if finding is not None:
            findings.append(finding)
    return tuple(findings)


@dataclass(frozen=True)
class _Labels:
    train: np.ndarray
    test: np.ndarray
    classes: int

    @classmethod
    def of(cls, train: "pd.Series[str]", test: "pd.Series[str]") -> "_Labels":
        import pandas as pd

        codes, values = pd.factorize(pd.concat([train, test], ignore_index=True), sort=True)
        return cls(codes[: len(train)], codes[len(train) :], len(values))

    def shares(self, train_codes: np.ndarray, width: int) -> np.ndarray:
        """Shares of the classes for each value, shape (values, classes), shrunk by one average row."""
        flat = np.bincount(train_codes * self.classes + self.train, minlength=width * self.classes)
        prior = np.bincount(self.train, minlength=self.classes) / len(self.train)
        counts = flat.reshape(width, self.classes) + prior
        shares: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def skill(self, train_codes: np.ndarray, test_codes: np.ndarray) -> float:
        """Share of the majority's errors on the test rows that the lookup avoids; 0 without any."""
        majority = np.bincount(self.test, minlength=self.classes).max() / len(self.test)
        best = self.shares(train_codes, _width(train_codes, test_codes)).argmax(axis=1)
        accuracy = (best[test_codes] == self.test).mean()
        return float((accuracy - majority) / (1 - majority)) if majority < 1 else 0.0

    def macro_auc(self, train_codes: np.ndarray, test_codes: np.ndarray) -> float:
        """Mean over the classes with ten test rows on either side; 0 without any.

        Rows of one value are tied, so the areas follow from counts by value.
        """
        shares = self.shares(train_codes, _width(train_codes, test_codes))
        flat = test_codes * self.classes + self.test
        counts = np.bincount(flat, minlength=shares.size).reshape(shares.shape)
        rows, areas = counts.sum(axis=1), []
        for code in range(self.classes):
            count = int(counts[:, code].sum())
            if min(count, len(self.test) - count) < 10:
                continue
            values, tied = np.unique(shares[:, code], return_inverse=True)
            positives = np.bincount(tied, weights=counts[:, code], minlength=len(values))
            negatives = np.bincount(tied, weights=rows, minlength=len(values)) - positives
            below = np.cumsum(negatives) - negatives / 2
            areas.append(float((positives * below).sum() / (count * (len(self.test) - count))))
        return float(np.mean(areas)) if areas else 0.0


def _width(train_codes: np.ndarray, test_codes: np.ndarray) -> int:
    return int(max(train_codes.max(), test_codes.max())) + 1


def _codes(train: "pd.Series[str]", test: "pd.Series[str]") -> tuple[np.ndarray, np.ndarray]:
    """Each row's value as a code from 0: numbers with many values by quantile bins of training."""
    import pandas as pd

    both = pd.concat([train, test], ignore_index=True)
    if pd.api.types.is_numeric_dtype(both):
        numbers = both.to_numpy(dtype=np.float64)
        if len(np.unique(numbers[: len(train)])) > _BINS:
            known = numbers[: len(train)]
            edges = np.nanquantile(known, np.arange(1, _BINS) / _BINS)
            numbers = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers))
        both = pd.Series(numbers)
    elif holds_lists(both):
        both = both.map(lambda tokens: tokens[0] if len(tokens) else "")
    codes = pd.factorize(both, use_na_sentinel=False)[0]
    return codes[: len(train)], codes[len(train) :]


def _label_among_tokens(values: "pd.Series[Any]", label: "pd.Series[str]") -> float:
    """Share of the rows whose list holds the row's own label."""
    lists = token_lists(values)
    return float(np.mean([value in tokens for value, tokens in zip(label, lists, strict=True)]))


def _with_neighbours(rows: "pd.DataFrame", label: str, keys: KeyColumns) -> "pd.DataFrame":
    """Adds the user's previous and next change set (label, seconds from the row) and counts of rows around."""
    import pandas as pd

    around = rows.copy()
    around["_row"] = np.arange(len(rows))
    around["_now"] = rows[keys.time].astype("datetime64[us, UTC]").astype("int64") / 1e6
    around["_user"] = pd.factorize(rows[keys.user])[0]
    around = around.sort_values(["_user", "_now"], kind="stable", ignore_index=True)
    change_sets = around.drop_duplicates(["_user", keys.change_set])[
        ["_user", keys.change_set, "_now", label]
    ]
    grouped = change_sets.groupby("_user", sort=False)
    beside = change_sets[["_user", keys.change_set]].copy()
    for side, step in (("previous", 1), ("next", -1)):
        beside[f"_{side}_label"] = grouped[label].shift(step)
        beside[f"_{side}_start"] = grouped["_now"].shift(step)
    around = around.merge(beside, on=["_user", keys.change_set], how="left")
    around["_previous_seconds"] = around["_now"] - around["_previous_start"]
    around["_next_seconds"] = around["_next_start"] - around["_now"]
    return _with_counts(around)


def _with_counts(around: "pd.DataFrame") -> "pd.DataFrame":
    """Rows of the user in the windows before and after each row; rows of the same moment are in none."""
    now = around["_now"].to_numpy()
    longest = _WINDOWS[-1][1]
    stride = now.max() - now.min() + 2 * longest
    line = around["_user"].to_numpy() * stride + (now - now.min())
    first, last = np.searchsorted(line, line, "left"), np.searchsorted(line, line, "right")
    for window, length in _WINDOWS:
        around[f"_previous_{window}"] = first - np.searchsorted(line, line - length, "left")
        around[f"_next_{window}"] = np.searchsorted(line, line + length, "right") - last
    return around


@dataclass(frozen=True)
class _NeighbourLabels:
    """Labels of the previous, own and next change set of rows that have all three, by halves."""

    known: np.ndarray
    previous: _Labels
    own: _Labels
    next: _Labels

    @classmethod
    def of(cls, around: "pd.DataFrame", label: str) -> "_NeighbourLabels":
        known = np.flatnonzero(
            around["_next_label"].notna().to_numpy() & around["_previous_label"].notna().to_numpy()
        )
        first, second = around.iloc[known[::2]], around.iloc[known[1::2]]
        previous, own, following = (
            _Labels.of(first[column], second[column])
            for column in ("_previous_label", label, "_next_label")
        )
        return cls(known, previous, own, following)

    def next_label(self, values: "pd.Series[str]") -> LeakageFinding | None:
        """A finding if ``values`` predict the next label, and the previous and the row's own label less well."""
        if len(self.known) < 2 * MINIMUM_ROWS:
            return None
        codes = _codes(values.iloc[self.known[::2]], values.iloc[self.known[1::2]])
        after = self.next.skill(*codes)
        if after < FUTURE_SKILL:
            return None
        if after < max(self.previous.skill(*codes), self.own.skill(*codes)) + ARROW:
            return None
        name = str(values.name)
        why = (
            f"{name} predicts the label of the user's next change set "
            f"({after:.1%} of the majority's errors avoided)"
        )
        return _dangerous("future", name, after, FUTURE_SKILL, why)


def _next_times(values: "pd.Series[float]", around: "pd.DataFrame") -> LeakageFinding | None:
    """A finding if ``values`` follow what comes after; a column of times counts from the time of the row."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values):
        return None
    numbers, name = values.astype("float64"), str(values.name)
    if _rank_correlation(numbers, around["_now"]) >= FUTURE_RANK:
        numbers = numbers - around["_now"]
    pairs = [("seconds", "the time to the user's next change set")]
    pairs += [(window, f"the user's events of the coming {window}") for window, _ in _WINDOWS]
    for column, what in pairs:
        after = _rank_correlation(numbers, around[f"_next_{column}"])
        if after < FUTURE_RANK:
            continue
        before = _rank_correlation(numbers, around[f"_previous_{column}"])
        if after >= before + ARROW:
            why = (
                f"{name} follows {what} (rank correlation {after:.3f}, {before:.3f} with the past)"
            )
            return _dangerous("future", name, after, FUTURE_RANK, why)
    return None


def _rank_correlation(left: "pd.Series[float]", right: "pd.Series[float]") -> float:
    """Absolute Spearman correlation where both are known; 0 if one is nearly constant there."""
    both = left.notna() & right.notna()
    if int(both.sum()) < MINIMUM_ROWS:
        return 0.0
    x, y = left[both].rank(), right[both].rank()
    if x.nunique() < 3 or y.nunique() < 3:
        return 0.0
    return float(abs(np.corrcoef(x, y)[0, 1]))


def _dangerous(
    check: str, name: str, value: float, limit: float, explanation: str
) -> LeakageFinding:
    return LeakageFinding(check, name, LeakageLevel.DANGEROUS, value, limit, explanation)
