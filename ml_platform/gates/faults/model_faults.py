"""What faults do: each spoils one thing of a bench."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.evaluate import Compared
from ml_platform.gates.faults.fixture import Bench
from ml_platform.gates.faults.fixture_rows import TRUTH, Size
from ml_platform.gates.faults.fixture_scorers import LevelReader, Reader
from ml_platform.gates.faults.task_fixtures import STEPS, World, bench_of
from ml_platform.models.recommenders.top_items import NOT_OFFERED
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import (
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
)

if TYPE_CHECKING:
    import pandas as pd

LEAK = "next_label"
OFFERED, FIRST = 5, 2
"""Items of a list; items that rules know which know the first ones only."""


def corrupted_artifact(bench: Bench) -> Bench:
    """One byte of the artifact is another."""
    return replace(bench, artifact_found=_flipped(bench.artifact))


def changed_rows(bench: Bench) -> Bench:
    """One byte of the training set's file is another."""
    return replace(bench, rows_found=_flipped(bench.rows))


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def redefined_feature(bench: Bench) -> Bench:
    """A feature is defined in another way than when the candidate was trained."""
    return replace(bench, changed_definitions=bench.training_set.record.features[:1])


def leaky(bench: Bench) -> Bench:
    """A feature that is a copy of the target, under another name."""
    label = bench.training_set.record.label
    return with_features(bench, lambda part: {LEAK: _told(part, label)})


def with_features(
    bench: Bench, made: "Callable[[pd.DataFrame], Mapping[str, np.ndarray | float]]"
) -> Bench:
    """The bench with more features, by name, in both parts."""
    rows = bench.training_set
    train, test = (part.assign(**made(part)) for part in (rows.train, rows.test))
    features = tuple(name for name in train.columns if name not in rows.train.columns)
    record = replace(
        rows.record,
        features=(*rows.record.features, *features),
        feature_versions=rows.record.feature_versions | dict.fromkeys(features, "1"),
    )
    return replace(
        bench,
        training_set=replace(rows, record=record, train=train, test=test),
        spec=replace(bench.spec, features=record.features),
    )


def _told(part: "pd.DataFrame", label: str) -> np.ndarray:
    """What the label says, as a number that says it again."""
    import pandas as pd

    values = part[label]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64)
    words = [str(v if isinstance(v, str) or v is None else next(iter(v), "")) for v in values]
    order = {word: place for place, word in enumerate(sorted(set(words)))}
    return np.array([float(order[word]) for word in words])


@dataclass(frozen=True)
class Shifted:
    """Predictions a little other than the scorer behind it."""

    scorer: Scorer
    by: float

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the scorer."""
        return self.scorer.classes

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found = self.scorer.predict_proba(rows)
        return found + self.by * np.where(found > 0.5, -1.0, 1.0)


def apart(bench: Bench) -> Bench:
    """The artifact answers otherwise than the estimator that was fitted."""
    return replace(bench, estimator=Shifted(bench.candidate, 0.01))


def stale(bench: Bench) -> Bench:
    """Nothing has come in for longer than the policy allows."""
    return replace(bench, age=bench.spec.policy.maximum_data_age + timedelta(days=1))


def underpowered(bench: Bench) -> Bench:
    """Fewer clusters than the policy asks for, with as many rows."""
    policy = bench.spec.policy
    few = policy.minimum_test_clusters - 10
    size = Size(few, 5 * -(-policy.minimum_test_rows // few), users=few)
    if isinstance(bench.spec.task, OffPolicyChoice):
        size = Size(users=few)
    made = bench_of(bench.spec, World(size=size))
    return replace(made, users=made.users.iloc[:0])


def weak(bench: Bench) -> Bench:
    """The evidence tells less than the limit asks for, and more than the rules make of it."""
    gain = 0.48 if isinstance(bench.spec.task, SequencePrediction) else 0.6
    if isinstance(bench.spec.task, ProportionRegression):
        gain = 0.35
    return bench_of(bench.spec, World(gain=gain))


def weak_outcomes(bench: Bench) -> Bench:
    """Single yes-or-no answers, all about as probable, so that hardly anything can be told apart."""
    return bench_of(bench.spec, World(even=0.35, binary=True, size=Size(clusters=2_560)))


def idle(bench: Bench) -> Bench:
    """Candidate times of a launch are worth the same, so that no choice among them is worth anything."""
    return bench_of(bench.spec, World(within=0.05))


def missing_alarms(bench: Bench) -> Bench:
    """Alarms so late that half of the anomalies get by."""
    return bench_of(bench.spec, World(gain=0.8, threshold=0.9995))


def idle_alarms(bench: Bench) -> Bench:
    """Anomalies so rare that most alarms are false, though false alarms are few."""
    return bench_of(bench.spec, World(size=Size(6_400), gain=0.55, rate=0.018, threshold=0.13))


def many_alarms(bench: Bench) -> Bench:
    """More false alarms than anybody looks into, though most alarms are right."""
    return bench_of(bench.spec, World(gain=0.8, rate=0.12, threshold=0.08))


def overconfident(bench: Bench) -> Bench:
    """The same answers, claimed with more confidence than they deserve."""
    candidate = bench.candidate
    assert isinstance(candidate, Reader | LevelReader)
    own = bench_of(bench.spec, World(gain=0.8)) if isinstance(candidate, Reader) else bench
    power = 2.0 if isinstance(bench.spec.task, OffPolicyChoice) else 3.0
    spoilt = replace(candidate if own is bench else own.candidate, power=power)  # type: ignore[type-var]
    return own.with_candidate(spoilt)


def rules_as_good(bench: Bench) -> Bench:
    """The rules answer as the candidate does."""
    return replace(bench, baseline=bench.candidate)


def challenged_as_good(bench: Bench) -> Bench:
    """The challenged model answers as the candidate does."""
    return replace(bench, challenged=Compared(bench.candidate))


@dataclass(frozen=True)
class Oracle:
    """Knows the truth of the rows, for the classes that it is allowed to see; else asks ``other``."""

    other: Scorer
    sees: tuple[int, ...]
    never: tuple[int, ...] = ()
    """Classes that it does not answer."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the scorer that it asks."""
        return self.other.classes

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found = self.other.predict_proba(rows)
        truth = rows[TRUTH].to_numpy(dtype=np.int64)
        width = len(STEPS)
        known = np.isin(truth, self.sees)
        steps = np.where(known[:, None], np.eye(width)[truth], found[:, :width] * _but(self.sees))
        steps[:, list(self.never)] = 0.0
        steps[:, -1] += steps.sum(axis=1) == 0
        steps = steps / np.maximum(steps.sum(axis=1, keepdims=True), 1e-9)
        return np.concatenate([steps, found[:, width:]], axis=1)


