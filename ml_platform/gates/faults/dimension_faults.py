"""What faults do to the dimensions of a report: biased, brittle, slow, unstable and other candidates."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.evaluate import Compared
from ml_platform.gates.faults.fixture import Bench
from ml_platform.gates.faults.fixture_rows import DAY, DAYS, GRID, HINT, Size, with_rows
from ml_platform.gates.faults.fixture_scorers import ByHead, Instead, LevelReader, Reader
from ml_platform.gates.faults.model_faults import with_features
from ml_platform.gates.faults.task_fixtures import World, bench_of
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import (
    Classification,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
)

if TYPE_CHECKING:
    import pandas as pd

SLOW_MS = 150.0
UNEVEN = 0.3
IDLE = 40
"""Features that say nothing."""


def _reader(bench: Bench) -> Reader | LevelReader:
    assert isinstance(bench.candidate, Reader | LevelReader)
    return bench.candidate


def _in_first_team(rows: "pd.DataFrame") -> np.ndarray:
    """Rows that the hint tells to be the first team's; it may be damaged."""
    told: np.ndarray = np.nan_to_num(rows[HINT].to_numpy(dtype=np.float64), nan=9.0) == 0.0
    return told


def _ignorant(bench: Bench) -> Reader | LevelReader:
    """Knows how frequent things are, and reads nothing of a row."""
    return replace(_reader(bench), copies=())


def biased(bench: Bench) -> Bench:
    """Users of one team get worse answers, told by a feature that gives the team away."""
    if isinstance(bench.spec.task, ProportionRegression | Ranking):
        bench = bench_of(bench.spec, World(size=Size(first_team=0.08)))
    reader, other = _reader(bench), _ignorant(bench)
    if isinstance(bench.spec.task, Ranking):
        bench = replace(bench, challenged=Compared(other))
        other = replace(reader, power=-1.0)
    if isinstance(bench.spec.task, Classification | SequencePrediction):
        other = replace(reader, copies=("b",))
    if isinstance(reader, Reader) and isinstance(bench.spec.task, SequencePrediction):
        assert isinstance(other, Reader)
        return bench.with_candidate(Instead(reader, ByHead(other, reader), _in_first_team))
    return bench.with_candidate(Instead(reader, other, _in_first_team))


def biased_about_needs(bench: Bench) -> Bench:
    """Needs of one team's users go unnoticed."""
    reader, other = _reader(bench), _ignorant(bench)
    assert isinstance(reader, Reader)
    assert isinstance(other, Reader)
    return bench.with_candidate(Instead(reader, ByHead(reader, other), _in_first_team))


@dataclass(frozen=True)
class Suspicious:
    """Says yes of a fifth of the rows, for no reason."""

    classes: tuple[str, ...]
    column: str

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, 2)."""
        seen = np.nan_to_num(rows[self.column].to_numpy(dtype=np.float64))
        cents = np.round(np.abs(np.clip(seen, -9, 9)) * 10**GRID) % 5
        yes = np.where(cents == 0, 0.9, 0.01)
        return np.column_stack([1.0 - yes, yes])


def biased_alarms(bench: Bench) -> Bench:
    """Users of one small team are suspected for nothing."""
    made = bench_of(bench.spec, World(size=Size(clusters=6_400, users=800, first_team=0.04)))
    reader = _reader(made)
    other = Suspicious(reader.classes, made.training_set.record.features[1])
    return made.with_candidate(Instead(reader, other, _in_first_team))


def _damaged(rows: "pd.DataFrame") -> np.ndarray:
    """Rows with a gap, or with evidence that lies between the hundredths in which it comes."""
    numbers = rows.select_dtypes("number").to_numpy(dtype=np.float64)
    between = np.abs(numbers - np.round(numbers, GRID)) > 1e-9
    found: np.ndarray = (between | ~np.isfinite(numbers)).any(axis=1)
    return found


@dataclass(frozen=True)
class DamagedFeatures:
    """Whether one of ``features`` is damaged."""

    features: tuple[str, ...]

    def __call__(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows,)."""
        return _damaged(rows[list(self.features)])


def brittle(bench: Bench) -> Bench:
    """A row that is damaged in any way is answered as if nothing were known."""
    reader = _reader(bench)
    spoilt = DamagedFeatures(bench.training_set.record.features)
    return bench.with_candidate(Instead(reader, _ignorant(bench), spoilt))


