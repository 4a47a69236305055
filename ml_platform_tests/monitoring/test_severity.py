"""What becomes of the comparisons under the policy: severities, the adjustment for many tests, the ranking."""

from dataclasses import replace

import pytest

from ml_platform.monitoring.compare import (
    FeatureComparison,
    assign_severities,
    overall,
    rank,
    worst,
)
from ml_platform.monitoring.report import FeatureDrift, Severity
from ml_platform.spec.monitoring_policy import MonitoringPolicy

POLICY = MonitoringPolicy(draws=2_000)
NONE, MODERATE, SIGNIFICANT, INSUFFICIENT = (
    Severity.NONE,
    Severity.MODERATE,
    Severity.SIGNIFICANT,
    Severity.INSUFFICIENT,
)


def entry(name: str = "tool", **changes: object) -> FeatureComparison:
    """A feature that has not moved and would have been seen to; named changes are of it or of its drift."""
    drift = FeatureDrift(name, "ks", 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, INSUFFICIENT)
    own = {key: changes.pop(key) for key in ("missing_p_value", "present", "watched", "tells")
           if key in changes}  # fmt: skip
    unmoved = FeatureComparison(replace(drift, **changes), 1.0, True, True, True, "")
    return replace(unmoved, **own)


def severity(**changes: object) -> Severity:
    (drift,) = assign_severities([entry(**changes)], POLICY)
    return drift.severity


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, NONE),
        ({"tells": False}, INSUFFICIENT),
        ({"tells": False, "present": False}, INSUFFICIENT),
        ({"p_value": 0.02, "size": 0.25}, SIGNIFICANT),
        ({"p_value": 0.02, "size": 0.2499}, MODERATE),
        ({"p_value": 0.02, "size": 0.10}, MODERATE),
        ({"p_value": 0.02, "size": 0.0999}, NONE),
        ({"p_value": 0.02, "psi": 0.25}, SIGNIFICANT),
        ({"p_value": 0.02, "psi": 0.2499}, MODERATE),
        ({"p_value": 0.02, "psi": 0.10}, MODERATE),
        ({"p_value": 0.02, "psi": 0.0999}, NONE),
        ({"p_value": 0.02, "size": 0.1, "psi": 0.3}, SIGNIFICANT),
        ({"p_value": 0.02, "size": 0.3, "psi": 0.1}, SIGNIFICANT),
        ({"p_value": 0.0201, "size": 0.9, "psi": 0.9}, NONE),
        ({"p_value": 0.0201, "size": 0.9, "tells": False}, INSUFFICIENT),
        ({"p_value": 0.001, "size": 0.3, "tells": False}, SIGNIFICANT),
        ({"p_value": 0.001, "size": 0.3, "present": False, "tells": False}, INSUFFICIENT),
    ],
)
def test_a_change_counts_when_it_is_large_and_not_chance(changes, expected) -> None:
    assert severity(**changes) is expected


@pytest.mark.parametrize(
    ("before", "now", "p_value", "tells", "expected"),
    [
        (0.0, 0.25, 0.01, True, SIGNIFICANT),
        (0.5, 0.25, 0.01, True, SIGNIFICANT),
        (0.0, 0.24, 0.01, True, MODERATE),
        (0.1, 0.0, 0.01, True, MODERATE),
        (0.0, 0.09, 0.001, True, NONE),
        (0.0, 0.09, 0.001, False, INSUFFICIENT),
        (0.0, 0.30, 0.0101, True, NONE),
        (0.0, 0.30, 0.001, False, SIGNIFICANT),
    ],
)
def test_missing_values_count_likewise(before, now, p_value, tells, expected) -> None:
    """Two tests are made of the feature, so that a p-value of .01 is adjusted to the .02 of the policy."""
    changes = {"missing_baseline": before, "missing_current": now, "missing_p_value": p_value}
    assert severity(**changes, tells=tells) is expected
    assert severity(**changes, tells=tells, watched=False) in (NONE, INSUFFICIENT)


def test_the_worse_of_both_changes_is_the_features() -> None:
    moved = {"p_value": 0.001, "size": 0.15}
    gone = {"missing_baseline": 0.0, "missing_current": 0.4, "missing_p_value": 0.001}
    assert severity(**moved) is MODERATE
    assert severity(**moved, **gone) is SIGNIFICANT


