"""Proxies: features that predict a protected attribute, so that a model without its column may still use it.

Each feature alone tells the group of users that it has not seen (two halves of the users, each by what the
other half shows), a row at a time, every user counting once. What it is worth is the share of the errors of
"always the most frequent group" that it avoids: 0 tells nothing, 1 gives it away.

Source: the lambda of Goodman and Kruskal (1954), on users held out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.fairness.bands import simultaneous_bands
from ml_platform.evaluation.dimensions.fairness.groups import Grouping
from ml_platform.evaluation.intervals.draws import multinomial_counts
from ml_platform.evaluation.report_parts import Estimate

if TYPE_CHECKING:
    import pandas as pd

GIVES_AWAY = 0.4
"""The share of errors avoided from which on a feature is named."""
BINS = 20
_MOST_USERS = 1_000
_ROWS_A_USER = 30
_FEWEST_USERS = 40


@dataclass(frozen=True)
class Proxy:
    """How well ``feature`` tells ``attribute``: the share of errors avoided, with its simultaneous interval."""

    feature: str
    attribute: str
    estimate: Estimate


def find_proxies(
    rows: "pd.DataFrame",
    features: Mapping[str, str],
    groupings: Sequence[Grouping],
    users: Codes,
    *,
    seed: int,
    resamples: int,
) -> tuple[Proxy, ...]:
    """Every feature against every grouping, the most telling first; empty with fewer than 40 users.

    At most 1,000 users with 30 rows each are looked at, drawn by ``seed``.

    Args:
        rows: the rows of ``groupings``.
        features: kind ('number', 'category', 'tokens') by column; those that ``rows`` lacks are left out.
        groupings: of the rows.
        users: (rows,) codes from 0.
        seed: of the sample, of the halves and of the resamples.
        resamples: of users.
    """
    generator = np.random.default_rng(seed)
    sample = _sample(users, generator)
    _, user = np.unique(users[sample], return_inverse=True)
    count = int(user.max()) + 1
    if count < _FEWEST_USERS:
        return ()
    half = generator.permutation(count) % 2
    share = 1.0 / np.bincount(user)[user]
    present = [name for name in features if name in rows]
    evidence = [_evidence(rows[name].iloc[sample], features[name]) for name in present]
    sums_by_problem, names = [], []
    for grouping in groupings:
        codes = grouping.codes[sample]
        if len(np.unique(codes[codes >= 0])) < 2:
            continue
        problem = _Problem(codes, grouping.count, user, half[user], share, count)
        base = problem.right(np.zeros(len(codes), dtype=np.int64), 1)
        known = problem.known_users
        for name, count_by_group in zip(present, evidence, strict=True):
            sums_by_problem.append(np.column_stack([count_by_group(problem), base, known]))
            names.append((name, grouping.name))
    if not sums_by_problem:
        return ()
    return _proxies(names, np.stack(sums_by_problem, axis=1), count, generator, resamples)


@dataclass(frozen=True)
class _Problem:
    """Rows whose group is to be predicted: codes, users and the half that each user is in, all (rows,)."""

    codes: Codes
    groups: int
    user: Codes
    half: Codes
    share: Array
    """The weight of each row: one over the number of its user's rows."""
    users: int

    @property
    def known_users(self) -> Array:
        """The weight of each user's rows with a known group, (users,)."""
        counts: Array = np.bincount(
            self.user, self.share * (self.codes >= 0), minlength=self.users
        ).astype(np.float64)
        return counts

    def right(self, bins: Codes, count: int) -> Array:
        """Return the share of each user's rows whose group is predicted from their bin, (users,)."""
        predicted = np.zeros(len(bins), dtype=np.int64)
        for half in (0, 1):
            there = (self.half != half) & (self.codes >= 0)
            flat = bins[there] * self.groups + self.codes[there]
            table = np.bincount(flat, self.share[there], minlength=count * self.groups)
            table = table.reshape(count, self.groups)
            # For a bin that the other half never saw, the most frequent group is predicted.
            best = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), table.sum(axis=0).argmax())
            predicted = np.where(self.half == half, best[bins], predicted)
        return self._by_user(predicted)

    def right_by_words(self, row: Codes, word: Codes, words: int) -> Array:
        """Return the same share where groups are predicted from words: naive Bayes, smoothed by one.

        ``row`` and ``word`` (entries,) are the codes of each word's row and of the word; ``words`` counts the
        latter.
        """
        predicted = np.zeros(len(self.codes), dtype=np.int64)
        for half in (0, 1):
            there = (self.half != half) & (self.codes >= 0)
            known_entries = there[row]
            flat = word[known_entries] * self.groups + self.codes[row[known_entries]]
            table = np.bincount(flat, self.share[row[known_entries]], minlength=words * self.groups)
            smooth = table.reshape(words, self.groups) + 1.0 / words
            log_chance = np.log(smooth / smooth.sum(axis=0))
            prior = np.bincount(self.codes[there], self.share[there], minlength=self.groups)
            scores = [
                np.bincount(row, log_chance[word, g], minlength=len(self.codes))
                for g in range(self.groups)
            ]
            total = np.column_stack(scores) + np.log(np.maximum(prior, 1e-12) / prior.sum())
            predicted = np.where(self.half == half, total.argmax(axis=1), predicted)
        return self._by_user(predicted)

    def _by_user(self, predicted: Codes) -> Array:
        right = (predicted == self.codes) * self.share
        right_by_user: Array = np.bincount(self.user, right, minlength=self.users).astype(
            np.float64
        )
        return right_by_user


