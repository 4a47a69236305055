"""A hidden Markov filter: what a user is working on, followed from moment to moment by the words of each.

Work comes in stretches: the category of one moment is likely that of the next. With transition shares T and
likelihoods e_t(c) = exp(sum over the words of moment t of their weights for c), the belief b is carried forward as

    b(c') <- sum_c T(c, c') b(c) e_t(c) / normaliser,     from the oldest moment that is read to the newest,

and what is encoded is the logarithm of b(c) e(c) at the present row, normalised. Weights and T are counted on
labelled training rows; at prediction only words are read, no label of an earlier moment.

Source: the forward algorithm of a hidden Markov model with supervised counts, Rabiner (1989), "A tutorial on
hidden Markov models", eq. 19-20.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import row_products
from ml_platform.models.target_encoding import TargetCounts
from ml_platform.models.tokens import TokenColumn, token_column, word_of, words_of
from ml_platform.spec.model import PlainRow
from ml_platform.training_sets.coded_column import MISSING

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 12
"""Earlier moments that are read, the newest first; the accuracy of the filter is flat from 4 on."""
LEAST = -12.0
"""Floor of the logarithm of a belief."""
BREAK_US = 8 * 3_600_000_000
"""After a longer pause (8 hours, in microseconds) two moments are no transition."""
NOTHING = -1
"""Code of a word that training has not seen: it leaves the belief as it is."""
NO_MOMENT = -2
"""Code where there is no earlier moment."""


@dataclass(frozen=True)
class ObservedWords:
    """One observation a moment: a list feature with the words of earlier moments, and the row's own word."""

    feature: str
    """Column of lists, the newest moment first."""
    parts: tuple[tuple[str, str], ...]
    """(prefix, column) pairs; the row's own word is prefix and value of each, one after the other."""

    def row_codes(self, row: PlainRow, index: Mapping[str, int]) -> tuple[int, list[int]]:
        """The code of the row's own word and those of its earlier moments, at most `LONGEST`, the newest first."""
        word = "".join(
            prefix + word_of(row[name]).replace(MISSING, "") for prefix, name in self.parts
        )
        earlier = [index.get(each, NOTHING) for each in words_of(row[self.feature])[:LONGEST]]
        return index.get(word, NOTHING), earlier

    def present(self, rows: "pd.DataFrame") -> TokenColumn:
        """The word of each row itself; a missing value is written as nothing."""
        columns = [token_column(rows[name], lists=False) for _, name in self.parts]
        codes = np.column_stack([column.codes for column in columns])
        distinct, place = np.unique(codes, axis=0, return_inverse=True)
        words = tuple(
            "".join(
                prefix + column.words[code].replace(MISSING, "")
                for (prefix, _), column, code in zip(self.parts, columns, line, strict=True)
            )
            for line in distinct.tolist()
        )
        offsets = np.arange(len(rows) + 1, dtype=np.int64)
        return TokenColumn(words, np.asarray(place).ravel().astype(np.int64), offsets)


@dataclass(frozen=True)
class Moments:
    """Word codes of the rows themselves, shape (rows,), and of their earlier moments, shape (rows, `LONGEST`)."""

    present: np.ndarray
    earlier: np.ndarray


