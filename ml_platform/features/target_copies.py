"""Single columns that are copies of the target: a lookup by one of them predicts the label of held-out rows."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.features.column_lookup import MINIMUM_ROWS, LookupLabels, codes_of
from ml_platform.features.leakage_report import SAMPLE, KeyColumns, LeakageFinding, LeakageLevel
from ml_platform.features.sample import hashed_sample, holds_lists, token_lists

if TYPE_CHECKING:
    import pandas as pd

COPY_SKILL = 0.97
"""Share of the majority's errors that a lookup by one column may avoid on held-out rows."""
COPY_AUC = 0.99
"""One-vs-rest ROC AUC, averaged over classes, that a lookup by one column may reach."""
COPY_TOKEN = 0.97
"""`COPY_SKILL` for a lookup by the most predictive token of a list."""
LABEL_AMONG_TOKENS = 0.97
SUSPICIOUS_SKILL = 0.85
SUSPICIOUS_AUC = 0.97
"""The limit of a WARNING: no column of the catalogue reaches as much without leaking (.54 and .87 at most)."""
_UNKNOWN = -1.0
"""The purity of a token that training has not seen, below that of every other one."""


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
    truth = LookupLabels.of(train[label], test[label])
    findings = []
    for name in features:
        finding = _copy(train[name], test[name], truth, test[label])
        if finding is not None:
            findings.append(finding)
    return tuple(findings)


def _copy(
    train: "pd.Series[Any]", test: "pd.Series[Any]", truth: "LookupLabels", label: "pd.Series[str]"
) -> LeakageFinding | None:
    """The finding about one column, the worst that applies."""
    name, values = str(train.name), codes_of(train, test)
    skill, auc = truth.skill(*values), truth.macro_auc(*values)
    spelled = by_token = 0.0
    if holds_lists(train):
        learned, asked = token_lists(train), token_lists(test)
        spelled = _label_among_tokens(asked, label)
        by_token = truth.skill(*most_predictive_tokens(learned, asked, truth))
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
    train: list[list[str]], test: list[list[str]], truth: "LookupLabels"
) -> tuple[np.ndarray, np.ndarray]:
    """Each row's token with the purest labels in training, as a code from 0; rows without a known one: 0.

    Purity is the share of the token's most frequent class, shrunk by one average row. Of equally pure tokens of
    a row the first one counts.
    """
    import pandas as pd

    words, vocabulary = pd.factorize(np.array([w for row in train for w in row], dtype=object))
    lengths = np.array([len(row) for row in train], dtype=np.int64)
    width = len(vocabulary) + 1
    at = np.repeat(np.arange(len(train)), lengths)
    counts = np.bincount(
        words * truth.classes + truth.train[at], minlength=width * truth.classes
    ).reshape(width, truth.classes)
    prior = np.bincount(truth.train, minlength=truth.classes) / len(truth.train)
    purity = ((counts + prior) / (counts.sum(axis=1, keepdims=True) + 1)).max(axis=1)
    purity[-1] = _UNKNOWN
    codes = {word: code for code, word in enumerate(vocabulary)}
    asked = np.array([codes.get(w, len(codes)) for row in test for w in row], dtype=np.int64)
    asked_lengths = np.array([len(row) for row in test], dtype=np.int64)
    return _purest(words, lengths, purity), _purest(asked, asked_lengths, purity)


def _purest(words: np.ndarray, lengths: np.ndarray, purity: np.ndarray) -> np.ndarray:
    """One more than the code of each row's first token of the highest ``purity``; 0 without a known token.

    Args:
        words: codes of the tokens of all rows, row after row.
        lengths: tokens of each row.
        purity: by code, `_UNKNOWN` for a token that training has not seen.
    """
    chosen = np.zeros(len(lengths), dtype=np.int64)
    held = np.flatnonzero(lengths)
    if not len(held):
        return chosen
    values = purity[words]
    highest = np.maximum.reduceat(values, (np.cumsum(lengths) - lengths)[held])
    rows = np.repeat(held, lengths[held])
    best = np.flatnonzero((values == np.repeat(highest, lengths[held])) & (values > _UNKNOWN))
    rows_of_best, first = np.unique(rows[best], return_index=True)
    chosen[rows_of_best] = words[best[first]] + 1
    return chosen


def _label_among_tokens(lists: list[list[str]], label: "pd.Series[str]") -> float:
    """Share of the rows whose list holds the row's own label."""
    return float(np.mean([value in tokens for value, tokens in zip(label, lists, strict=True)]))
