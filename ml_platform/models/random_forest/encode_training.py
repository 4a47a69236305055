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
from ml_platform.models.random_forest.hidden_markov import (
    Memory,
    Moments,
    Transitions,
    class_shares,
    count_transitions,
    follow,
    moments,
)
from ml_platform.models.random_forest.linear_target_encoding import collect
from ml_platform.models.random_forest.target_encoding import (
    EvidenceCounts,
    Weighing,
    count_evidence,
    cross_fitted,
)
from ml_platform.models.tokens import token_column, token_matrix, vocabulary
from ml_platform.spec.training_set import CHANGE_SET, USER
from ml_platform.training_sets.time_split import microseconds

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

MINIMUM_MEMORY_WORD = 3.0
"""Rows below which a word of the memory is not kept."""


@dataclass(frozen=True)
class TrainingMemory:
    """Counts of the filter over remembered moments, by block."""

    words: tuple[tuple[str, ...], ...]
    sequences: tuple[Moments, ...]
    counts: tuple[EvidenceCounts, ...]
    transitions: Transitions

    def cross_fitted(self, blocks: np.ndarray, without: Set[int]) -> np.ndarray:
        """Beliefs at the training rows, each by counts without its own block and those of ``without``."""
        found = np.zeros((len(blocks), self.counts[0].classes.shape[1]))
        for block in range(int(blocks.max()) + 1):
            rows = np.flatnonzero(blocks == block)
            left_out = without | {block}
            found[rows] = follow(
                [Moments(each.present[rows], each.remembered[rows]) for each in self.sequences],
                [each.weights(left_out) for each in self.counts],
                self.transitions.shares(left_out),
                class_shares(self.counts[0], left_out),
            )
        return found


@dataclass(frozen=True)
class TrainingMatrix:
    """The training rows encoded, with what is needed to leave blocks out of the evidence."""

    plan: EncodingPlan
    classes: int
    plain: np.ndarray
    categories: tuple[tuple[str, ...], ...]
    words: tuple[tuple[str, ...], ...]
    tokens: tuple["sparse.csr_matrix", ...]
    weighings: tuple[Weighing, ...]
    memory: TrainingMemory | None
    blocks: np.ndarray

    def cross_fitted(self, without: Set[int] = frozenset()) -> np.ndarray:
        """The matrix, no row of which has seen the labels of its own block or those of ``without``."""
        places = len(self.tokens) + (self.memory is not None)
        rows, start = self.plain.shape
        made = np.empty((rows, start + places * self.classes), dtype=np.float32)
        made[:, :start] = self.plain
        for tokens, weighing in zip(self.tokens, self.weighings, strict=True):
            found = cross_fitted(tokens, weighing, self.blocks, without)
            made[:, start : start + self.classes] = to_grid(found, scale=False)
            start += self.classes
        if self.memory is not None:
            found = self.memory.cross_fitted(self.blocks, without)
            made[:, start:] = to_grid(found, scale=False)
        return made

    def encoding(self) -> Encoding:
        """The encoding of rows that are not in the training part, learned from all of it."""
        memory = None
        if self.memory is not None:
            memory = Memory(
                kinds=self.plan.memory,
                words=self.memory.words,
                weights=tuple(counts.weights() for counts in self.memory.counts),
                transitions=self.memory.transitions.shares().astype(np.float32),
                shares=class_shares(self.memory.counts[0]).astype(np.float32),
            )
        weights = tuple(weighing.weights() for weighing in self.weighings)
        return Encoding(self.plan, self.classes, self.categories, self.words, weights, memory)


def encode_training(
    rows: "pd.DataFrame", truth: np.ndarray, classes: int, plan: EncodingPlan, blocks: np.ndarray
) -> TrainingMatrix:
    """Categories, vocabularies and counts of the training rows.

    Args:
        rows: the training part.
        truth: class of each row, integers in [0, classes).
        classes: number of classes.
        plan: what is encoded how.
        blocks: block of time of each row (`ml_platform.training_sets.time_split.time_blocks`).
    """
    require_features(rows, plan.features)
    size = change_set_sizes(rows)
    categories = fit_categories(rows, plan)
    words, matrices = [], []
    weighings: list[Weighing] = []
    for column in plan.evidence:
        weights = size ** (-1.0 if column.an_change_set else -0.5)
        tokens = token_column(rows[column.feature], lists=column.lists)
        kept = vocabulary(tokens, weights, column.minimum)
        index = {word: i for i, word in enumerate(kept)}
        matrix = token_matrix(tokens, kept, index, column.decay)
        words.append(kept)
        matrices.append(matrix)
        if column.jointly:
            weighings.append(collect(matrix, truth, change_set_codes(rows), blocks, classes))
        else:
            weighings.append(count_evidence(matrix, truth, weights, blocks, classes))
    return TrainingMatrix(
        plan=plan,
        classes=classes,
        plain=encode_plain(rows, plan, categories),
        categories=categories,
        words=tuple(words),
        tokens=tuple(matrices),
        weighings=tuple(weighings),
        memory=_memory(rows, truth, classes, plan, blocks, size) if plan.memory else None,
        blocks=blocks,
    )


def _memory(
    rows: "pd.DataFrame",
    truth: np.ndarray,
    classes: int,
    plan: EncodingPlan,
    blocks: np.ndarray,
    size: np.ndarray,
) -> TrainingMemory:
    weights = size**-0.5
    words, sequences, counts = [], [], []
    for kind in plan.memory:
        present = kind.present(rows)
        kept = vocabulary(present, weights, MINIMUM_MEMORY_WORD)
        index = {word: i for i, word in enumerate(kept)}
        matrix = token_matrix(present, kept, index, 1.0)
        words.append(kept)
        sequences.append(moments(kind, rows, index))
        counts.append(count_evidence(matrix, truth, weights, blocks, classes))
    users = token_column(rows[USER], lists=False).codes
    pairs = count_transitions(users, microseconds(rows), truth, blocks, classes)
    return TrainingMemory(tuple(words), tuple(sequences), tuple(counts), pairs)


def change_set_codes(rows: "pd.DataFrame") -> np.ndarray:
    """Integer code of each row's change set."""
    return token_column(rows[CHANGE_SET], lists=False).codes


def change_set_sizes(rows: "pd.DataFrame") -> np.ndarray:
    """Rows of each row's change set among ``rows``."""
    change_sets = change_set_codes(rows)
    return np.asarray(np.bincount(change_sets)[change_sets], dtype=np.float64)
