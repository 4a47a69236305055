"""Simple methods beside the pattern classifier: what the event alone tells, and what a filter over events adds.

Neither is served. They say what the forest is for: naive Bayes knows the words of one event, the hidden Markov
filter (`ml_platform.models.hidden_markov_filter`) also those before it, the forest everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import InsufficientData
from ml_platform.models.hidden_markov_filter import HiddenMarkovFilter, ObservedWords
from ml_platform.models.random_forest.encode_training import training_filter

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class NaiveBayes:
    """`CategoricalNB` of scikit-learn over columns of the event; a value unseen in training tells nothing."""

    classes: tuple[str, ...]
    columns: tuple[str, ...]
    encoder: Any
    log_likelihoods: tuple[Array, ...]
    """By column: shape (values + 1, classes); the last row, of an unseen value, is 0."""
    log_priors: Array

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Probabilities, shape (rows, classes)."""
        codes = self.encoder.transform(_texts(rows, self.columns)).astype(np.int64)
        scores = np.tile(self.log_priors, (len(rows), 1))
        for place, table in enumerate(self.log_likelihoods):
            scores += table[codes[:, place]]
        return _normalised(scores)


@dataclass(frozen=True)
class FilterScorer:
    """The beliefs of a hidden Markov filter as probabilities."""

    classes: tuple[str, ...]
    filter: HiddenMarkovFilter

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Probabilities, shape (rows, classes)."""
        return _normalised(self.filter.log_beliefs(rows))


def fit_naive_bayes(training_set: "TrainingSet", columns: Sequence[str]) -> NaiveBayes:
    """Count the values of ``columns`` by class on the training part, smoothed by one."""
    from sklearn.naive_bayes import CategoricalNB
    from sklearn.preprocessing import OrdinalEncoder

    columns = tuple(columns)
    train, classes = training_set.train, training_set.record.classes
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    codes = encoder.fit_transform(_texts(train, columns)).astype(np.int64)
    model = CategoricalNB(alpha=1.0).fit(codes, _truth(training_set))
    places = [classes[code] for code in model.classes_]
    order = [places.index(name) if name in places else None for name in classes]
    tables = [np.vstack([table.T, np.zeros(len(places))]) for table in model.feature_log_prob_]
    return NaiveBayes(
        classes,
        columns,
        encoder,
        tuple(_in_order(table, order) for table in tables),
        _in_order(model.class_log_prior_[None, :], order)[0],
    )


def fit_filter(training_set: "TrainingSet", observed: tuple[ObservedWords, ...]) -> FilterScorer:
    """Count the words and transitions of the filter on the training part."""
    train, classes = training_set.train, training_set.record.classes
    blocks = np.zeros(len(train), dtype=np.int64)
    learned = training_filter(train, _truth(training_set), len(classes), observed, blocks)
    return FilterScorer(classes, learned.fitted(observed))


def _truth(training_set: "TrainingSet") -> np.ndarray:
    record = training_set.record
    codes = {name: code for code, name in enumerate(record.classes)}
    truth = training_set.train[record.label].map(codes)
    if truth.isna().any() or truth.empty:
        raise InsufficientData(
            f"{int(truth.isna().sum())} of {len(truth)} training rows have no known class.",
            remedy="ingest more labelled events",
        )
    return truth.to_numpy(dtype=np.int64)


def _texts(rows: "pd.DataFrame", columns: tuple[str, ...]) -> np.ndarray:
    return np.column_stack([rows[name].astype(object).fillna("").astype(str) for name in columns])


def _in_order(table: Array, order: list[int | None]) -> Array:
    """The columns of ``table`` by class; a class that training has not seen is impossible."""
    return np.column_stack(
        [np.full(len(table), -1e3) if place is None else table[:, place] for place in order]
    )


def _normalised(scores: Array) -> Array:
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    normalised: Array = probabilities / probabilities.sum(axis=1, keepdims=True)
    return normalised
