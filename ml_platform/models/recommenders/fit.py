"""Fits a recommender: users' vectors, an item model, and the parameters chosen on the newest block of time.

The item model learns from the newest row of each user of the training part, with what was begun after it. What
cannot be read off the data (how many tastes, what content weighs) is chosen by nDCG at `CHOSEN_AT` on the newest
quarter of the training part's time, from fits on rows whose label was known before it began.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.errors import InsufficientData, UsageError
from ml_platform.models.one_standard_error import (
    CHOSEN,
    ClusteredEstimate,
    simplest_of_the_best,
)
from ml_platform.models.recommenders.item_scorer import ItemScorer
from ml_platform.models.recommenders.top_items import hits, ndcg_rows, top_items, wanted
from ml_platform.models.recommenders.user_vectors import (
    UserVectors,
    adoption_matrix,
    content_tokens,
    fit_content,
    latest_rows,
)
from ml_platform.spec.model import FitOutcome, Scorer
from ml_platform.spec.training_set import TIME, USER
from ml_platform.training_sets.time_split import Gap, UnitTimes, expanding_folds, microseconds

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

    from ml_platform.spec.model import FitRequest, Parameter
    from ml_platform.spec.training_set import TrainingSet

CHOSEN_AT = 5
HELD_OUT = 0.25
"""Share of the training part's span of time that is held out for the choice of parameters."""
MOST_USERS = 4_000
"""Users that the choice is made on: more cost time and change nothing."""
MOST_LEARNED = 20_000
"""Users that the item model learns from, at most: half of 2,144 moved nDCG@5 by less than .003 (docs/scale.md)."""
LEAST_ROWS = 50

Parameters = Mapping[str, "Parameter"]


@dataclass(frozen=True)
class Learned:
    """A fitted item model: the estimator, and the scorer that is served."""

    estimator: Scorer
    scorer: ItemScorer


Learn = Callable[["sparse.csr_matrix", UserVectors, Parameters, int], Learned]
"""A function of a matrix (users, items), the users' vectors, parameters and a seed that fits an item model."""


@dataclass(frozen=True)
class Family:
    """A kind of item model: how it is fitted, and which values of its parameters are tried."""

    learn: Learn
    fitted: tuple[str, ...]
    """Parameters whose every value needs a fit of its own; the others are those of the users' vectors."""
    choices: Mapping[str, Sequence["Parameter"]]
    """The values of each parameter that are tried, from the simplest on: of about equal ones that is taken."""
    usual: Mapping[str, float]
    """The value of each of these where nothing is tried."""


def fit_recommender(
    training_set: "TrainingSet", request: "FitRequest", family: Family, defaults: Parameters
) -> "FitOutcome":
    """Choose what stands at `CHOSEN` on the newest block (unless ``choose`` is false), then fit the whole part.

    Raises:
        InsufficientData: nobody in the training part has used anything.
        UsageError: a parameter has an impossible value.
    """
    started = time.perf_counter()
    record, rows = training_set.record, training_set.train
    parameters = _with_numbers(family, {**defaults, **request.parameters})
    folds: tuple[dict[str, float], ...] = ()
    parts = _newest_block(rows, record.split.gap)
    if parts is None or not parameters["choose"]:
        parameters = _without_choice(family, parameters)
    if parts is not None:
        parameters, gain = _chosen(parts, record, family, parameters, request)
        folds = ({f"ndcg_at_{CHOSEN_AT}": gain},)
    learned = _learn(rows, record, family, parameters, request.seed)
    return FitOutcome(
        estimator=learned.estimator,
        artifact=learned.scorer.to_artifact(),
        parameters=parameters,
        fold_metrics=folds,
        seconds=time.perf_counter() - started,
    )


def _learn(
    rows: "pd.DataFrame", record: Any, family: Family, parameters: Parameters, seed: int
) -> Learned:
    newest = _some_users(latest_rows(rows, USER, TIME), MOST_LEARNED)
    growth, recency = float(parameters["growth"]), float(parameters["recency"])
    matrix = adoption_matrix(newest, record.label, record.classes, recency, growth)
    if not matrix.nnz:
        raise InsufficientData(
            f"Nobody of the {len(newest)} users in the training part has used one of the "
            f"{len(record.classes)} items.",
            remedy="ingest a longer history of use",
        )
    tokens = content_tokens(newest)
    vectors = UserVectors(
        items=record.classes,
        prior_weight=float(parameters["prior_weight"]),
        recency=recency,
        growth=growth,
        tokens=tokens,
        content=fit_content(newest, matrix, tokens, float(parameters["shrinkage"])),
    )
    return family.learn(matrix, vectors, parameters, seed)


@dataclass(frozen=True)
class _Tried:
    """One choice of parameters, and what it reached on the newest block."""

    parameters: dict[str, "Parameter"]
    estimate: ClusteredEstimate
    """nDCG on the block: the mean over the users who began something there of the mean of the user's rows."""


