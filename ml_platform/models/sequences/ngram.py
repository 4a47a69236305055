"""The back-off n-gram: counts of what followed the same last steps, for longer and longer contexts, as arrays.

A context is the last steps of the session, newest first, closed by a mark where the session begins. Contexts form
a tree: the child of a context is the same with one more step before it. The probability of a next step is
interpolated from the root to the longest context that was seen, as in the predictive rule of a hierarchical
Pitman-Yor process with one table a successor (Teh 2006, "A Bayesian interpretation of interpolated Kneser-Ney"):

    P(w | c) = (max(n(c, w) - d, 0) + (s + d types(c)) P(w | c without its oldest step)) / (n(c) + s)

With s = 0 this is absolute discounting (Ney, Essen and Kneser 1994), with next to no discount the plain back-off
to the longest context seen. The rate of "soon" is that of the context, drawn to the shorter one's by some rows.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.models.chunks import in_chunks
from ml_platform.models.encoding import require_features
from ml_platform.models.sequences.artifact_kinds import NGRAM
from ml_platform.models.tokens import TokenColumn, token_column, words_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

STEPS, GAPS = "steps", "gaps"
LISTS: Mapping[str, str] = MappingProxyType({STEPS: "tokens", GAPS: "tokens"})
FEATURES: Mapping[str, str] = MappingProxyType({**LISTS, "step": "category", "gap": "category"})
"""The lists that predictions read, and the first word of each, by which monitoring sees them drift."""
TABLES_FILE = "ngram.json"
NEW_SESSION = ("first", "pause")
"""How the gap of a session's first step begins (`ml_platform.features.step_features`)."""
STOP = -1
"""The context ends here: there is no earlier step, or training has not seen it."""
ROWS_AT_ONCE = 32_768

_ARRAYS = ("keys", "offsets", "successors", "counts", "soon_yes", "soon_known")


@dataclass(frozen=True)
class Contexts:
    """The tree of contexts; node 0 is the empty one, a node's number is above its parent's."""

    keys: np.ndarray
    """(nodes - 1,) int64, ascending: parent * symbols + step, of nodes 1, 2, ..."""
    offsets: np.ndarray
    """(nodes + 1,) int64: the successors of node ``i`` lie at ``offsets[i]:offsets[i + 1]``."""
    successors: np.ndarray
    """Classes that followed, ascending within a node."""
    counts: np.ndarray
    """How often."""
    soon_yes: np.ndarray
    """(nodes,) rows with a workflow soon."""
    soon_known: np.ndarray
    """(nodes,) rows of which it is known."""

    @property
    def nodes(self) -> int:
        """How many contexts there are, the empty one included."""
        return len(self.offsets) - 1


