"""The rule baseline for start times: success rates of a workflow by part of the day, as declared arrays.

What a person would write down: "the nightly export fails in the morning". A part that was seldom tried
has nearly the workflow's own rate, a workflow seldom run nearly the overall one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.models.encoding import require_features
from ml_platform.models.start_times.artifact_kinds import START_TIME_RULES
from ml_platform.models.start_times.design import HOUR_COS, HOUR_SIN, UNIT
from ml_platform.models.tokens import token_column, word_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow
from ml_platform.spec.task import NO, YES

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet

RULES_FILE = "start_time_rules.json"
PARTS = 4
"""Night, morning, afternoon, evening: six hours each."""
PRIOR_RUNS = 10.0
"""Runs at the rate above it that are added to a workflow's, and to those of each of its parts."""
_FEATURES = {UNIT: "category", HOUR_SIN: "number", HOUR_COS: "number"}


@dataclass(frozen=True)
class StartTimeRules:
    """Rates of success by workflow and part of the day; see the module."""

    overall: tuple[float, ...]
    """Rates of success by part of the day, for workflows without a rule."""
    rates: Mapping[str, tuple[float, ...]]
    classes: tuple[str, ...] = (NO, YES)

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Probabilities, shape (rows, 2): of no, of yes.

        Raises:
            IntegrityError: the workflow or the hour is not among the columns of ``rows``.
        """
        require_features(rows, _FEATURES)
        tokens = token_column(rows[UNIT], lists=False)
        table = np.array([self.rates.get(word, self.overall) for word in tokens.words])
        table = table.reshape(-1, PARTS)
        yes = table[tokens.codes, _parts(rows)] if len(rows) else np.empty(0)
        return np.column_stack([1.0 - yes, yes])

    def score_row(self, row: PlainRow) -> Array:
        """Probabilities of no and of yes for one row of plain values, shape (2,)."""
        sine, cosine = np.array([[row[HOUR_SIN]], [row[HOUR_COS]]], dtype=np.float64)
        (part,) = _parts_of(sine, cosine).tolist()
        yes = self.rates.get(word_of(row[UNIT]), self.overall)[part]
        return np.array([1.0 - yes, yes])

    @classmethod
    def of(cls, artifact: Artifact) -> "StartTimeRules":
        """The rules in the files of ``artifact``."""
        content = json.loads(artifact.files[RULES_FILE])
        rates = {word: tuple(by_part) for word, by_part in content["rates"].items()}
        return cls(tuple(content["overall"]), MappingProxyType(rates))


def fit_rules(training_set: "TrainingSet") -> Artifact:
    """Rates of the training rows whose outcome is known, smoothed by `PRIOR_RUNS`."""
    label = training_set.record.label
    rows = training_set.train
    rows = rows[rows[label].notna().to_numpy()]
    good = (rows[label].astype(object).to_numpy() == YES).astype(np.float64)
    tokens = token_column(rows[UNIT], lists=False)
    parts = _parts(rows)
    share = (good.sum() + 1.0) / (len(good) + 2.0)
    overall = _smoothed(*_counted(parts, good, PARTS), share)
    units = len(tokens.words)
    level = _smoothed(*_counted(tokens.codes, good, units), share)
    runs, successes = _counted(tokens.codes * PARTS + parts, good, units * PARTS)
    rates = _smoothed(runs, successes, np.repeat(level, PARTS)).reshape(units, PARTS)
    content = {
        "overall": _rounded(overall),
        "rates": {word: _rounded(rates[place]) for place, word in enumerate(tokens.words)},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Artifact(
        kind=START_TIME_RULES.name,
        classes=(NO, YES),
        features=MappingProxyType(_FEATURES),
        files=MappingProxyType({RULES_FILE: text.encode()}),
    )


def _parts(rows: "pd.DataFrame") -> Codes:
    """Part of the day of each row; an unknown hour counts as noon."""
    sine, cosine = (
        rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in (HOUR_SIN, HOUR_COS)
    )
    return _parts_of(sine, cosine)


def _parts_of(sine: Array, cosine: Array) -> Codes:
    """`_parts` of the hour's sine and cosine, shape (rows,)."""
    hours = np.round(np.arctan2(sine, cosine) * (12.0 / np.pi)) % 24
    parts: Codes = (np.nan_to_num(hours, nan=12.0) // (24 // PARTS)).astype(np.int64)
    return parts


def _counted(codes: Codes, good: Array, count: int) -> tuple[Array, Array]:
    runs = np.bincount(codes, minlength=count).astype(np.float64)
    return runs, np.bincount(codes, weights=good, minlength=count).astype(np.float64)


def _smoothed(runs: Array, successes: Array, towards: Array | float) -> Array:
    rates: Array = (successes + PRIOR_RUNS * towards) / (runs + PRIOR_RUNS)
    return rates


def _rounded(rates: Array) -> list[float]:
    return [round(float(rate), 9) for rate in rates]