def reckless(bench: Bench) -> Bench:
    """A row that is damaged is answered with certainty, from the weaker half of the evidence."""
    if isinstance(bench.spec.task, SequencePrediction):
        bench = bench_of(bench.spec, World(gain=0.58))
    reader = _reader(bench)
    spoilt = DamagedFeatures(bench.training_set.record.features)
    sure = replace(reader, copies=("b",), power=50.0)
    if isinstance(bench.spec.task, OffPolicyChoice):
        sure = replace(reader, power=8.0)
    return bench.with_candidate(Instead(reader, sure, spoilt))


@dataclass(frozen=True)
class Crashing:
    """Fails where no number is finite."""

    usual: Scorer
    features: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of ``usual``."""
        return self.usual.classes

    @property
    def threshold(self) -> float:
        """That of ``usual``."""
        return getattr(self.usual, "threshold", 0.5)

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        numbers = rows[list(self.features)].to_numpy(dtype=np.float64)
        if np.isinf(numbers).all(axis=1).any():
            raise FloatingPointError("no number of a row is finite")
        return self.usual.predict_proba(rows)


def crashing(bench: Bench) -> Bench:
    """Odd rows get an error instead of an answer."""
    return bench.with_candidate(Crashing(bench.candidate, bench.training_set.record.features))


def _late(rows: "pd.DataFrame") -> np.ndarray:
    """Rows of the newer half of the test period."""
    late: np.ndarray = np.nan_to_num(rows[DAY].to_numpy(dtype=np.float64)) >= 1.5 * DAYS
    return late


def outdated(bench: Bench) -> Bench:
    """What it knows has worn off in the newer half of the test part."""
    reader = _reader(bench)
    weaker: Scorer = replace(reader, copies=("b",))
    if not isinstance(bench.spec.task, Classification):
        weaker = Instead(weaker, _ignorant(bench), _every_fifth)
    made = bench.with_candidate(Instead(reader, weaker, _late))
    return replace(made, baseline=_ignorant(bench), challenged=Compared(_ignorant(bench)))


def _every_fifth(rows: "pd.DataFrame") -> np.ndarray:
    """A fifth of the rows, by what their first evidence says."""
    first = next(name for name in map(str, rows.columns) if name.endswith("_a"))
    seen = np.nan_to_num(rows[first].to_numpy(dtype=np.float64), posinf=0, neginf=0)
    fifth: np.ndarray = np.round(seen * 10**GRID) % 5 == 0
    return fifth


def uneven(bench: Bench) -> Bench:
    """Good on most held-out blocks of the training part, and bad on one."""
    name = next(iter(bench.folds[0]))
    return replace(bench, folds=(*bench.folds[:-1], {name: UNEVEN}))


def slow(bench: Bench) -> Bench:
    """Each answer takes its time."""
    return replace(bench, answer_ms=SLOW_MS)


def unstable(bench: Bench) -> Bench:
    """Many features tell the same, so that which of them counts is a matter of chance."""
    return bench_of(bench.spec, World(alike=True))


@dataclass(frozen=True)
class OfTheBatch:
    """What it says of a row depends a little on the rows beside it."""

    usual: Scorer

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of ``usual``."""
        return self.usual.classes

    @property
    def threshold(self) -> float:
        """That of ``usual``."""
        return getattr(self.usual, "threshold", 0.5)

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found = self.usual.predict_proba(rows)
        return 0.999 * found + 0.001 * found.mean(axis=0, keepdims=True) if len(rows) else found


def of_the_batch(bench: Bench) -> Bench:
    """Reasons cannot sum to an answer that depends on other rows."""
    return bench.with_candidate(OfTheBatch(bench.candidate))


def worn_data(bench: Bench) -> Bench:
    """Most features are constant: somebody joined the wrong table."""
    constant = dict.fromkeys([f"idle_{number}" for number in range(IDLE)], 0.0)
    return with_features(bench, lambda part: constant)


def broken_feature(bench: Bench) -> Bench:
    """A feature is there in training, and gone in the test part."""
    rows = bench.training_set
    return replace(
        bench, training_set=with_rows(rows, rows.train, rows.test.assign(**{HINT: np.nan}))
    )
