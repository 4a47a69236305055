"""The baseline of a version: its features, predictions and performance when it was registered.

From the stored baseline a report needs one pass over the current window only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.errors import InsufficientData
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.columns import Columns, between, cluster_codes, require
from ml_platform.monitoring.distribution import (
    Bins,
    Shares,
    category_bins,
    category_codes,
    clustered_shares,
    number_bins,
    number_codes,
    pack,
    unpack,
)
from ml_platform.monitoring.performance.estimator import PerformanceEstimator
from ml_platform.monitoring.recurring import Recurrence, recurrence
from ml_platform.monitoring.weeks import (
    ALMOST,
    WEEK,
    Inflation,
    Replay,
    inflations,
    of_overlapping_weeks,
    reference_weeks,
    replay,
    replay_missing,
)
from ml_platform.spec.feature import Comparison, FeatureSpec, Kind
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, TIME

if TYPE_CHECKING:
    import pandas as pd

PREDICTED = "predicted"
CONFIDENCE = "confidence"
LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True)
class _Replays:
    """The replays of several features, one tuple for each kind of test."""

    shares: tuple[Replay, ...] = ()
    cumulative: tuple[Replay, ...] = ()
    missing: tuple[Replay, ...] = ()


_NO_REPLAYS = _Replays()


@dataclass(frozen=True)
class FeatureBaseline:
    """The distribution of one feature over the reference weeks."""

    name: str
    compare: Comparison
    bins: Bins
    shares: tuple[float, ...]
    covariance: str
    """The covariance of the shares over clusters, its upper triangle as written by `distribution.pack`."""
    rows: int
    """The number of rows in which the feature is present."""
    total: int
    clusters: int
    missing: float
    missing_variance: float
    inflation: Inflation
    """The variance of the shares between quiet weeks, over the variance that clusters explain."""
    cumulative_inflation: Inflation
    """The ratio of the two variances for the distribution function; for categories, that of the shares."""
    missing_inflation: Inflation
    cluster: str = CLUSTER
    """The column of the clusters over which the covariance is, see `ml_platform.spec.feature.FeatureSpec`."""

    def distribution(self) -> Shares:
        """Return the shares and covariances as arrays."""
        return Shares(
            shares=np.asarray(self.shares),
            covariance=unpack(self.covariance, len(self.shares)),
            rows=self.rows,
            total=self.total,
            clusters=self.clusters,
            missing=self.missing,
            missing_variance=self.missing_variance,
        )

    def measure(self, rows: Columns, clusters: Codes) -> Shares:
        """Compute the same shares over other rows, in one pass over the feature's column."""
        return clustered_shares(self.codes(rows), clusters, self.bins.count)

    def codes(self, rows: Columns) -> Codes:
        """Return the bin of the feature in each row, shape (rows,); -1 where it is missing."""
        return _codes(self.bins, rows[self.name])


@dataclass(frozen=True)
class Baseline:
    """The reference that windows of one version are compared with; stored as JSON, about 1 kB for each feature."""

    model: str
    version: str
    source: str
    simulated: bool
    reference_start: datetime
    reference_end: datetime
    weeks: int
    """The whole weeks that it covers, fewer of a feature that looks back further; 0 for less than a week."""
    rows: int
    clusters: int
    features: tuple[FeatureBaseline, ...]
    predictions: tuple[FeatureBaseline, ...]
    """Predicted class, confidence and low confidence, over rows on which the version was not trained."""
    performance: dict[str, Estimate]
    """The metrics of the evaluation report by name."""
    predictions_until: datetime | None = None
    """The end of the rows of ``predictions``; ``None`` without any, and in baselines of earlier releases."""
    estimator: PerformanceEstimator | None = None
    """What the test predictions teach about estimating performance; ``None`` of earlier releases."""

    @property
    def watched(self) -> tuple[FeatureBaseline, ...]:
        """The features whose distributions are compared."""
        return tuple(e for e in self.features if e.compare is Comparison.DISTRIBUTION)