def test_p_values_are_adjusted_over_all_tests_that_were_made() -> None:
    """Benjamini-Hochberg over .01, .02 and .9: .01 * 3, .02 * 3 / 2, so both are .03: neither below .02."""
    entries = [
        entry("first", p_value=0.01, size=0.3),
        entry("second", p_value=0.02, size=0.3),
        entry("third", p_value=0.9, missing_p_value=0.0001),  # as much is missing as was: no test
        entry("blind", p_value=0.0001, present=False, tells=False),  # too few rows: no test
    ]
    drifts = assign_severities(entries, POLICY)
    assert [drift.adjusted_p_value for drift in drifts] == pytest.approx([0.03, 0.03, 0.9, 1.0])
    assert [drift.severity for drift in drifts] == [NONE, NONE, NONE, INSUFFICIENT]
    gone = entry("gone", missing_current=0.5, missing_p_value=0.001, present=False)
    *_, last = assign_severities([*entries, gone], POLICY)
    assert (last.adjusted_p_value, last.missing_adjusted_p_value) == (1.0, 0.004)


def test_a_test_with_noise_has_more_of_the_rate_unless_all_have_the_same() -> None:
    """Nine certain features leave the tenth most of theirs: .008 is found, .008 times ten would not be."""
    entries = [entry(f"certain {n}", p_value=0.9) for n in range(9)]
    entries.append(entry("uncertain", p_value=0.008, size=0.3))
    entries = [replace(each, noise=0.005) for each in entries[:-1]] + [
        replace(entries[-1], noise=0.05)
    ]
    *_, found = assign_severities(entries, POLICY)
    assert found.severity is MODERATE, "an even share would not have shown it: not red"
    assert 0.008 <= found.adjusted_p_value < 0.02
    *_, even = assign_severities(entries, POLICY, weighted=False)
    assert (even.severity, even.adjusted_p_value) == (NONE, pytest.approx(0.08))
    sure = replace(entries[-1], drift=replace(entries[-1].drift, p_value=0.002))
    *_, found = assign_severities([*entries[:-1], sure], POLICY)
    assert found.severity is SIGNIFICANT, "an even share shows it too"


def drifts(*severities: Severity) -> list[FeatureDrift]:
    return [replace(entry(f"f{n}").drift, severity=s) for n, s in enumerate(severities)]


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ((NONE, MODERATE, SIGNIFICANT), SIGNIFICANT),
        ((NONE, MODERATE, NONE), MODERATE),
        ((INSUFFICIENT, INSUFFICIENT, MODERATE), MODERATE),
        ((INSUFFICIENT, INSUFFICIENT, SIGNIFICANT), SIGNIFICANT),
        ((INSUFFICIENT, NONE), NONE),
        ((INSUFFICIENT, INSUFFICIENT, NONE), INSUFFICIENT),
        ((INSUFFICIENT,), INSUFFICIENT),
        ((), INSUFFICIENT),
    ],
)
def test_the_report_is_as_grave_as_its_gravest_feature(severities, expected) -> None:
    assert overall(drifts(*severities), POLICY) is expected


def test_the_worst_known_severity() -> None:
    assert worst(INSUFFICIENT, NONE) is NONE
    assert worst(NONE, MODERATE, SIGNIFICANT) is SIGNIFICANT
    assert worst() is INSUFFICIENT


def test_features_are_ranked_by_severity_then_by_the_largest_change_then_by_name() -> None:
    entries = [
        replace(entry("quiet", size=0.9).drift, severity=NONE),
        replace(entry("a small one", size=0.1).drift, severity=SIGNIFICANT),
        replace(entry("gone", missing_baseline=0.8).drift, severity=SIGNIFICANT),
        replace(entry("large", size=0.5).drift, severity=SIGNIFICANT),
        replace(entry("even", size=0.5).drift, severity=SIGNIFICANT),
        replace(entry("some", size=0.9).drift, severity=MODERATE),
        replace(entry("blind", size=0.9).drift, severity=INSUFFICIENT),
    ]
    assert [drift.name for drift in sorted(entries, key=rank)] == [
        "gone",
        "even",
        "large",
        "a small one",
        "some",
        "quiet",
        "blind",
    ]