@dataclass(frozen=True)
class Transitions:
    """How often one category followed another within a block of time."""

    counts: np.ndarray
    """Shape (blocks, classes, classes): from, to."""

    def shares(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (classes, classes), rows sum to one; one observation is added to each pair."""
        kept = [b for b in range(len(self.counts)) if b not in without]
        counts = self.counts[kept].sum(axis=0) + 1.0
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class HiddenMarkovFilter:
    """The filter with what it has learned; arrays are float32, beliefs are computed in double precision."""

    observed: tuple[ObservedWords, ...]
    words: tuple[tuple[str, ...], ...]
    """Vocabulary of each observation, sorted."""
    weights: tuple[np.ndarray, ...]
    """The log-likelihoods of the words of each observation, shape (words, classes)."""
    transitions: np.ndarray
    """Shape (classes, classes), rows sum to one."""
    shares: np.ndarray
    """The share of each class, shape (classes,): the belief before the first moment."""

    @cached_property
    def indices(self) -> tuple[dict[str, int], ...]:
        """Place of each word in its vocabulary; made once."""
        return tuple({word: i for i, word in enumerate(words)} for words in self.words)

    @cached_property
    def likelihoods(self) -> tuple[np.ndarray, ...]:
        """The likelihoods of the words of each observation; made once."""
        return tuple(word_likelihoods(weights) for weights in self.weights)

    @cached_property
    def _double(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares and transitions in double precision."""
        return self.shares.astype(np.float64), self.transitions.astype(np.float64)

    def log_belief(self, row: PlainRow) -> np.ndarray:
        """`log_beliefs` of one row of plain values, shape (classes,), to the bit."""
        read = [
            observed.row_codes(row, index)
            for observed, index in zip(self.observed, self.indices, strict=True)
        ]
        tables = self.likelihoods
        belief, carried = self._double
        for place in range(len(read[0][1]) - 1, -1, -1):
            updated = belief
            for (_, earlier), table in zip(read, tables, strict=True):
                if place < len(earlier) and earlier[place] != NOTHING:
                    updated = updated * table[earlier[place]]
            belief = (updated / np.add.reduce(updated)).dot(carried)
        for (present, _), table in zip(read, tables, strict=True):
            belief = belief * table[present]
        return log_floored(belief / np.add.reduce(belief))

    def log_beliefs(self, rows: "pd.DataFrame") -> np.ndarray:
        """Logarithm of the belief in each class, shape (rows, classes); see `follow`."""
        sequences = [
            moments(observed, rows, index)
            for observed, index in zip(self.observed, self.indices, strict=True)
        ]
        return follow(sequences, self.likelihoods, self.transitions, self.shares)


def moments(observed: ObservedWords, rows: "pd.DataFrame", index: dict[str, int]) -> Moments:
    """The codes of a frame's words in a vocabulary; the list's first places are the newest moments."""
    now = observed.present(rows)
    present = _codes(now, index)[now.codes]
    lists = token_column(rows[observed.feature], lists=True)
    lengths = np.diff(lists.offsets)
    line = np.repeat(np.arange(len(rows)), lengths)
    place = np.arange(len(lists.codes)) - np.repeat(lists.offsets[:-1], lengths)
    earlier = np.full((len(rows), LONGEST), NO_MOMENT, dtype=np.int32)
    near = place < LONGEST
    earlier[line[near], place[near]] = _codes(lists, index)[lists.codes[near]]
    return Moments(present.astype(np.int32), earlier)


def count_transitions(
    users: np.ndarray, times_us: np.ndarray, labels: np.ndarray, blocks: np.ndarray, classes: int
) -> Transitions:
    """Pairs of a user's consecutive moments, at most `BREAK_US` apart and in one block."""
    order = np.lexsort((np.arange(len(users)), times_us, users))
    before, after = order[:-1], order[1:]
    gap = times_us[after] - times_us[before]
    pair = (users[before] == users[after]) & (gap > 0) & (gap <= BREAK_US)
    pair &= blocks[before] == blocks[after]
    counts = np.zeros((int(blocks.max()) + 1, classes, classes))
    np.add.at(counts, (blocks[after[pair]], labels[before[pair]], labels[after[pair]]), 1.0)
    return Transitions(counts)


def word_likelihoods(weights: np.ndarray) -> np.ndarray:
    """Likelihoods (words + 1, classes) of log-likelihoods (words, classes); the last row is that of `NOTHING`."""
    likelihoods: np.ndarray = np.exp(np.vstack([weights, np.zeros((1, weights.shape[1]))]))
    return likelihoods


def log_floored(beliefs: np.ndarray) -> np.ndarray:
    """The logarithm of beliefs, at least `LEAST`."""
    return np.asarray(np.log(np.maximum(beliefs, np.exp(LEAST))))


def follow(
    sequences: Sequence[Moments],
    likelihoods: Sequence[np.ndarray],
    transitions: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """Logarithm of the belief in each class at the present row, shape (rows, classes), at least `LEAST`.

    Args:
        sequences: one for each observation, all of the same rows.
        likelihoods: of the words of each observation, see `word_likelihoods`.
        transitions: shape (classes, classes), rows sum to one.
        shares: of the classes, shape (classes,): the belief before the first moment.
    """
    belief = np.tile(np.asarray(shares, dtype=np.float64), (len(sequences[0].present), 1))
    carried = np.asarray(transitions, dtype=np.float64)
    for place in range(LONGEST - 1, -1, -1):
        there = np.flatnonzero(sequences[0].earlier[:, place] != NO_MOMENT)
        updated = belief[there]
        for sequence, table in zip(sequences, likelihoods, strict=True):
            updated *= table[np.maximum(sequence.earlier[there, place], NOTHING)]
        belief[there] = row_products(updated / updated.sum(axis=1, keepdims=True), carried)
    for sequence, table in zip(sequences, likelihoods, strict=True):
        belief *= table[sequence.present]
    belief /= belief.sum(axis=1, keepdims=True)
    return log_floored(belief)


def class_shares(counts: TargetCounts, without: Set[int] = frozenset()) -> np.ndarray:
    """Smoothed shares of the classes in the blocks that are not left out."""
    kept = [b for b in range(len(counts.classes)) if b not in without]
    rows = counts.classes[kept].sum(axis=0) + 1.0
    return np.asarray(rows / rows.sum())


def _codes(tokens: TokenColumn, index: dict[str, int]) -> np.ndarray:
    return np.array([index.get(word, NOTHING) for word in tokens.words] + [NOTHING], dtype=np.int64)