def _sample(users: Codes, generator: np.random.Generator) -> Codes:
    """Rows of at most `_MOST_USERS` users, `_ROWS_A_USER` each, in their order."""
    count = int(users.max()) + 1
    drawn = np.zeros(count, dtype=bool)
    drawn[generator.permutation(count)[:_MOST_USERS]] = True
    rows = np.flatnonzero(drawn[users])
    rows = rows[generator.permutation(len(rows))]
    order = np.argsort(users[rows], kind="stable")
    sorted_users = users[rows][order]
    first = np.searchsorted(sorted_users, sorted_users, side="left")
    kept: Codes = np.sort(rows[order][np.arange(len(rows)) - first < _ROWS_A_USER])
    return kept


def _evidence(column: "pd.Series[Any]", kind: str) -> Callable[[_Problem], Array]:
    """What a column says of a problem, prepared once for all groupings."""
    if kind == "tokens":
        from ml_platform.models.tokens import token_column

        tokens = token_column(column, lists=True)
        row = np.repeat(np.arange(len(column)), np.diff(tokens.offsets))
        return lambda problem: problem.right_by_words(row, tokens.codes, len(tokens.words) or 1)
    bins, count = _bins(column, kind)
    return lambda problem: problem.right(bins, count)


def _bins(column: "pd.Series[Any]", kind: str) -> tuple[Codes, int]:
    """Twentieths of a number, values of a category; what is missing has a bin of its own."""
    import pandas as pd

    if kind != "number":
        codes, values = pd.factorize(column.astype(object).to_numpy())
        return codes.astype(np.int64) + 1, len(values) + 1
    numbers = column.to_numpy(dtype=np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(len(numbers), dtype=np.int64), 1
    edges = np.unique(np.quantile(numbers[finite], np.arange(1, BINS) / BINS, method="lower"))
    bins = np.searchsorted(edges, np.where(finite, numbers, 0.0), side="left") + 1
    return np.where(finite, bins, 0).astype(np.int64), len(edges) + 2


def _proxies(
    names: Sequence[tuple[str, str]],
    sums: Array,
    users: int,
    generator: np.random.Generator,
    resamples: int,
) -> tuple[Proxy, ...]:
    """Return the proxies from sums (users, problems, 3): right by the feature, right by the majority, weight."""
    drawn = multinomial_counts(generator, users, resamples)
    flat = sums.reshape(users, -1)
    totals = np.vstack([flat.sum(axis=0), drawn.astype(np.float64) @ flat])
    right, base, known = totals.reshape(resamples + 1, -1, 3).transpose(2, 0, 1)
    avoided = (right - base) / np.maximum(known - base, 1e-9)
    bands = simultaneous_bands(
        avoided[0],
        avoided[1:],
        np.full(len(names), 1.0 / (users + 1)),
        np.full(len(names), float(users)),
    )
    order = np.argsort(-bands.values, kind="stable")
    return tuple(
        Proxy(
            names[i][0],
            names[i][1],
            Estimate(
                max(float(bands.values[i]), 0.0),
                max(float(bands.low[i]), 0.0),
                min(max(float(bands.high[i]), 0.0), 1.0),
            ),
        )
        for i in order.tolist()
    )
