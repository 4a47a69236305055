"""A user as one vector over the items: the runs so far, and what the content of the user suggests.

A user's row holds each item once, and once more for each doubling of its count (`dbt_project/macros/repeated.sql`).
With growth g, r times weigh 1 + g + ... + g^(r - 1): the logarithm of the count for g = 1, about the count itself
for g = 2; the implicit weight of a preference (Hu, Koren and Volinsky 2008). To it are added ``prior_weight``
pseudo-counts that are spread over the items by the content of the user: a ridge regression from shares of recent
doings and from the team to shares of items (attributes to items, as in Gantner et al. 2010). A user with a long
history is their history; a new one is their content; without content everybody is the average.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, row_products
from ml_platform.models.encoding import require_features
from ml_platform.models.recommenders.top_items import listed, listed_row
from ml_platform.models.tokens import token_column, word_of, words_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow
from ml_platform.training_sets.coded_column import MISSING

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

USED, RECENT, DOINGS, TEAM = "used", "recent", "recent_doings", "team"
FEATURES = {USED: "tokens", RECENT: "tokens", DOINGS: "tokens", TEAM: "category"}
VECTORS_FILE = "user_vectors.json"
CONTENT_FILE = "content.npy"
DOING_GROWTH = 2.0
"""The growth of the count of a doing: each doubling weighs twice as much as the one before."""
NO_TEAM = -1
"""The place of a team that the content does not know."""
NEARLY_NONE = 1e-3
"""A weight of the content that leaves the item model nearly alone, and still orders items without history."""
LEAST_SHARE = 1e-6
"""Lower limit of an item's share in the content of a user: a ridge regression may go below 0."""


