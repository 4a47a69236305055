"""The training rows encoded so that no row sees its own label: words are counted by blocks of time."""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.encoding import (
    Encoding,
    EncodingPlan,
    encode_plain,
    fit_categories,
    require_features,
    to_grid,
)
from ml_platform.models.hidden_markov_filter import (
    HiddenMarkovFilter,
    Moments,
    ObservedWords,
    Transitions,
    class_shares,
    count_transitions,
    follow,
    moments,
    word_likelihoods,
)
from ml_platform.models.linear_target_encoding import collect
from ml_platform.models.target_encoding import (
    TargetCounts,
    WordWeights,
    count_targets,
    cross_fitted,
)
from ml_platform.models.tokens import token_column, token_matrix, vocabulary
from ml_platform.spec.training_set import CHANGE_SET, USER
from ml_platform.training_sets.time_split import microseconds

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

MINIMUM_WORD_ROWS = 3.0
"""Weight of rows below which an observed word of the hidden Markov filter is not kept."""


@dataclass(frozen=True)
class TrainingFilter:
    """Counts of the hidden Markov filter by block, so that blocks can be left out."""

    words: tuple[tuple[str, ...], ...]
    sequences: tuple[Moments, ...]
    counts: tuple[TargetCounts, ...]
    transitions: Transitions

    def cross_fitted(self, blocks: np.ndarray, without: Set[int]) -> np.ndarray:
        """Log beliefs at the training rows, each by counts without its own block and those of ``without``."""
        beliefs = np.zeros((len(blocks), self.counts[0].classes.shape[1]))
        for block in range(int(blocks.max()) + 1):
            rows = np.flatnonzero(blocks == block)
            left_out = without | {block}
            beliefs[rows] = follow(
                [
                    Moments(moments.present[rows], moments.earlier[rows])
                    for moments in self.sequences
                ],
                [word_likelihoods(counts.weights(left_out)) for counts in self.counts],
                self.transitions.shares(left_out),
                class_shares(self.counts[0], left_out),
            )
        return beliefs

    def fitted(self, observed: tuple[ObservedWords, ...]) -> HiddenMarkovFilter:
        """The filter for rows outside the training part, by the counts of all blocks."""
        return HiddenMarkovFilter(
            observed=observed,
            words=self.words,
            weights=tuple(counts.weights() for counts in self.counts),
            transitions=self.transitions.shares().astype(np.float32),
            shares=class_shares(self.counts[0]).astype(np.float32),
        )


@dataclass(frozen=True)
class TrainingMatrix:
    """The training rows encoded, with what is needed to leave blocks out of target encoding and filter."""

    plan: EncodingPlan
    classes: int
    plain: np.ndarray
    """Numbers and categories, shape (rows, columns)."""
    categories: tuple[tuple[str, ...], ...]
    words: tuple[tuple[str, ...], ...]
    tokens: tuple["sparse.csr_matrix", ...]
    word_weights: tuple[WordWeights, ...]
    filter: TrainingFilter | None
    blocks: np.ndarray
    """Block of time of each row, shape (rows,)."""

    def cross_fitted(self, without: Set[int] = frozenset()) -> np.ndarray:
        """The matrix, no row of which has seen the labels of its own block or those of ``without``."""
        places = len(self.tokens) + (self.filter is not None)
        rows, start = self.plain.shape
        matrix = np.empty((rows, start + places * self.classes), dtype=np.float32)
        matrix[:, :start] = self.plain
        for tokens, word_weights in zip(self.tokens, self.word_weights, strict=True):
            encoded = cross_fitted(tokens, word_weights, self.blocks, without)
            matrix[:, start : start + self.classes] = to_grid(encoded, scale=False)
            start += self.classes
        if self.filter is not None:
            beliefs = self.filter.cross_fitted(self.blocks, without)
            matrix[:, start:] = to_grid(beliefs, scale=False)
        return matrix

    def encoding(self) -> Encoding:
        """The encoding of rows that are not in the training part, learned from all of it."""
        fitted = None if self.filter is None else self.filter.fitted(self.plan.observed)
        weights = tuple(word_weights.weights() for word_weights in self.word_weights)
        return Encoding(self.plan, self.classes, self.categories, self.words, weights, fitted)


def encode_training(
    rows: "pd.DataFrame", truth: np.ndarray, classes: int, plan: EncodingPlan, blocks: np.ndarray
) -> TrainingMatrix:
    """Categories, vocabularies and counts of the training rows.

    Args:
        rows: the training part.
        truth: class of each row, integers in [0, classes).
        classes: number of classes.
        plan: which features are encoded how.
        blocks: block of time of each row (`ml_platform.training_sets.time_split.time_blocks`).
    """
    require_features(rows, plan.features)
    size = change_set_sizes(rows)
    categories = fit_categories(rows, plan)
    words, matrices = [], []
    word_weights: list[WordWeights] = []
    for column in plan.target_encoded:
        weights = size ** (-1.0 if column.per_change_set else -0.5)
        tokens = token_column(rows[column.feature], lists=column.lists)
        kept = vocabulary(tokens, weights, column.minimum)
        index = {word: i for i, word in enumerate(kept)}
        matrix = token_matrix(tokens, kept, index, column.decay)
        words.append(kept)
        matrices.append(matrix)
        if column.jointly:
            word_weights.append(collect(matrix, truth, change_set_codes(rows), blocks, classes))
        else:
            word_weights.append(count_targets(matrix, truth, weights, blocks, classes))
    return TrainingMatrix(
        plan=plan,
        classes=classes,
        plain=encode_plain(rows, plan, categories),
        categories=categories,
        words=tuple(words),
        tokens=tuple(matrices),
        word_weights=tuple(word_weights),
        filter=training_filter(rows, truth, classes, plan.observed, blocks)
        if plan.observed
        else None,
        blocks=blocks,
    )


def training_filter(
    rows: "pd.DataFrame",
    truth: np.ndarray,
    classes: int,
    observations: tuple[ObservedWords, ...],
    blocks: np.ndarray,
) -> TrainingFilter:
    """The counts of the hidden Markov filter over ``observations``; the other arguments are `encode_training`'s."""
    weights = change_set_sizes(rows) ** -0.5
    words, sequences, counts = [], [], []
    for observed in observations:
        present = observed.present(rows)
        kept = vocabulary(present, weights, MINIMUM_WORD_ROWS)
        index = {word: i for i, word in enumerate(kept)}
        matrix = token_matrix(present, kept, index, 1.0)
        words.append(kept)
        sequences.append(moments(observed, rows, index))
        counts.append(count_targets(matrix, truth, weights, blocks, classes))
    users = token_column(rows[USER], lists=False).codes
    pairs = count_transitions(users, microseconds(rows), truth, blocks, classes)
    return TrainingFilter(tuple(words), tuple(sequences), tuple(counts), pairs)


def change_set_codes(rows: "pd.DataFrame") -> np.ndarray:
    """Integer code of each row's change set."""
    return token_column(rows[CHANGE_SET], lists=False).codes


def change_set_sizes(rows: "pd.DataFrame") -> np.ndarray:
    """Rows of each row's change set among ``rows``."""
    change_sets = change_set_codes(rows)
    return np.asarray(np.bincount(change_sets)[change_sets], dtype=np.float64)