@dataclass(frozen=True)
class Reference:
    """The features of the reference weeks, measured once for all versions that were fitted on these rows."""

    model: str
    start: datetime
    end: datetime
    weeks: int
    """The whole weeks; 0 for less than a week."""
    rows: int
    clusters: int
    features: tuple[FeatureBaseline, ...]
    replays: _Replays

    def baseline(
        self,
        *,
        version: str,
        source: str,
        simulated: bool,
        predictions: "pd.DataFrame | None" = None,
        performance: Mapping[str, Estimate] | None = None,
        estimator: PerformanceEstimator | None = None,
        policy: MonitoringPolicy = POLICY,
    ) -> Baseline:
        """Add what one version predicts and how well it does.

        ``predictions`` has ``occurred_at``, ``cluster_id``, ``predicted`` and ``confidence`` for rows that were
        NOT trained on (the test rows): a model is more confident of what it has learned.

        Raises:
            IntegrityError: the predictions lack a column.
        """
        predicted: tuple[FeatureBaseline, ...] = ()
        until = None
        if predictions is not None and len(predictions):
            derived = prediction_columns(predictions, policy)
            until = _end_of(derived)
            measured = _measured(derived, PREDICTION_ENTRIES, cluster_codes(derived), until, {})
            predicted, _ = _features(PREDICTION_ENTRIES, measured, {}, self.replays)
        return Baseline(
            model=self.model,
            version=version,
            source=source,
            simulated=simulated,
            reference_start=self.start,
            reference_end=self.end,
            weeks=self.weeks,
            rows=self.rows,
            clusters=self.clusters,
            features=self.features,
            predictions=predicted,
            performance=dict(performance or {}),
            predictions_until=until,
            estimator=estimator,
        )


def measure_reference(
    frame: Columns, specs: Sequence[FeatureSpec], *, model: str, end: datetime
) -> Reference:
    """Measure the features of the last 13 whole weeks at most before ``end``.

    ``frame`` has the columns ``occurred_at``, ``cluster_id`` and those of the features and of their clusters; it is
    asked for one feature at a time.
    Features that never compare, those of the calendar and lists of tokens are left out. Of a feature that looks
    back the first weeks of the data are left out, in which what it looks back on is not known.

    Raises:
        InsufficientData: no row before ``end``.
        IntegrityError: a column is missing.
    """
    times = frame[TIME]
    if not (times < end).any():
        raise InsufficientData(
            f"No reference row of {model} lies before {end.isoformat()}.",
            remedy="Give the rows that were there when the version was registered.",
        )
    first: datetime = times.min().floor("us").to_pydatetime()
    weeks = reference_weeks(first, end)
    start = end - weeks * WEEK if weeks else first
    compared = [spec for spec in specs if _compares(spec)]
    entries = [(spec.name, spec.kind, spec.compare) for spec in compared]
    by_column = {spec.name: spec.cluster for spec in compared}
    columns = [CLUSTER, TIME, *by_column.values(), *by_column]
    columns = list(dict.fromkeys(columns))
    require(frame, columns, "reference rows")
    look_backs = {spec.name: spec.look_back for spec in compared}
    measured: dict[str, _Measured] = {}
    for (kept, column), names in _by_weeks(compared, first, end).items():
        part = between(frame, times, end - kept * WEEK if kept else start, end)
        among = [entry for entry in entries if entry[0] in names]
        measured.update(_measured(part, among, cluster_codes(part, column), end, look_backs))
    features, replays = _features(entries, measured, look_backs)
    features = tuple(replace(entry, cluster=by_column[entry.name]) for entry in features)
    rows = between(frame, times, start, end)
    clusters = int(cluster_codes(rows).max()) + 1
    return Reference(model, start, end, weeks, len(rows.places), clusters, features, replays)


def _by_weeks(
    specs: Sequence[FeatureSpec], first: datetime, end: datetime
) -> dict[tuple[int, str], frozenset[str]]:
    """Group the features by the weeks before ``end`` in which what they look back on is known, and by cluster."""
    groups: dict[tuple[int, str], set[str]] = {}
    for spec in specs:
        weeks = reference_weeks(first, end, spec.look_back)
        groups.setdefault((weeks, spec.cluster), set()).add(spec.name)
    return {group: frozenset(names) for group, names in groups.items()}


PREDICTION_ENTRIES = (
    (PREDICTED, Kind.CATEGORY, Comparison.DISTRIBUTION),
    (CONFIDENCE, Kind.NUMBER, Comparison.DISTRIBUTION),
    (LOW_CONFIDENCE, Kind.CATEGORY, Comparison.DISTRIBUTION),
)


def prediction_columns(predictions: "pd.DataFrame", policy: MonitoringPolicy) -> "pd.DataFrame":
    """Return the predictions with the column ``low_confidence`` ('yes' below the policy's limit, or 'no')."""
    require(predictions, (CLUSTER, TIME, PREDICTED, CONFIDENCE), "predictions")
    low = predictions[CONFIDENCE].to_numpy(dtype=np.float64) < policy.low_confidence
    return predictions.assign(**{LOW_CONFIDENCE: np.where(low, "yes", "no")})


