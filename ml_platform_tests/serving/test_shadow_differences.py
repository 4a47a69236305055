"""The report on a version in shadow: counts by hand, the interval against statsmodels, scipy and simulation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.serving.shadow_differences import (
    MOST_CONFUSED,
    MOST_USERS,
    Agreement,
    Confusion,
    LoggedPairs,
    OfArm,
    OfUser,
    _student_quantile,
    clustered_wilson,
    shadow_differences,
)

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
LOGGED = LoggedPairs(
    model="example",
    version="2",
    since=NOON - timedelta(hours=3),
    until=NOON,
    served=14,
    pairs=12,
    failed_served=1,
    failed_shadow=2,
    users=(
        OfUser("ann", Agreement(5, 3)),
        OfUser("bob", Agreement(3, 3)),
        OfUser("eve", Agreement(2, 0)),
    ),
    arms=(OfArm("1", "champion", Agreement(4, 3)), OfArm("rules@1", "rules", Agreement(6, 3))),
    confusions=(Confusion("a", "b", 2), Confusion("b", "a", 1)),
    confidence=None,
    served_latency=None,
    shadow_latency=None,
)


def test_the_counts_follow_from_the_sums() -> None:
    report = shadow_differences(LOGGED)
    assert (report.pairs, report.compared, report.users, report.dropped) == (12, 10, 3, 2)
    assert (report.failed_served, report.failed_shadow) == (1, 2)
    assert report.agreement is not None
    assert report.agreement.value == pytest.approx(0.6)
    assert report.other_differences == 1, "four differ, three of them are listed"
    assert [arm.arm for arm in report.arms] == ["rules", "champion"]
    assert [user.user_id for user in report.most_differing] == ["eve", "ann"], "two of two first"


def test_a_log_whose_pairs_all_failed_says_nothing_of_agreement() -> None:
    report = shadow_differences(
        replace(LOGGED, users=(), arms=(), confusions=(), failed_shadow=12, failed_served=0)
    )
    assert (report.compared, report.agreement, report.other_differences) == (0, None, 0)


def test_the_longest_lists_are_cut() -> None:
    users = tuple(OfUser(f"u{n}", Agreement(10, n % 10)) for n in range(40))
    confusions = tuple(Confusion("a", f"c{n}", 1) for n in range(MOST_CONFUSED + 5))
    report = shadow_differences(replace(LOGGED, users=users, confusions=confusions))
    assert len(report.most_differing) == MOST_USERS
    assert {user.agreement.agreed for user in report.most_differing} <= {0, 1}
    assert len(report.confusions) == MOST_CONFUSED
    assert report.other_differences == 40 * 10 - 4 * 45 - MOST_CONFUSED


@pytest.mark.parametrize(("agreed", "users"), [(31, 40), (399, 400), (1, 60)])
def test_of_independent_pairs_it_is_wilson_s_interval_by_statsmodels(
    agreed: int, users: int
) -> None:
    """One pair a user: the design effect is users / (users - 1), which the count is divided by."""
    found = clustered_wilson(Agreement(1, int(n < agreed)) for n in range(users))
    assert found is not None
    quantile = float(student.ppf(0.975, users - 1))
    low, high = proportion_confint(
        agreed * (users - 1) / users, users - 1, alpha=2 * norm.sf(quantile), method="wilson"
    )
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


def test_the_design_effect_is_that_of_statsmodels() -> None:
    """The clustered variance of an intercept alone, which statsmodels gives on the scale of log odds."""
    random = np.random.default_rng(3)
    sizes = random.integers(1, 60, 30)
    agreed = random.binomial(sizes, random.beta(8, 2, 30))
    answers = np.concatenate(
        [np.repeat([1, 0], [a, n - a]) for n, a in zip(sizes, agreed, strict=True)]
    )
    groups = np.repeat(np.arange(30), sizes)
    fitted = sm.GLM(answers, np.ones(len(answers)), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    share = answers.mean()
    variance = float((fitted.bse[0] * share * (1 - share)) ** 2)
    count = share * (1 - share) / variance
    found = clustered_wilson(Agreement(int(n), int(a)) for n, a in zip(sizes, agreed, strict=True))
    assert found is not None
    spread = student.ppf(0.975, 29) ** 2 / count
    width = 2 * np.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    assert found.high - found.low == pytest.approx(width, rel=1e-3)
    assert count < len(answers) / 2, "users are unlike here"


def test_where_all_agree_users_are_counted_and_one_user_tells_nothing_of_others() -> None:
    whole = clustered_wilson([Agreement(1_000, 1_000)] * 20)
    assert whole is not None
    assert whole.high == 1.0
    quantile = student.ppf(0.975, 19)
    assert whole.low == pytest.approx(20 / (20 + quantile**2), rel=1e-3)
    assert clustered_wilson([Agreement(500, 400)]) == Estimate(0.8, 0.0, 1.0)
    assert clustered_wilson([]) is None
    assert clustered_wilson([Agreement(0, 0)]) is None


@pytest.mark.parametrize("freedom", [4, 9, 60])
def test_the_quantile_is_student_s(freedom: int) -> None:
    assert _student_quantile(0.975, freedom) == pytest.approx(student.ppf(0.975, freedom), rel=0.01)


@pytest.mark.parametrize(("share", "least"), [(0.8, 0.93), (0.97, 0.9)])
def test_the_interval_covers_what_it_says_when_users_are_unlike(share: float, least: float) -> None:
    """2,000 logs of 40 users with 25 answers each; an interval over rows would cover about seven in ten."""
    random = np.random.default_rng(11)
    logs = 2_000
    of_user = random.beta(share * 4, (1 - share) * 4, (logs, 40))
    agreed = random.binomial(25, of_user)
    intervals = [clustered_wilson(Agreement(25, int(n)) for n in log) for log in agreed]
    covered = np.mean([each is not None and each.low <= share <= each.high for each in intervals])
    rows = [proportion_confint(log.sum(), 1_000, method="wilson") for log in agreed]
    assert least <= covered <= 0.975
    assert np.mean([low <= share <= high for low, high in rows]) < 0.8
