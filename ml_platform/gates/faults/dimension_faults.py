"""Faults that a dimension of the report must show: damaged data; unfair, brittle, uneven or slow candidates.

Those with a strength in [0, 1] do next to nothing at 0, as in `ml_platform.gates.faults.metric_faults`.
"""

from dataclasses import replace

import numpy as np

from ml_platform.gates.faults.fixture import Fixture
from ml_platform.gates.faults.fixture_rows import CUT, DAYS, TEAM
from ml_platform.gates.faults.fixtures.task_fixture import TaskFixture, evidence_scorer
from ml_platform.gates.faults.integrity_faults import with_features
from ml_platform.gates.faults.spoilt_scorers import (
    NEWEST_HALF,
    BatchDependent,
    Crashing,
    Instead,
    Slow,
    both,
    damaged,
    drawn,
    drawn_intact,
    from_day,
    of_first_team,
)
from ml_platform.spec.gates import QualityGate
from ml_platform.spec.training_set import TIME

CONSTANTS = 100
"""Constant features at full strength."""
BLOCK_DAYS = DAYS / 5


def constant_features(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Features hold the same value in all rows, as after a join with the wrong table."""
    fixture = fixtures.good
    count = max(1, round(CONSTANTS * strength))
    zeros = np.zeros(len(fixture.rows))
    return with_features(fixture, {f"constant_{number}": zeros for number in range(count)})


def vanished_feature(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """A feature is known in the training period, and missing in every row of the test period."""
    fixture = fixtures.good
    rows = fixture.rows
    return replace(fixture, rows=rows.assign(**{TEAM: rows[TEAM].where(rows[TIME] < CUT)}))


def unfair_to_a_team(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Users of one team get worse predictions, which a feature that gives the team away makes possible."""
    measure = gate.metric.partition(".")[2]
    fixture = fixtures.for_groups(measure)
    worse = fixtures.worse(fixture, measure)
    where = both(of_first_team, drawn(strength))
    return fixture.with_candidate(Instead(fixture.candidate, worse, where))


def brittle(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Rows that are damaged in any way are scored as if nothing were known of them."""
    fixture = fixtures.good
    where = both(damaged(fixture.spec.features), drawn(strength))
    ignorant = evidence_scorer(fixture).reading()
    return fixture.with_candidate(Instead(fixture.candidate, ignorant, where))


def reckless(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Give some damaged rows a poor prediction, with certainty."""
    fixture = fixtures.roomy
    where = both(damaged(fixture.spec.features), drawn_intact(strength))
    return fixture.with_candidate(
        Instead(fixture.candidate, fixtures.overconfident(fixture), where)
    )


def crashing(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """A row whose numbers are all infinite gets an error instead of a prediction."""
    fixture = fixtures.good
    return fixture.with_candidate(Crashing(fixture.candidate, fixture.spec.features))


def outdated(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Score some rows of the newer half of the test period as if nothing were known of them."""
    fixture = fixtures.roomy
    ignorant = evidence_scorer(fixture).reading()
    where = both(NEWEST_HALF, drawn(strength))
    return replace(
        fixture.with_candidate(Instead(fixture.candidate, ignorant, where)),
        baseline=ignorant,
        challenged=ignorant,
    )


def uneven(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """What was fitted on the folds prefers the least probable class in one of five blocks of time."""
    fixture = fixtures.good
    worst = evidence_scorer(fixture).claiming(-1.0)
    where = both(from_day(BLOCK_DAYS, 2 * BLOCK_DAYS), drawn(strength))
    return replace(fixture, fold_scorer=Instead(fixture.fold_scorer, worst, where))


def slow(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Scoring a single row takes half as long again as the limit."""
    fixture = fixtures.good
    return fixture.with_candidate(Slow(fixture.candidate, 1.5 * gate.limit / 1_000))


def redundant_evidence(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """Seven equal copies of the evidence: which of them a reason names is a matter of chance."""
    return fixtures.make(redundant=True)


def batch_dependent(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """A prediction depends a little on the other rows of its batch, so that no reasons can sum to it."""
    fixture = fixtures.good
    weight = min(100 * gate.limit, 0.05)
    return fixture.with_candidate(BatchDependent(fixture.candidate, weight))
