"""Buckets are even, stay what they are, and are independent between salts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from ml_platform.assignment.buckets import BUCKETS, bucket_of

UNITS = [f"user-{number}" for number in range(20_000)]


def test_a_bucket_is_for_ever() -> None:
    # sha256sum of "4:salt3:ada" and "0:0:", the first 16 digits modulo 10,000;
    # whoever changes these moves every user of every rollout
    assert bucket_of("ada", "salt") == 7238
    assert bucket_of("", "") == 2286


def test_units_are_spread_evenly() -> None:
    buckets = [bucket_of(unit, "rollout 7") for unit in UNITS]
    assert min(buckets) >= 0
    assert max(buckets) < BUCKETS
    assert chisquare(np.bincount(np.array(buckets) // 500, minlength=20)).pvalue > 0.001


def test_two_salts_are_independent() -> None:
    table = np.zeros((10, 10))
    for unit in UNITS:
        table[bucket_of(unit, "one") // 1_000, bucket_of(unit, "two") // 1_000] += 1
    assert chi2_contingency(table).pvalue > 0.001


@given(st.text(), st.text())
def test_any_text_has_a_bucket(salt: str, unit: str) -> None:
    assert 0 <= bucket_of(unit, salt) < BUCKETS


def test_moving_a_letter_from_unit_to_salt_moves_the_bucket() -> None:
    pairs = [(f"a{number}", f"{number}b") for number in range(200)]
    same = sum(bucket_of(unit, salt + "x") == bucket_of("x" + unit, salt) for salt, unit in pairs)
    assert same <= 2
