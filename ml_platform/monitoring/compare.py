"""Comparison of each feature with its baseline, and severities of all features under false discovery control."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml_platform.monitoring.baseline import FeatureBaseline
from ml_platform.monitoring.distribution import Floats, Shares
from ml_platform.monitoring.drift.chi_squared import clustered_chi_squared
from ml_platform.monitoring.drift.false_discovery import (
    benjamini_hochberg,
    weighted_benjamini_hochberg,
    weights_by_noise,
)
from ml_platform.monitoring.drift.jensen_shannon import jensen_shannon
from ml_platform.monitoring.drift.ks import clustered_ks
from ml_platform.monitoring.drift.largest_change import clustered_largest_change
from ml_platform.monitoring.drift.missingness import missingness
from ml_platform.monitoring.drift.psi import clustered_psi
from ml_platform.monitoring.drift.rank_shift import clustered_rank_shift
from ml_platform.monitoring.report import FeatureDrift, Severity
from ml_platform.monitoring.shapes import Shape, shape_of
from ml_platform.spec.feature import Kind
from ml_platform.spec.monitoring_policy import MonitoringPolicy

_ORDER = {Severity.SIGNIFICANT: 0, Severity.MODERATE: 1, Severity.NONE: 2, Severity.INSUFFICIENT: 3}


@dataclass(frozen=True)
class _Figures:
    statistic: float
    p_value: float
    psi: float
    size: float
    noise: float
    """The largest standard error of a share, or of the distribution function, in a window without drift."""


@dataclass(frozen=True)
class FeatureComparison:
    """The comparison of one feature before the adjustment of p-values, and the change in words."""

    drift: FeatureDrift
    missing_p_value: float
    present: bool
    """Whether both sides have enough rows and clusters to compare the distribution."""
    watched: bool
    """Whether there are enough rows and clusters, missing or not, to compare missingness."""
    tells: bool
    """Whether weeks without drift differ so little that a significant shift would stand out."""
    words: str
    noise: float = 0.0
    """The largest standard error of a share, or of the distribution function, in a window without drift."""
    missing_noise: float = 0.0
    """The standard error of the change of the missing share."""
    shape: Shape | None = None
    """Both distributions; ``None`` where there is nothing to compare."""


def compare(
    baseline: FeatureBaseline, current: Shares, *, clusters: int, policy: MonitoringPolicy
) -> FeatureComparison:
    """Compute effect sizes and p-values of one feature; ``clusters`` counts all of the window, missing or not.

    A number is tested three times: by its KS distance, by its mean rank (values that all move one way),
    and by chi-squared over its bins (values that fall between those of a lattice hardly change the
    distance). A category of more than two levels is tested by chi-squared and by the level that has
    changed most. The p-value is the smallest times the number of tests.
    The severity is filled by `assign_severities`, once all p-values of the report are known.
    """
    before = baseline.distribution()
    present = (
        min(before.rows, current.rows) >= policy.minimum_rows
        and min(before.clusters, current.clusters) >= policy.minimum_clusters
    )
    watched = current.total >= policy.minimum_rows and clusters >= policy.minimum_clusters
    test = "ks" if baseline.bins.kind is Kind.NUMBER else "chi2"
    figures = _Figures(0.0, 1.0, 0.0, 0.0, 0.0)
    if present:
        figures = _distribution(baseline, before, current, policy)
    alike = before.missing_variance * before.clusters / max(clusters, 1)
    missing_variance = before.missing_variance + max(current.missing_variance, alike)
    missing_variance *= baseline.missing_inflation.factor
    _, missing_p = missingness(
        before.missing,
        current.missing,
        missing_variance,
        freedom=baseline.missing_inflation.freedom,
    )
    drift = FeatureDrift(
        name=baseline.name,
        test=test,
        statistic=figures.statistic,
        p_value=figures.p_value,
        adjusted_p_value=1.0,
        psi=figures.psi,
        size=figures.size,
        missing_baseline=before.missing,
        missing_current=current.missing,
        missing_adjusted_p_value=1.0,
        severity=Severity.INSUFFICIENT,
        jensen_shannon=jensen_shannon(before.shares, current.shares) if present else None,
    )
    words = _words(baseline, before, current, drift, policy)
    return FeatureComparison(
        drift,
        missing_p_value=missing_p if watched else 1.0,
        present=present,
        watched=watched,
        tells=present and _can_tell(figures, baseline.cumulative_inflation.freedom, policy),
        words=words,
        noise=figures.noise,
        missing_noise=math.sqrt(missing_variance),
        shape=shape_of(baseline.name, baseline.bins, before, current),
    )


def not_compared(baseline: FeatureBaseline) -> FeatureComparison:
    """Return the comparison of a feature of which there is nothing to compare: INSUFFICIENT."""
    drift = FeatureDrift(
        name=baseline.name,
        test="ks" if baseline.bins.kind is Kind.NUMBER else "chi2",
        statistic=0.0,
        p_value=1.0,
        adjusted_p_value=1.0,
        psi=0.0,
        size=0.0,
        missing_baseline=baseline.missing,
        missing_current=baseline.missing,
        missing_adjusted_p_value=1.0,
        severity=Severity.INSUFFICIENT,
    )
    return FeatureComparison(drift, 1.0, present=False, watched=False, tells=False, words="")


def _distribution(
    baseline: FeatureBaseline, before: Shares, current: Shares, policy: MonitoringPolicy
) -> _Figures:
    gap, rows = current.shares - before.shares, (before.rows, current.rows)
    pooled = (before.shares * rows[0] + current.shares * rows[1]) / sum(rows)
    weight = np.divide(1.0, pooled, out=np.zeros_like(pooled), where=pooled > 0)
    covariance = _quiet(before, current, lambda matrix: float(np.diag(matrix) @ weight))
    covariance *= baseline.inflation.factor
    psi = clustered_psi(before.shares, current.shares, covariance, rows)
    most = min(before.clusters, current.clusters) - 1.0
    freedom = min(baseline.inflation.freedom, most)
    statistic, p_value = clustered_chi_squared(gap, covariance, pooled, freedom=freedom)
    if baseline.bins.kind is not Kind.NUMBER:
        if int((pooled > 0).sum()) > 2:
            _, of_one_level = clustered_largest_change(gap, covariance, freedom=freedom)
            p_value = min(1.0, 2.0 * min(p_value, of_one_level))
        noise = float(np.sqrt(np.diag(covariance).max()))
        return _Figures(statistic, p_value, psi, float(np.abs(gap).sum() / 2), noise)
    inflation = baseline.cumulative_inflation
    freedom = min(inflation.freedom, most)
    covariance = _quiet(before, current, lambda matrix: float(_spread(matrix).sum()))
    covariance *= inflation.factor
    size, by_distance = clustered_ks(
        gap, covariance, freedom=freedom, draws=policy.draws, seed=policy.seed
    )
    noise = float(np.sqrt(max(_spread(covariance).max(initial=0.0), 0.0)))
    _, by_ranks = clustered_rank_shift(gap, covariance, pooled, freedom=freedom)
    p_value = min(1.0, 3.0 * min(p_value, by_distance, by_ranks))
    return _Figures(size, p_value, psi, size, noise)


def _quiet(before: Shares, current: Shares, size: Callable[[Floats], float]) -> Floats:
    """Compute the covariance of the difference of the shares if nothing has moved.

    Then the window's clusters are like those of the baseline. A window may by chance lack the long
    sessions, or the level, that make the variance, and would look far more certain than it is; so what its
    own covariance falls short of the baseline's, scaled to its rows, is taken from there.
    """
    alike = before.covariance * (before.clusters / current.clusters)
    expected, observed = size(alike), size(current.covariance)
    short = max(0.0, 1.0 - observed / expected) if expected > 0 else 0.0
    quiet: Floats = before.covariance + current.covariance + short * alike
    return quiet


def _spread(covariance: Floats) -> Floats:
    """Return the variances of the cumulative shares, except the last one, which is constant."""
    process: Floats = np.cumsum(np.cumsum(covariance, axis=0), axis=1)
    return np.diag(process)[:-1]


def _can_tell(figures: _Figures, freedom: float, policy: MonitoringPolicy) -> bool:
    """Return whether a significant shift would stand out from the noise of weeks without drift."""
    from scipy.special import stdtr

    if figures.noise == 0.0:
        return True
    return 2.0 * float(stdtr(freedom, -policy.size_significant / figures.noise)) <= policy.alpha


def assign_severities(
    compared: Sequence[FeatureComparison], policy: MonitoringPolicy, *, weighted: bool = True
) -> tuple[FeatureDrift, ...]:
    """Assign severities after Benjamini-Hochberg over all tests of the report, of distributions and missingness.

    Where they are ``weighted``, tests with much noise have more of the rate of false discoveries, and those that
    are certain anyhow have less. Tests that were chosen for what they show must not be. What an even share would
    not have shown is MODERATE at most: a report is not red, and nothing is trained, for one uncertain feature.
    """
    tests = [(index, False) for index, entry in enumerate(compared) if entry.present]
    tests += [
        (index, True)
        for index, entry in enumerate(compared)
        if entry.watched and entry.drift.missing_baseline != entry.drift.missing_current
    ]
    raw = [
        compared[i].missing_p_value if missing else compared[i].drift.p_value
        for i, missing in tests
    ]
    even = adjusted = dict(zip(tests, benjamini_hochberg(raw), strict=True))
    if weighted:
        noise = [
            compared[i].missing_noise if missing else compared[i].noise for i, missing in tests
        ]
        weights = weights_by_noise(noise, effect=policy.size_sought, alpha=policy.alpha)
        adjusted = dict(zip(tests, weighted_benjamini_hochberg(raw, weights), strict=True))
    drifts = []
    for index, entry in enumerate(compared):
        p_values = adjusted.get((index, False), 1.0), adjusted.get((index, True), 1.0)
        severity = _severity(entry, *p_values, policy)
        if severity is Severity.SIGNIFICANT:
            alike = even.get((index, False), 1.0), even.get((index, True), 1.0)
            sure = _severity(entry, *alike, policy) is Severity.SIGNIFICANT
            severity = Severity.SIGNIFICANT if sure else Severity.MODERATE
        drifts.append(
            replace(
                entry.drift,
                adjusted_p_value=p_values[0],
                missing_adjusted_p_value=p_values[1],
                severity=severity,
            )
        )
    return tuple(drifts)


def _severity(
    entry: FeatureComparison, adjusted: float, missing: float, policy: MonitoringPolicy
) -> Severity:
    drift = entry.drift
    change = abs(drift.missing_current - drift.missing_baseline)
    severity = Severity.NONE if entry.tells else Severity.INSUFFICIENT
    if entry.present and adjusted <= policy.alpha:
        severity = worst(_band(drift.size, policy), _psi_band(drift.psi, policy))
    if entry.watched and missing <= policy.alpha and _band(change, policy) is not Severity.NONE:
        severity = worst(severity, _band(change, policy))
    return severity


def _band(size: float, policy: MonitoringPolicy) -> Severity:
    if size >= policy.size_significant:
        return Severity.SIGNIFICANT
    return Severity.MODERATE if size >= policy.size_moderate else Severity.NONE


def _psi_band(psi: float, policy: MonitoringPolicy) -> Severity:
    if psi >= policy.psi_significant:
        return Severity.SIGNIFICANT
    return Severity.MODERATE if psi >= policy.psi_moderate else Severity.NONE


def worst(*severities: Severity) -> Severity:
    """Return the worst severity that is known; INSUFFICIENT only when none is known."""
    return min(severities, key=_ORDER.__getitem__, default=Severity.INSUFFICIENT)


def overall(features: Sequence[FeatureDrift], policy: MonitoringPolicy) -> Severity:
    """Return the report's severity: the worst of a feature; INSUFFICIENT when most are and none moved."""
    gravest = worst(*(feature.severity for feature in features))
    if gravest in (Severity.SIGNIFICANT, Severity.MODERATE):
        return gravest
    blind = sum(feature.severity is Severity.INSUFFICIENT for feature in features)
    if blind > policy.insufficient_share * len(features):
        return Severity.INSUFFICIENT
    return gravest


