"""Rows with the last steps of a user to integer arrays and scaled numbers, by declared data.

A step is encoded in several channels: tool, operation, object, time gap. Each channel has a vocabulary, learned on
the training part; 0 pads what is before the first step, 1 stands for any other word. The newest step is last.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import zero_where_missing
from ml_platform.errors import IntegrityError
from ml_platform.models.encoding import require_features
from ml_platform.models.tokens import TokenColumn, token_column, words_of
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

ENCODING_FILE = "encoding.json"
PAD, UNKNOWN, FIRST_WORD = 0, 1, 2
FARTHEST = 6.0
"""Standard deviations at which a number is cut off."""


@dataclass(frozen=True)
class Channel:
    """One aspect of each step: the words of a column of lists (newest first), or a part of each word."""

    feature: str
    size: int
    """Length of the vector that stands for a word."""
    separator: str = ""
    part: int = 0
    """0: what is before the first separator of the word, 1: what is after it; a word without one stays whole."""

    def word(self, text: str) -> str:
        """The part of ``text`` that this channel encodes."""
        if not self.separator or self.separator not in text:
            return text
        return text.split(self.separator, 1)[self.part]


@dataclass(frozen=True)
class SequencePlan:
    """Which features of a row are encoded how."""

    channels: tuple[Channel, ...]
    numbers: tuple[str, ...] = ()
    """Encoded by their inverse hyperbolic sine, scaled; a second column says that the number is missing."""
    cycles: tuple[tuple[str, float], ...] = ()
    """Calendar numbers and their period: encoded by sine and cosine."""
    length: int = 10
    """Steps that are looked at, the newest ones."""
    minimum: int = 20
    """Places in the lists of the training rows that a word has, else it is unknown."""

    @property
    def features(self) -> dict[str, str]:
        """Input columns and their kinds."""
        lists = {channel.feature: "tokens" for channel in self.channels}
        names = (*self.numbers, *(name for name, _ in self.cycles))
        return lists | dict.fromkeys(names, "number")

    @property
    def width(self) -> int:
        """Columns of the numbers."""
        return 2 * (len(self.numbers) + len(self.cycles))


@dataclass(frozen=True)
class EncodedRows:
    """The rows as a network reads them."""

    steps: np.ndarray
    """Shape (rows, length, channels), int32; the newest step last, `PAD` before the first."""
    numbers: np.ndarray
    """Shape (rows, width), float32, finite."""

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, chosen: np.ndarray) -> "EncodedRows":
        """The chosen rows."""
        return EncodedRows(self.steps[chosen], self.numbers[chosen])


@dataclass(frozen=True)
class SequenceEncoding:
    """A plan with the vocabularies, means and scales that it has learned from the training rows."""

    plan: SequencePlan
    words: tuple[tuple[str, ...], ...]
    """Vocabulary of each channel, sorted; word ``i`` has the code ``i + FIRST_WORD``."""
    means: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes of each channel, padding and unknown included."""
        return tuple(len(words) + FIRST_WORD for words in self.words)

    def transform(self, rows: "pd.DataFrame") -> EncodedRows:
        """The rows as arrays; missing lists are empty, missing numbers the mean.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``, or a number is none.
        """
        require_features(rows, self.plan.features)
        plan, columns = self.plan, _token_columns(rows, self.plan)
        steps = np.zeros((len(rows), plan.length, len(plan.channels)), dtype=np.int32)
        for place, channel in enumerate(plan.channels):
            tokens = columns[channel.feature]
            index = self._indices[place]
            codes = [index.get(channel.word(word), UNKNOWN) for word in tokens.words]
            steps[:, :, place] = _newest_last(tokens, np.array(codes, dtype=np.int32), plan.length)
        names = self._number_names
        numbers = np.empty((len(rows), len(names)))
        for place, name in enumerate(names):
            numbers[:, place] = _number(rows, name)
        return EncodedRows(steps, self._numbers(numbers))

    def transform_row(self, row: PlainRow) -> EncodedRows:
        """`transform` of one row of plain values, to the bit."""
        plan = self.plan
        steps = np.zeros((1, plan.length, len(plan.channels)), dtype=np.int32)
        for place, channel in enumerate(plan.channels):
            index = self._indices[place]
            words = words_of(row[channel.feature])[: plan.length]
            codes = [index.get(channel.word(word), UNKNOWN) for word in words]
            if codes:
                steps[0, -len(codes) :, place] = codes[::-1]
        numbers = np.array([[row[name] for name in self._number_names]], dtype=np.float64)
        return EncodedRows(steps, self._numbers(numbers))

    def to_json(self) -> dict[str, object]:
        """Plain values, for `of_json`."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, object]) -> "SequenceEncoding":
        """The encoding that `to_json` wrote."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_json(json.dumps(content))

    @cached_property
    def _indices(self) -> tuple[dict[str, int], ...]:
        return tuple(
            {word: code for code, word in enumerate(words, FIRST_WORD)} for words in self.words
        )

    @cached_property
    def _number_names(self) -> tuple[str, ...]:
        return (*self.plan.numbers, *(name for name, _ in self.plan.cycles))

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        """The scaled numbers of ``values`` (rows, numbers and cycles), shape (rows, width)."""
        columns = np.zeros((len(values), self.plan.width), dtype=np.float32)
        plain = len(self.plan.numbers)
        scaled = (np.arcsinh(values[:, :plain]) - self.means) / self.scales
        columns[:, 0 : 2 * plain : 2] = zero_where_missing(np.clip(scaled, -FARTHEST, FARTHEST))
        columns[:, 1 : 2 * plain : 2] = np.isnan(scaled)
        periods = np.array([period for _, period in self.plan.cycles])
        angles = 2.0 * np.pi * values[:, plain:] / periods
        columns[:, 2 * plain :: 2] = zero_where_missing(np.sin(angles))
        columns[:, 2 * plain + 1 :: 2] = zero_where_missing(np.cos(angles))
        return columns