@dataclass(frozen=True)
class NgramScorer:
    """Scores by counts; see the module."""

    classes: tuple[str, ...]
    """The next steps, then soon."""
    words: tuple[str, ...]
    """Steps that contexts know; the symbol after the last stands for the beginning of the session."""
    discounts: tuple[float, ...]
    """The discount of each length of context, from 0 steps to those of the longest."""
    strength: float
    """s: rows of the shorter context that are added to the next steps of a longer one."""
    soon_strength: float
    """Rows of the shorter context that are added to the rate of soon of a longer one."""
    threshold: float
    """Probability of soon at or above which there is an alarm."""
    contexts: Contexts

    @property
    def order(self) -> int:
        """Steps that are looked at."""
        return len(self.discounts) - 1

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes), float64: the next steps sum to one, the last column is soon.

        Raises:
            IntegrityError: one of `LISTS` is not among the columns of ``rows``.
        """
        require_features(rows, LISTS)
        return in_chunks(rows, len(self.classes), ROWS_AT_ONCE, self._scored)

    def score_row(self, row: PlainRow) -> np.ndarray:
        """The next steps and soon for one row of plain values, shape (classes,)."""
        steps = row_symbols(words_of(row[STEPS]), words_of(row[GAPS]), self._index, self.order)
        chain = self._chain(steps)
        tree, outcomes = self.contexts, len(self.classes) - 1
        probabilities = np.empty(outcomes + 1)
        probabilities[:-1] = 1.0 / outcomes
        soon = 0.0
        for depth, node in enumerate(chain):
            begin, end = tree.offsets[node : node + 2].tolist()
            counts = tree.counts[begin:end].astype(np.float64)
            discount, total = self.discounts[depth], float(counts.sum()) + self.strength
            probabilities[:-1] *= (self.strength + discount * (end - begin)) / total
            probabilities[tree.successors[begin:end]] += (counts - discount) / total
            added = self.soon_strength if depth else 0.0
            known = int(tree.soon_known[node]) + added
            yes = int(tree.soon_yes[node]) + added * soon
            soon = yes / known if known > 0 else 0.0
        probabilities[-1] = soon
        return probabilities

    def _chain(self, steps: Sequence[int]) -> list[int]:
        """The nodes of the contexts that were seen, from the empty one to the longest."""
        keys, base = self.contexts.keys, len(self.words) + 1
        chain = [0]
        for step in steps:
            wanted = chain[-1] * base + step
            place = int(np.searchsorted(keys, wanted))
            if step == STOP or place == len(keys) or keys[place] != wanted:
                break
            chain.append(place + 1)
        return chain

    def to_artifact(self) -> Artifact:
        """The scorer as files: arrays without pickle, and JSON for the rest."""
        content = {
            "words": list(self.words),
            "discounts": list(self.discounts),
            "strength": self.strength,
            "soon_strength": self.soon_strength,
            "threshold": self.threshold,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        arrays = {f"{name}.npy": _packed(getattr(self.contexts, name)) for name in _ARRAYS}
        return Artifact(
            kind=NGRAM.name,
            classes=self.classes,
            features=FEATURES,
            files=MappingProxyType({TABLES_FILE: text.encode(), **arrays}),
        )

    @classmethod
    def of(cls, artifact: Artifact) -> "NgramScorer":
        """The scorer in the files of ``artifact``."""
        content = json.loads(artifact.files[TABLES_FILE])
        arrays = {name: _unpacked(artifact.files[f"{name}.npy"]) for name in _ARRAYS}
        return cls(
            classes=artifact.classes,
            words=tuple(content["words"]),
            discounts=tuple(content["discounts"]),
            strength=content["strength"],
            soon_strength=content["soon_strength"],
            threshold=content["threshold"],
            contexts=Contexts(**arrays),
        )

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words)}

    @cached_property
    def _parents(self) -> np.ndarray:
        """Node without the oldest step; the root is its own."""
        return np.concatenate([[0], self.contexts.keys // (len(self.words) + 1)])

    def _scored(self, rows: "pd.DataFrame") -> np.ndarray:
        """Probabilities by rows; each context that occurs is computed once."""
        nodes = self._longest(symbols(rows, self._index, self.order))
        distinct, place = np.unique(nodes, return_inverse=True)
        return self._probabilities(distinct)[place]

    def _longest(self, steps: np.ndarray) -> np.ndarray:
        """The node of the longest context that was seen, by rows of symbols."""
        keys = self.contexts.keys
        node = np.zeros(len(steps), dtype=np.int64)
        rows = np.arange(len(steps))
        for column in steps.T:
            rows = rows[column[rows] != STOP]
            wanted = node[rows] * (len(self.words) + 1) + column[rows]
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            seen = keys[place] == wanted if len(keys) else np.zeros(len(rows), dtype=bool)
            rows = rows[seen]
            node[rows] = place[seen] + 1
        return node

    def _probabilities(self, nodes: np.ndarray) -> np.ndarray:
        """Probabilities at each node, interpolated from the empty context on; shape (nodes, classes)."""
        tree, outcomes = self.contexts, len(self.classes) - 1
        chains = self._chains(nodes)
        probabilities = np.empty((len(nodes), outcomes + 1))
        probabilities[:, :-1] = 1.0 / outcomes
        probabilities[:, -1] = 0.0
        for depth, discount in enumerate(self.discounts):
            row = np.flatnonzero(chains[:, depth] >= 0)
            node = chains[row, depth]
            begin, types = tree.offsets[node], tree.offsets[node + 1] - tree.offsets[node]
            rows = np.repeat(np.arange(len(row)), types)
            entries = np.repeat(begin - np.cumsum(types) + types, types) + np.arange(types.sum())
            counts = tree.counts[entries].astype(np.float64)
            total = np.bincount(rows, weights=counts, minlength=len(row)) + self.strength
            probabilities[row, :-1] *= ((self.strength + discount * types) / total)[:, None]
            probabilities[row[rows], tree.successors[entries]] += (counts - discount) / total[rows]
            added = self.soon_strength if depth else 0.0
            known = tree.soon_known[node] + added
            yes = tree.soon_yes[node] + added * probabilities[row, -1]
            rate = np.divide(yes, known, out=np.zeros(len(row)), where=known > 0)
            probabilities[row, -1] = rate
        return probabilities

    def _chains(self, nodes: np.ndarray) -> np.ndarray:
        """(nodes, order + 1): the ancestors of each by depth, the empty context first; -1 beyond the node."""
        upwards = [nodes]
        for _ in range(self.order):
            upwards.append(self._parents[upwards[-1]])
        depth = (np.stack(upwards) > 0).sum(axis=0)
        chains = np.full((len(nodes), self.order + 1), -1, dtype=np.int64)
        for steps, ancestors in enumerate(upwards):
            rows = np.flatnonzero(depth >= steps)
            chains[rows, depth[rows] - steps] = ancestors[rows]
        return chains


def symbols(rows: "pd.DataFrame", index: Mapping[str, int], order: int) -> np.ndarray:
    """(rows, order): the last steps of the session, newest first, then its beginning; `STOP` after that.

    The beginning has the code ``len(index)``; a list that is cut before it has none.
    """
    steps, gaps = token_column(rows[STEPS], lists=True), token_column(rows[GAPS], lists=True)
    codes = np.array([index.get(word, STOP) for word in steps.words] + [STOP], dtype=np.int64)
    begins = np.array([word.startswith(NEW_SESSION) for word in gaps.words] + [False])
    context = np.full((len(rows), order), STOP, dtype=np.int64)
    open_rows = np.ones(len(rows), dtype=bool)
    for back in range(order):
        step, present = _at(steps, back, codes, STOP)
        begun, _ = _at(gaps, back, begins, False)
        row = np.flatnonzero(open_rows & present)
        context[row, back] = step[row]
        open_rows &= present & (step != STOP) & ~begun
        if back + 1 < order:
            ended = row[begun[row] & (step[row] != STOP)]
            context[ended, back + 1] = len(index)
    return context


def row_symbols(
    steps: Sequence[str], gaps: Sequence[str], index: Mapping[str, int], order: int
) -> list[int]:
    """`symbols` of one row of plain values; shorter than ``order`` where there is nothing more."""
    context: list[int] = []
    for back, word in enumerate(steps[:order]):
        code = index.get(word, STOP)
        context.append(code)
        if code == STOP:
            break
        if back < len(gaps) and gaps[back].startswith(NEW_SESSION):
            context.append(len(index))
            break
    return context[:order]


def _at(
    tokens: TokenColumn, back: int, values: np.ndarray, missing: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The value of the token at a place in each list, and whether the list is so long."""
    present = np.diff(tokens.offsets) > back
    at_place = np.full(len(present), missing, dtype=values.dtype)
    at_place[present] = values[tokens.codes[tokens.offsets[:-1][present] + back]]
    return at_place, present


def _packed(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _unpacked(content: bytes) -> np.ndarray:
    array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return array