def rank(feature: FeatureDrift) -> tuple[int, float, str]:
    """Return a sort key: the worst severity first, then the largest change."""
    change = max(feature.size, abs(feature.missing_current - feature.missing_baseline))
    return _ORDER[feature.severity], -change, feature.name


def _words(
    baseline: FeatureBaseline,
    before: Shares,
    current: Shares,
    drift: FeatureDrift,
    policy: MonitoringPolicy,
) -> str:
    parts = []
    if current.rows and max(drift.size, drift.psi) >= policy.size_moderate:
        gap = current.shares - before.shares
        place = int(np.abs(gap).argmax())
        share = (
            f"the share of {baseline.bins.label(place)} went from {before.shares[place]:.1%} "
            f"to {current.shares[place]:.1%}"
        )
        if baseline.bins.kind is Kind.NUMBER:
            way = "lower" if float(np.cumsum(gap)[:-1].sum()) > 0 else "higher"
            parts.append(f"values are {way} (KS {drift.size:.2f}, PSI {drift.psi:.2f}); {share}")
        else:
            parts.append(f"{share} (total variation {drift.size:.2f}, PSI {drift.psi:.2f})")
    if abs(current.missing - before.missing) >= policy.size_moderate:
        parts.append(f"missing went from {before.missing:.1%} to {current.missing:.1%}")
    return f"{baseline.name}: {'; '.join(parts)}" if parts else ""