def fit_sequence_encoding(rows: "pd.DataFrame", plan: SequencePlan) -> SequenceEncoding:
    """Vocabularies, means and scales of the training rows."""
    require_features(rows, plan.features)
    columns = _token_columns(rows, plan)
    means, scales = [], []
    for name in plan.numbers:
        values = np.arcsinh(_number(rows, name))
        known = values[np.isfinite(values)]
        varied = len(np.unique(known)) > 1
        means.append(float(known.mean()) if varied else float(known[:1].sum()))
        scales.append(float(known.std()) if varied else 1.0)
    return SequenceEncoding(
        plan=plan,
        words=tuple(
            _vocabulary(columns[channel.feature], channel, plan.minimum)
            for channel in plan.channels
        ),
        means=tuple(means),
        scales=tuple(scales),
    )


def _token_columns(rows: "pd.DataFrame", plan: SequencePlan) -> dict[str, TokenColumn]:
    names = dict.fromkeys(channel.feature for channel in plan.channels)
    return {name: token_column(rows[name], lists=True) for name in names}


def _vocabulary(tokens: TokenColumn, channel: Channel, minimum: int) -> tuple[str, ...]:
    """The words of a channel, sorted, that have at least ``minimum`` places in the lists."""
    counts = np.bincount(tokens.codes, minlength=len(tokens.words)).tolist()
    total: dict[str, int] = {}
    for text, count in zip(tokens.words, counts, strict=True):
        word = channel.word(text)
        total[word] = total.get(word, 0) + count
    return tuple(sorted(word for word, count in total.items() if count >= minimum))


def _newest_last(tokens: TokenColumn, codes: np.ndarray, length: int) -> np.ndarray:
    """Shape (rows, length): the code of each step, padded on the left."""
    steps = np.full((len(tokens.offsets) - 1, length), PAD, dtype=np.int32)
    lengths = np.diff(tokens.offsets)
    for back in range(length):
        have = lengths > back
        steps[have, length - 1 - back] = codes[tokens.codes[tokens.offsets[:-1][have] + back]]
    return steps


def _number(rows: "pd.DataFrame", name: str) -> np.ndarray:
    try:
        values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise IntegrityError(
            f"Feature {name} should be a number: {error}.",
            remedy="send numbers, or nothing where there is none",
        ) from error
    return np.where(np.isfinite(values), values, np.nan)