@dataclass(frozen=True)
class UserVectors:
    """Rows to vectors over the items, by declared arrays; see the module."""

    items: tuple[str, ...]
    prior_weight: float
    """Pseudo-counts that the content of a user adds."""
    recency: float
    """What a run of the last 14 days counts in addition, in runs."""
    growth: float
    """How much more each doubling of an item's count weighs than the one before, a factor of 1 to 2."""
    tokens: tuple[str, ...]
    """Doings and teams that the content knows."""
    content: Array
    """(tokens + 1, items): what a share of a token adds to the share of an item; the last row is the average."""

    def of(self, rows: "pd.DataFrame") -> tuple[Array, NDArray[np.bool_]]:
        """(rows, items) vectors, positive everywhere, and whether the user has the item already.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``.
        """
        require_features(rows, FEATURES)
        used, recent = (
            item_weights(rows[name], self.items, self._index, self.growth)
            for name in (USED, RECENT)
        )
        return self._vectors(used, recent, content_shares(rows, self.tokens, self._token_index))

    def of_row(self, row: PlainRow) -> tuple[Array, NDArray[np.bool_]]:
        """`of` for one row of plain values: shapes (1, items), to the bit."""
        used, recent = (
            row_weights(words_of(row[name]), self._index, self.growth) for name in (USED, RECENT)
        )
        doings = row_weights(words_of(row[DOINGS]), self._token_index, DOING_GROWTH)
        team = self._token_index.get(f"{TEAM}:{word_of(row[TEAM])}", NO_TEAM)
        shares = shares_by_kind(doings, np.array([team]), self._kinds)
        return self._vectors(used, recent, shares)

    def _vectors(
        self, used: Array, recent: Array, shares: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        history = used + self.recency * recent if self.recency else used
        return history + self.prior_weight * self.suggested(shares), used > 0

    def suggested(self, shares: Array) -> Array:
        """(rows, items) shares that the content ``shares`` (rows, tokens) suggest; positive, each row sums to 1."""
        added = row_products(shares, self.content[:-1])
        expected = np.maximum(added + self.content[-1], LEAST_SHARE)
        normalised: Array = expected / expected.sum(axis=1, keepdims=True)
        return normalised

    @cached_property
    def _index(self) -> dict[str, int]:
        return {item: i for i, item in enumerate(self.items)}

    @cached_property
    def _kinds(self) -> tuple[NDArray[np.int64], ...]:
        return token_kinds(self.tokens)

    @cached_property
    def _token_index(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    def to_files(self) -> dict[str, bytes]:
        """JSON for words and weights, one .npy (no pickle) for the array; the items are the artifact's classes."""
        content = {
            "prior_weight": self.prior_weight,
            "recency": self.recency,
            "growth": self.growth,
            "tokens": self.tokens,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return {VECTORS_FILE: text.encode(), CONTENT_FILE: array_bytes(self.content)}

    def artifact(self, kind: str, name: str, array: Array) -> Artifact:
        """The vectors beside one more declared array, in the file ``name``."""
        return Artifact(
            kind=kind,
            classes=self.items,
            features=MappingProxyType(dict(FEATURES)),
            files=MappingProxyType(self.to_files() | {name: array_bytes(array)}),
        )

    @classmethod
    def from_files(cls, items: tuple[str, ...], files: Mapping[str, bytes]) -> "UserVectors":
        """The vectors that `to_files` wrote."""
        content = json.loads(files[VECTORS_FILE])
        return cls(
            items=items,
            prior_weight=content["prior_weight"],
            recency=content["recency"],
            growth=content["growth"],
            tokens=tuple(content["tokens"]),
            content=array_of(files[CONTENT_FILE]),
        )


def item_weights(
    lists: "pd.Series[Any]", items: Sequence[str], index: dict[str, int], growth: float
) -> Array:
    """(rows, items) weights of the items of each list, 0 where the list does not have it; see the module."""
    of_row, item, _ = listed(lists, items, index)
    inside = item >= 0
    shape = (len(lists), len(items))
    flat = of_row[inside] * len(items) + item[inside]
    times = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
    return grown(times, growth)


def row_weights(words: Sequence[str], index: Mapping[str, int], growth: float) -> Array:
    """`item_weights` of one list of plain values, shape (1, items)."""
    times = np.bincount(np.array(listed_row(words, index), dtype=np.int64), minlength=len(index))
    return grown(times[None, :], growth)


def grown(times: np.ndarray, growth: float) -> Array:
    """The weight of an item that stands ``times`` in a row: 1 + g + ... + g^(times - 1) with g = ``growth``."""
    if growth == 1.0:
        return times.astype(np.float64)
    weights: Array = (np.power(growth, times) - 1.0) / (growth - 1.0)
    return weights


def content_shares(rows: "pd.DataFrame", tokens: tuple[str, ...], index: dict[str, int]) -> Array:
    """(rows, tokens) shares of a row's doings, kind by kind (what stands before the colon), and 1 for its team."""
    doings = item_weights(rows[DOINGS], tokens, index, DOING_GROWTH)
    team = token_column(rows[TEAM], lists=False)
    place = np.array([index.get(f"{TEAM}:{word}", NO_TEAM) for word in team.words], dtype=np.int64)
    return shares_by_kind(doings, place[team.codes], token_kinds(tokens))


def token_kinds(tokens: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
    """The places of the tokens of each kind, which is what stands before the colon."""
    kinds = np.array([token[: token.index(":") + 1] for token in tokens])
    return tuple(np.flatnonzero(kinds == kind) for kind in dict.fromkeys(kinds.tolist()))


def shares_by_kind(
    doings: Array, team: NDArray[np.int64], kinds: Sequence[NDArray[np.int64]]
) -> Array:
    """The weights ``doings`` (rows, tokens) over the sum of their kind, and 1 for the ``team`` (rows,) if known.

    The weights are whole numbers, so that their sums are exact in any order.
    """
    shares = doings.copy()
    for places in kinds:
        of_kind = shares[:, places]
        shares[:, places] = of_kind / np.maximum(of_kind.sum(axis=1, keepdims=True), 1.0)
    known = np.flatnonzero(team != NO_TEAM)
    shares[known, team[known]] = 1.0
    return shares


def content_tokens(rows: "pd.DataFrame") -> tuple[str, ...]:
    """Doings and teams that occur in ``rows``, sorted."""
    doings = {word for word in token_column(rows[DOINGS], lists=True).words if word != MISSING}
    teams = {word for word in token_column(rows[TEAM], lists=False).words if word != MISSING}
    return tuple(sorted(doings | {f"{TEAM}:{word}" for word in teams}))


def latest_rows(rows: "pd.DataFrame", user: str, time: str) -> "pd.DataFrame":
    """The newest row of each user, in the order of the users."""
    codes = np.asarray(rows[user].astype("category").cat.codes)
    order = np.lexsort((rows[time].to_numpy(), codes))
    ordered = codes[order]
    last = np.append(ordered[1:] != ordered[:-1], True) & (ordered >= 0)
    return rows.iloc[order[last]]


def adoption_matrix(
    rows: "pd.DataFrame", label: str, items: tuple[str, ...], recency: float, growth: float
) -> "sparse.csr_matrix":
    """(rows, items): runs before the row, by their weights, and one for what was begun after it."""
    from scipy import sparse

    index = {item: i for i, item in enumerate(items)}
    matrix = sparse.csr_matrix((len(rows), len(items)))
    for column, weight in ((USED, 1.0), (RECENT, recency), (label, 1.0)):
        of_row, item, _ = listed(rows[column], items, index)
        inside = item >= 0
        pairs = (np.ones(int(inside.sum())), (of_row[inside], item[inside]))
        times = sparse.csr_matrix(pairs, matrix.shape)
        times.sum_duplicates()
        times.data = grown(times.data, growth) * weight
        matrix = matrix + times
    matrix.eliminate_zeros()
    return matrix.tocsr()


def fit_content(
    rows: "pd.DataFrame", matrix: "sparse.csr_matrix", tokens: tuple[str, ...], shrinkage: float
) -> Array:
    """Ridge regression of the rows' shares of items on their content, (tokens + 1, items); see `UserVectors`.

    ``shrinkage`` is the penalty in units of the mean sum of squares of a token. Rows without an item are left out.
    """
    index = {token: i for i, token in enumerate(tokens)}
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    has = np.flatnonzero(totals > 0)
    smoothed = np.asarray(matrix.sum(axis=0)).ravel() + 1.0
    average = smoothed / smoothed.sum()
    if not len(has) or not tokens:
        return np.vstack([np.zeros((len(tokens), len(average))), average[None, :]])
    shares = content_shares(rows.iloc[has], tokens, index)
    centre = shares.mean(axis=0)
    squares = (shares - centre).T @ (shares - centre)
    penalty = shrinkage * max(float(np.trace(squares)) / len(tokens), 1e-12)
    items = matrix[has].multiply(1.0 / totals[has][:, None]).tocsr()
    towards = (shares - centre).T @ items
    slopes = np.linalg.solve(squares + penalty * np.eye(len(tokens)), np.asarray(towards))
    return np.vstack([slopes, (average - centre @ slopes)[None, :]])


def array_bytes(array: np.ndarray) -> bytes:
    """The array as .npy, little-endian float64, without pickle."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype="<f8"), allow_pickle=False)
    return buffer.getvalue()


def array_of(content: bytes) -> Array:
    """The array that `array_bytes` wrote."""
    array: Array = np.load(io.BytesIO(content), allow_pickle=False)
    return array