def _but(classes: tuple[int, ...]) -> np.ndarray:
    """Who sees a class is never wrong about it either."""
    kept = np.ones(len(STEPS))
    kept[list(classes)] = 0.0
    return kept


def rules_right_more_often(bench: Bench) -> Bench:
    """Rules that are right more often, at the cost of the rarest step, which they never answer."""
    harder = bench_of(bench.spec, World(gain=0.8))
    return replace(harder, baseline=Oracle(harder.candidate, sees=(1, 2, 3), never=(0,)))


def rules_fair_to_rare_steps(bench: Bench) -> Bench:
    """Rules that are right about rare steps, and less often right."""
    harder = bench_of(bench.spec, World(gain=0.8))
    middling = replace(harder.candidate, copies=("a",))  # type: ignore[type-var]
    return replace(harder, baseline=Oracle(middling, sees=(0,)))


@dataclass(frozen=True)
class Wanted:
    """Lists made of what turned out to be wanted: the first only, or the candidate's own turned round."""

    other: Scorer
    first_only: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """The items."""
        return self.other.classes

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, items)."""
        found = self.other.predict_proba(rows)
        places = np.argsort(-found, axis=1, kind="stable")
        count = found.shape[1]
        rank = np.empty_like(places)
        np.put_along_axis(rank, places, np.arange(count)[None, :], axis=1)
        if not self.first_only:
            return np.where(rank < OFFERED, rank, NOT_OFFERED).astype(np.float64)
        wanted = np.column_stack([rows[f"{TRUTH}{item}"].to_numpy() for item in range(count)]) > 0
        order = np.cumsum(wanted, axis=1)
        chosen = wanted & (order <= FIRST)
        return np.where(chosen, 2.0 * count - order, np.where(wanted, NOT_OFFERED, count - rank))


def rules_in_better_order(bench: Bench) -> Bench:
    """Rules that put the right two first, and miss most others."""
    return replace(bench, baseline=Wanted(bench.candidate, first_only=True))


def rules_as_complete(bench: Bench) -> Bench:
    """Rules that hold as much of what is wanted, in a worse order."""
    return replace(bench, baseline=Wanted(bench.candidate, first_only=False))


def better_champion(bench: Bench) -> Bench:
    """The champion knew better than what would replace it."""
    task = bench.spec.task
    if isinstance(task, Ranking):
        return replace(bench, champion=Compared(Wanted(bench.candidate, first_only=True)))
    world = World(gain=0.8)
    if isinstance(task, Detection):
        world = World(size=Size(1_600), gain=0.55, rate=0.06)
    middling = bench_of(bench.spec, world)
    sharper = middling.candidate
    if isinstance(sharper, LevelReader):
        return replace(middling, champion=Compared(Exact(sharper)))
    assert isinstance(sharper, Reader)
    return replace(middling, champion=Compared(Exact(sharper)))


@dataclass(frozen=True)
class Exact:
    """Knows the truth of every row."""

    other: Reader | LevelReader

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the scorer."""
        return self.other.classes

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        truth = rows[TRUTH].to_numpy(dtype=np.float64)
        if isinstance(self.other, LevelReader):
            chance = 1.0 / (1.0 + np.exp(-truth))
            return np.column_stack([1.0 - chance, chance][2 - len(self.classes) :])
        found = self.other.predict_proba(rows)
        width = len(self.other.questions[0].priors)
        return np.concatenate([np.eye(width)[truth.astype(np.int64)], found[:, width:]], axis=1)
