"""The pairs of served answers and answers in shadow, as one query sums them in PostgreSQL."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from ml_platform.adapters.serving.shadow_pairs import ShadowLog
from ml_platform.errors import ServiceError
from ml_platform.serving.shadow_differences import (
    Agreement,
    Confusion,
    Latency,
    OfArm,
    OfUser,
)
from ml_platform_tests.serving.planted_answers import MODEL, answer, canary, plant, shadow

NOW = datetime(2026, 5, 2, 0, 20, tzinfo=UTC)
"""Twenty minutes after midnight: pairs lie in the partitions of two days."""
MINUTE = timedelta(minutes=1)
SINCE = NOW - timedelta(days=1)


@pytest.fixture
def log(database_url):
    log = ShadowLog(database_url)
    yield log
    log.close()


def test_each_answer_in_shadow_stands_beside_the_one_that_was_given(log, database_url):
    served = [
        answer(NOW - 40 * MINUTE, milliseconds=1.0, confidence=0.5),
        answer(NOW - 30 * MINUTE, prediction="b", milliseconds=2.0, confidence=0.5),
        answer(NOW - 10 * MINUTE, "bob", milliseconds=3.0, confidence=0.5, origin="batch"),
        answer(NOW, "bob", version="rules@1", arm="rules", milliseconds=9.0, confidence=0.5),
    ]
    failing = answer(NOW - 20 * MINUTE, failed_version="1", version="rules@1")
    asked = answer(NOW - 15 * MINUTE)
    plant(
        database_url,
        [
            *served,
            failing,
            asked,
            answer(NOW - 35 * MINUTE, "nobody in shadow"),
            answer(NOW - 41 * MINUTE, "before the first"),
            answer(NOW + MINUTE, "after the last"),
            answer(NOW - 5 * MINUTE, model="other"),
            shadow(served[0], confidence=0.6, milliseconds=5.0),
            shadow(served[1], prediction="c", confidence=0.2, milliseconds=6.0),
            shadow(served[2], prediction="b", confidence=0.5, milliseconds=7.0),
            shadow(served[3], confidence=0.5, milliseconds=8.0),
            shadow(failing),
            shadow(asked, fails=True),
            shadow(answer(NOW - 12 * MINUTE, "whose answer is not logged")),
            shadow(answer(NOW, "of another version"), version="7"),
        ],
    )
    found = log.pairs(MODEL, "2", SINCE)
    assert found is not None
    assert (found.since, found.until) == (NOW - 40 * MINUTE, NOW)
    assert (found.served, found.pairs) == (7, 6), "one was not asked in shadow"
    assert (found.failed_served, found.failed_shadow) == (1, 1)
    assert found.users == (OfUser("ann", Agreement(2, 1)), OfUser("bob", Agreement(2, 1)))
    assert set(found.arms) == {
        OfArm("1", "champion", Agreement(3, 1)),
        OfArm("rules@1", "rules", Agreement(1, 1)),
    }
    assert found.confusions == (Confusion("a", "b", 1), Confusion("b", "c", 1))
    assert found.confidence is not None
    assert found.confidence.mean == pytest.approx(-0.05)
    sizes = np.percentile([0.1, 0.3, 0.0, 0.0], [50, 95], method="inverted_cdf")
    assert [found.confidence.p50, found.confidence.p95] == pytest.approx(sizes.tolist())
    assert (found.served_latency, found.shadow_latency) == (Latency(2.0, 9.0), Latency(6.0, 8.0))


def test_pairs_that_all_failed_have_no_figures(log, database_url):
    asked = answer(NOW)
    plant(database_url, [asked, shadow(asked, fails=True)])
    found = log.pairs(MODEL, "2", SINCE)
    assert found is not None
    assert (found.pairs, found.failed_shadow, found.users) == (1, 1, ())
    assert (found.confidence, found.served_latency, found.confusions) == (None, None, ())


def test_without_a_pair_there_is_nothing(log, database_url):
    assert log.pairs(MODEL, "2", SINCE) is None
    assert log.newest_version(MODEL, SINCE) is None
    plant(database_url, [answer(NOW), canary(NOW)])
    assert log.pairs(MODEL, "2", SINCE) is None
    assert log.newest_version(MODEL, SINCE) is None


def test_the_days_bound_what_is_read_and_the_newest_version_is_named(log, database_url):
    old, new = answer(NOW - timedelta(hours=25)), answer(NOW)
    plant(
        database_url,
        [
            old,
            new,
            shadow(old),
            shadow(new),
            shadow(old, version="1", origin="shadow", day="2026-04-28"),
        ],
    )
    found = log.pairs(MODEL, "2", SINCE)
    assert found is not None
    assert found.pairs == 1
    assert log.newest_version(MODEL, SINCE) == "2"
    assert log.newest_version("other", SINCE) is None


def test_a_query_that_takes_too_long_is_given_up(database_url):
    log = ShadowLog(database_url, seconds=1)
    plant(database_url, [answer(NOW)])
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE answers IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(ServiceError):
            log.pairs(MODEL, "2", SINCE)
    engine.dispose()
    log.close()
