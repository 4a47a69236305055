"""Estimated performance on real predictions whose labels come late: US census employment, 2015 to 2018.

The estimator learns from the predictions and labels of 2015 and estimates each window of 2016 to 2018 from
predictions alone; the labels then tell how near it was. A change of the concept is planted as well: the labels of
some people turn from one window on, while scores stay as they are. It must be told once labels arrive.

    python benchmarks/performance_estimation.py --data FOLDER [--rows 2000]    (some seconds)

FOLDER holds employment_MA_reference.pq, employment_MA_analysis.pq and employment_MA_analysis_target.pq, as NannyML
publishes them.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from ml_platform.arrays import Array
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.evaluation.tasks.detection import DetectionAdapter
from ml_platform.monitoring.performance.estimate import Figure, Scored, estimated_performance
from ml_platform.monitoring.performance.estimator import PerformanceEstimator, fit_estimator
from ml_platform.monitoring.performance.expected import Expected, expected_metrics
from ml_platform.monitoring.performance.maturity import label_maturity
from ml_platform.monitoring.performance.parts import EstimatedPerformance, Reconciliation, Z
from ml_platform.monitoring.performance.reconciliation import reconcile
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.task import NO, YES, Detection

DAY = timedelta(days=1)
START = datetime(2016, 1, 1, tzinfo=UTC)
DELAY = 15 * DAY
"""Windows are days of the planted story, and labels are known after 15 of them."""
TURNED = 0.25
"""Share of the people with a sure score whose label turns in the planted change."""


@dataclass(frozen=True)
class People:
    """Predictions in their published order; all of shape (rows,)."""

    scores: Array
    """The score that the person is employed."""
    employed: Array
    """1 or 0."""

    @property
    def alarms(self) -> Array:
        """1 where the model says employed."""
        return (self.scores >= 0.5).astype(np.float64)

    def part(self, places: Array) -> "People":
        """Some of them."""
        return People(self.scores[places], self.employed[places])


METRICS: dict[str, Callable[[People], float]] = {
    "accuracy": lambda people: float((people.alarms == people.employed).mean()),
    "f1": lambda people: float(f1_score(people.employed, people.alarms)),
    "roc_auc": lambda people: float(roc_auc_score(people.employed, people.scores)),
}
ADAPTER = DetectionAdapter(Detection())


def expected_of(people: People, probabilities: Array) -> dict[str, Expected]:
    """The metrics as they are expected where each person is employed with such a probability."""
    predicted = np.where(people.alarms > 0, YES, NO).astype(object)
    gains = {"accuracy": came_true}
    return expected_metrics(predicted, people.scores, probabilities, gains, ADAPTER.what_if)


def learned(reference: People) -> PerformanceEstimator:
    """What the labels of 2015 teach; people are independent."""
    return fit_estimator(
        reference.scores,
        reference.employed,
        np.arange(len(reference.scores)),
        lambda probabilities: {
            name: each.influence for name, each in expected_of(reference, probabilities).items()
        },
    )


def read(folder: Path) -> tuple[People, People]:
    """The people of 2015, and those of 2016 to 2018 with their late labels."""
    reference = pd.read_parquet(folder / "employment_MA_reference.pq")
    analysis = pd.read_parquet(folder / "employment_MA_analysis.pq")
    labels = pd.read_parquet(folder / "employment_MA_analysis_target.pq")
    return _people(reference), _people(analysis.merge(labels, on="id", validate="1:1"))


def _people(frame: pd.DataFrame) -> People:
    return People(
        frame["predicted_probability"].to_numpy(dtype=np.float64),
        frame["employed"].to_numpy(dtype=np.float64),
    )


def windows(people: People, rows: int) -> Iterator[People]:
    """Consecutive windows of so many rows; what is left at the end is no window."""
    for first in range(0, len(people.scores) - rows + 1, rows):
        yield people.part(np.arange(first, first + rows))


def compare(
    name: str, estimator: PerformanceEstimator, reference: People, later: People, rows: int
) -> str:
    """One line of the table: how near the estimates of a metric came."""
    realised_of = METRICS[name]
    figures, realised = list[Figure](), list[float]()
    for people in windows(later, rows):
        scored = Scored.by(estimator, people.scores, np.arange(rows))
        figures.append(scored.figure(name, expected_of(people, scored.probabilities)[name]))
        realised.append(realised_of(people))
    truth = np.array(realised)
    values = np.array([figure.value for figure in figures])
    covered = np.array([figure.interval.low for figure in figures]) <= truth
    covered &= truth <= np.array([figure.interval.high for figure in figures])
    chance = np.array([figure.sampling_error for figure in figures]) / np.sqrt(
        estimator.inflations[name]
    )
    wide = np.array([figure.error for figure in figures]) / chance
    repeated = np.abs(truth - realised_of(reference)).mean()
    error = np.abs(truth - values).mean()
    return (
        f"| {name} | {len(truth)} | {covered.mean():.1%} | {Z * (wide * chance).mean():.4f} | {wide.mean():.2f} "
        f"| {error:.4f} | {repeated:.4f} | {error / repeated:.2f} |"
    )


def story(
    estimator: PerformanceEstimator, later: People, rows: int, turned_from: int | None
) -> str:
    """Windows as days: estimates are kept day by day, and labels come 15 days later.

    From the day ``turned_from`` on the labels of a part of the people turn, see `TURNED`.
    """
    gain, what_if = came_true, ADAPTER.what_if
    frame = _days(later, rows, turned_from)
    days = int((frame["occurred_at"].max() - START) / DAY) + 1
    kept, told = list[EstimatedPerformance](), list[tuple[int, Reconciliation]]()
    for day in range(1, days + 1):
        end = START + day * DAY
        past = frame[frame["occurred_at"] < end]
        seen = past[past["occurred_at"] >= end - DELAY - 2 * POLICY.window]
        seen = seen.assign(outcome=seen["outcome"].where(seen["known_at"] <= end, None))
        maturity = label_maturity(seen, end, DELAY, POLICY)
        reconciliation = reconcile(kept, seen, maturity, end, gain)
        told.append((day, reconciliation))
        current = seen[seen["occurred_at"] >= end - POLICY.window]
        kept.append(
            estimated_performance(
                estimator, None, current, end, DAY, policy=POLICY, gain=gain, what_if=what_if
            )
        )
    proven = [each for _, each in told if each.cohorts]
    first = next((day for day, each in told if each.reason), None)
    change = (
        ""
        if turned_from is None
        else f", labels turn on day {turned_from}, mature from day {turned_from + 15} on"
    )
    return (
        f"{days} days of {rows:,} rows{change}: estimates are not trusted on "
        f"{sum(bool(each.reason) for each in proven)} of {len(proven)} days with labels"
        + ("" if first is None else f", first on day {first}")
        + f"; on the last day {told[-1][1].covered} of {len(told[-1][1].cohorts)} cohorts are covered"
        + (f": {told[-1][1].reason}" if told[-1][1].reason else "")
    )


def _days(later: People, rows: int, turned_from: int | None) -> pd.DataFrame:
    place = np.arange(len(later.scores) // rows * rows)
    people = later.part(place)
    occurred = pd.Timestamp(START) + pd.to_timedelta((place + 0.5) / rows, unit="D")
    employed = people.employed
    if turned_from is not None:
        employed = turned(people, turned_from * rows).employed
    return pd.DataFrame(
        {
            "occurred_at": occurred,
            "known_at": occurred + DELAY,
            "cluster_id": place,
            "predicted": np.where(people.alarms > 0, YES, NO),
            "confidence": people.scores,
            "outcome": pd.Series(np.where(employed > 0, YES, NO), dtype=object),
        }
    )


def turned(people: People, first: int) -> People:
    """A planted change of the concept: the labels of some people with a sure score turn from row ``first`` on."""
    place = np.arange(len(people.scores))
    turns = (np.abs(people.scores - 0.5) > 0.25) & (place >= first)
    turns &= np.random.default_rng(1).random(len(place)) < TURNED
    return People(people.scores, np.where(turns, 1.0 - people.employed, people.employed))


def main() -> None:
    """Print the table and the two stories."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with the published files"
    )
    parser.add_argument("--rows", type=int, default=2_000, help="rows of a window")
    options = parser.parse_args()
    reference, later = read(options.data)
    estimator = learned(reference)
    print(f"2015: {estimator.rows:,} rows")
    print(
        "| metric | windows | covered | half-width | over sampling alone | error "
        "| error of 2015's figure | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in METRICS:
        print(compare(name, estimator, reference, later, options.rows))
    print(story(estimator, later, options.rows, None))
    print(story(estimator, later, options.rows, 50))


if __name__ == "__main__":
    main()