def clusters_by_column(frame: Columns, features: Sequence[FeatureBaseline]) -> dict[str, Codes]:
    """Return `cluster_codes` of ``cluster_id`` and of the columns of the clusters of ``features``."""
    columns = dict.fromkeys((CLUSTER, *(entry.cluster for entry in features)))
    return {column: cluster_codes(frame, column) for column in columns}


def _compares(spec: FeatureSpec) -> bool:
    return spec.kind is not Kind.TOKENS and spec.compare is Comparison.DISTRIBUTION


def _end_of(frame: Columns) -> datetime:
    end: datetime = frame[TIME].max().ceil("us").to_pydatetime()
    return end


def _codes(bins: Bins, values: "pd.Series[Any]") -> Codes:
    if bins.kind is Kind.NUMBER:
        return number_codes(bins, values.to_numpy(dtype=np.float64, na_value=np.nan))
    return category_codes(bins, values)


_Measured = tuple[Bins, Shares, tuple[Replay, Replay, Replay], Recurrence]


def _measured(
    rows: Columns,
    entries: Sequence[tuple[str, Kind, Comparison]],
    clusters: Codes,
    end: datetime,
    look_backs: Mapping[str, timedelta],
) -> dict[str, _Measured]:
    """Return the bins of each column, its shares over ``rows``, the replays of their weeks, and what recurs."""
    slices = _weeks_of(rows[TIME], clusters, end)
    return {
        name: _measure(rows[name], kind, clusters, slices, look_backs.get(name, timedelta(0)))
        for name, kind, _ in entries
    }


def _features(
    entries: Sequence[tuple[str, Kind, Comparison]],
    measured: Mapping[str, _Measured],
    look_backs: Mapping[str, timedelta],
    prior: _Replays = _NO_REPLAYS,
) -> tuple[tuple[FeatureBaseline, ...], _Replays]:
    """Return the baselines of the columns, and their replays, towards which those of other columns may shrink."""
    parts = [measured[name] for name, _, _ in entries]
    replays = _Replays(*(tuple(column) for column in zip(*(p[2] for p in parts), strict=True)))
    factors = inflations((*replays.shares, *prior.shares))
    cumulative = inflations((*replays.cumulative, *prior.cumulative))
    missing = inflations(replays.missing)
    features = []
    for place, (name, _, compare) in enumerate(entries):
        bins, whole, (replayed, _, _), again = parts[place]
        look_back = look_backs.get(name, timedelta(0))
        features.append(
            FeatureBaseline(
                name=name,
                compare=compare,
                bins=bins,
                shares=tuple(float(share) for share in whole.shares),
                covariance=pack(whole.covariance),
                rows=whole.rows,
                total=whole.total,
                clusters=whole.clusters,
                missing=whole.missing,
                missing_variance=whole.missing_variance,
                inflation=of_overlapping_weeks(
                    factors[place], replayed, look_back, paired=bool(again.pairs)
                ).without(again.shares),
                cumulative_inflation=of_overlapping_weeks(
                    cumulative[place], replayed, look_back, paired=bool(again.pairs)
                ).without(again.cumulative),
                missing_inflation=missing[place].without(again.missing),
            )
        )
    return tuple(features), replays


def _weeks_of(times: "pd.Series[Any]", clusters: Codes, end: datetime) -> list[tuple[Codes, Codes]]:
    """Return the rows of each whole week counted back from ``end``, with cluster codes within the week."""
    seconds = (end - times).dt.total_seconds().to_numpy(dtype=np.float64)
    age = seconds / WEEK.total_seconds()
    week = np.maximum(np.ceil(age) - 1, 0).astype(np.int64)
    slices = []
    for number in range(int(age.max() + ALMOST)):
        places = np.flatnonzero(week == number)
        if places.size:
            slices.append((places, np.unique(clusters[places], return_inverse=True)[1]))
    return slices


def _measure(
    values: "pd.Series[Any]",
    kind: Kind,
    clusters: Codes,
    slices: list[tuple[Codes, Codes]],
    look_back: timedelta,
) -> _Measured:
    if kind is Kind.NUMBER:
        bins = number_bins(values.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        bins = category_bins(values)
    codes = _codes(bins, values)
    whole = clustered_shares(codes, clusters, bins.count)
    weeks = [clustered_shares(codes[places], numbers, bins.count) for places, numbers in slices]
    again = recurrence(codes, clusters, bins, [places for places, _ in slices], look_back)
    shares = replay(whole, weeks, cumulative=False, pairs=again.pairs)
    cumulative = shares
    if kind is Kind.NUMBER:
        cumulative = replay(whole, weeks, cumulative=True, pairs=again.pairs)
    missing = replay_missing(whole, weeks, pairs=again.pairs)
    return bins, whole, (shares, cumulative, missing), again