def _chosen(
    parts: tuple["pd.DataFrame", "pd.DataFrame"],
    record: Any,
    family: Family,
    parameters: Parameters,
    request: "FitRequest",
) -> tuple[dict[str, "Parameter"], float]:
    """The parameters that `simplest_of_the_best` takes of those tried, and their nDCG on the block."""
    fit_rows, held_out = parts
    truth = wanted(held_out[record.label], record.classes)
    counted = truth.total > 0
    users = np.unique(held_out[USER].astype(str).to_numpy()[counted], return_inverse=True)[1]
    if not len(users):
        return _without_choice(family, parameters), 0.0
    tried: list[_Tried] = []
    for point in _grid(family, parameters):
        learned = _learn(fit_rows, record, family, point, request.seed)
        for weight in _values(family, parameters, "prior_weight"):
            vectors = replace(learned.scorer.vectors, prior_weight=float(weight))
            scores = replace(learned.scorer, vectors=vectors).predict_proba(held_out)
            hit = hits(top_items(scores, CHOSEN_AT), truth.known)
            gains = _means_by_user(ndcg_rows(hit, truth.total)[counted], users)
            estimate = ClusteredEstimate.of_means(gains)
            tried.append(_Tried({**point, "prior_weight": weight}, estimate))
        best = max(each.estimate.value for each in tried)
        request.progress(f"{_listing(point, family.fitted)}: best so far {best:.4f}")
    chosen = tried[simplest_of_the_best([each.estimate for each in tried])]
    reached = chosen.estimate.value
    request.progress(
        f"chosen: {_listing(chosen.parameters, (*family.fitted, 'prior_weight'))}, {reached:.4f}"
    )
    return chosen.parameters, reached


def _means_by_user(gains: np.ndarray, users: np.ndarray) -> np.ndarray:
    means: np.ndarray = np.bincount(users, weights=gains) / np.bincount(users)
    return means


def _grid(family: Family, parameters: Parameters) -> Iterable[dict[str, "Parameter"]]:
    """The ``parameters`` with every combination of those that need a fit."""
    values = [_values(family, parameters, name) for name in family.fitted]
    for combination in itertools.product(*values):
        point = dict(zip(family.fitted, combination, strict=True))
        yield {**_without_choice(family, parameters), **point}


def _values(family: Family, parameters: Parameters, name: str) -> Sequence["Parameter"]:
    return family.choices[name] if parameters[name] == CHOSEN else (parameters[name],)


def _with_numbers(family: Family, parameters: Parameters) -> dict[str, "Parameter"]:
    """The ``parameters``; of those that can be chosen, what is given is a number, also where it came as text."""
    given = {name: parameters[name] for name in family.choices if parameters[name] != CHOSEN}
    return {**parameters, **{name: _number(family, name, each) for name, each in given.items()}}


def _number(family: Family, name: str, value: "Parameter") -> float:
    kind = type(family.usual[name])
    try:
        number = float(kind(str(value)))
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        wanted = "a whole number from 1 on" if kind is int else "a number above 0"
        raise UsageError(
            f"{name} is {str(value)!r}; it must be {CHOSEN!r} or {wanted}.",
            remedy=f"set {name} to {CHOSEN!r}, or to {wanted}",
        )
    return kind(number)


def _without_choice(family: Family, parameters: Parameters) -> dict[str, "Parameter"]:
    """The ``parameters`` with the usual value of those that were left to the fit."""
    left = {name: value for name, value in family.usual.items() if parameters[name] == CHOSEN}
    return {**parameters, **left}


def _listing(parameters: Parameters, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {parameters[name]}" for name in names)


def _newest_block(
    rows: "pd.DataFrame", gap: timedelta
) -> tuple["pd.DataFrame", "pd.DataFrame"] | None:
    """Rows to fit on, and rows at least ``gap`` later to choose by; ``None`` where the history is too short."""
    times = microseconds(rows)
    since = int(times.max()) - int(HELD_OUT * int(times.max() - times.min()))
    sample = _some_users(rows, MOST_USERS)
    units = UnitTimes.of_rows(microseconds(sample))
    newest = units.first[units.first >= since]
    if len(newest) < LEAST_ROWS:
        return None
    edges = (int(newest.min()), units.end)
    fold = next(expanding_folds(units, edges, Gap(gap), least_rows=LEAST_ROWS), None)
    return None if fold is None else (sample.iloc[fold.fit], sample.iloc[fold.held_out])


def _some_users(rows: "pd.DataFrame", most: int) -> "pd.DataFrame":
    """The rows of ``most`` users, evenly spaced in the order of their names; all rows of fewer users."""
    users = rows[USER].astype(str)
    known = np.unique(users)
    if len(known) <= most:
        return rows
    kept = known[np.linspace(0, len(known) - 1, most).astype(np.int64)]
    return rows[users.isin(kept)]
