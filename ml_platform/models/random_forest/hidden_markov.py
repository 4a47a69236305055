"""What a user is doing, followed from moment to moment: a filter over the remembered moments and the present.

Work comes in stretches: the category of one moment is likely that of the next. With transition shares T and
evidence e_t(c) = exp(sum over the words of moment t of their weights for c), the belief is carried forward as

    b(c') <- sum_c T(c, c') b(c) e_t(c) / normaliser,     from the oldest remembered moment to the newest,

and what is encoded is the logarithm of b(c) e(c) at the present row, normalised. Weights and T are counted on
labelled training rows; at prediction only words are read, no label of an earlier moment.

Source: the forward algorithm of a hidden Markov model with supervised counts, Rabiner (1989), "A tutorial on
hidden Markov models", eq. 19-20.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.random_forest.target_encoding import EvidenceCounts
from ml_platform.models.tokens import TokenColumn, token_column
from ml_platform.training_sets.coded_column import MISSING

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 12
"""Remembered moments that are read, the newest first; the accuracy of the filter is flat from 4 on."""
LEAST = -12.0
"""Floor of the logarithm of a belief."""
BREAK_US = 8 * 3_600_000_000
"""After a longer pause nothing is carried over."""
NOTHING = -1
"""Code of a word that says nothing."""
NO_MOMENT = -2


@dataclass(frozen=True)
class RememberedWords:
    """One kind of word: a list feature of earlier moments, and how the present row's word is written."""

    feature: str
    parts: tuple[tuple[str, str], ...]
    """(prefix, category) pairs; the present word is prefix and value of each, one after the other."""

    def present(self, rows: "pd.DataFrame") -> TokenColumn:
        """The word of each row itself; a missing value is written as nothing."""
        columns = [token_column(rows[name], lists=False) for _, name in self.parts]
        codes = np.column_stack([column.codes for column in columns])
        found, place = np.unique(codes, axis=0, return_inverse=True)
        words = tuple(
            "".join(
                prefix + column.words[code].replace(MISSING, "")
                for (prefix, _), column, code in zip(self.parts, columns, line, strict=True)
            )
            for line in found.tolist()
        )
        offsets = np.arange(len(rows) + 1, dtype=np.int64)
        return TokenColumn(words, np.asarray(place).ravel().astype(np.int64), offsets)


@dataclass(frozen=True)
class Moments:
    """Word codes: of the present, shape (rows,); of the remembered moments, shape (rows, `LONGEST`)."""

    present: np.ndarray
    remembered: np.ndarray


@dataclass(frozen=True)
class Transitions:
    """How often one category followed another, by block: shape (blocks, classes, classes); and starts."""

    counts: np.ndarray

    def shares(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (classes, classes), rows sum to one; one observation is added to each pair."""
        kept = [b for b in range(len(self.counts)) if b not in without]
        found = self.counts[kept].sum(axis=0) + 1.0
        return np.asarray(found / found.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Memory:
    """The filter with what it has learned, all float32; scored in double precision."""

    kinds: tuple[RememberedWords, ...]
    words: tuple[tuple[str, ...], ...]
    """Vocabulary of each kind, sorted."""
    weights: tuple[np.ndarray, ...]
    transitions: np.ndarray
    shares: np.ndarray

    @cached_property
    def indices(self) -> tuple[dict[str, int], ...]:
        """Place of each word in its vocabulary; made once."""
        return tuple({word: i for i, word in enumerate(words)} for words in self.words)

    def beliefs(self, rows: "pd.DataFrame") -> np.ndarray:
        """Logarithm of the belief in each class, shape (rows, classes); see `follow`."""
        sequences = [
            moments(kind, rows, index) for kind, index in zip(self.kinds, self.indices, strict=True)
        ]
        return follow(sequences, self.weights, self.transitions, self.shares)


def moments(words: RememberedWords, rows: "pd.DataFrame", index: dict[str, int]) -> Moments:
    """The codes of a frame's words in a vocabulary; the list's first places are the newest moments."""
    now = words.present(rows)
    present = _codes(now, index)[now.codes]
    lists = token_column(rows[words.feature], lists=True)
    lengths = np.diff(lists.offsets)
    line = np.repeat(np.arange(len(rows)), lengths)
    place = np.arange(len(lists.codes)) - np.repeat(lists.offsets[:-1], lengths)
    remembered = np.full((len(rows), LONGEST), NO_MOMENT, dtype=np.int32)
    near = place < LONGEST
    remembered[line[near], place[near]] = _codes(lists, index)[lists.codes[near]]
    return Moments(present.astype(np.int32), remembered)


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


def follow(
    sequences: Sequence[Moments],
    weights: Sequence[np.ndarray],
    transitions: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """Logarithm of the belief in each class at the present row, shape (rows, classes), at least `LEAST`.

    Args:
        sequences: one for each kind of word, all of the same rows.
        weights: of each kind, shape (words, classes).
        transitions: shape (classes, classes), rows sum to one.
        shares: of the classes, shape (classes,): the belief before the first moment.
    """
    evidence = [np.exp(np.vstack([each, np.zeros((1, len(shares)))])) for each in weights]
    belief = np.tile(shares, (len(sequences[0].present), 1))
    for place in range(LONGEST - 1, -1, -1):
        there = np.flatnonzero(sequences[0].remembered[:, place] != NO_MOMENT)
        carried = belief[there]
        for sequence, table in zip(sequences, evidence, strict=True):
            carried *= table[np.maximum(sequence.remembered[there, place], NOTHING)]
        belief[there] = (carried / carried.sum(axis=1, keepdims=True)) @ transitions
    for sequence, table in zip(sequences, evidence, strict=True):
        belief *= table[sequence.present]
    belief /= belief.sum(axis=1, keepdims=True)
    return np.asarray(np.log(np.maximum(belief, np.exp(LEAST))))


def class_shares(counts: EvidenceCounts, without: Set[int] = frozenset()) -> np.ndarray:
    """Smoothed shares of the classes in the blocks that are not left out."""
    kept = [b for b in range(len(counts.classes)) if b not in without]
    found = counts.classes[kept].sum(axis=0) + 1.0
    return np.asarray(found / found.sum())


def _codes(tokens: TokenColumn, index: dict[str, int]) -> np.ndarray:
    return np.array([index.get(word, NOTHING) for word in tokens.words] + [NOTHING], dtype=np.int64)
