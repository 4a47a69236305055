"""Verdicts of test executions in continuous integration (RETECS), by the learner of the trigger predictor.

A row is one execution of a test case as in ``start_time_features``: the test is the workflow, the system its only
user, a pass the success. What is known is the history of that test before the run (``LastResults``), when it ran,
and what the system did in earlier cycles; ``Duration`` is an outcome and never read. Time-ordered by cycle, the
last 20 % of cycles are the test; nothing here was chosen on them.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real.line import Line
from ml_platform.evaluation.intervals.bootstrap import Replicates, differences, estimates, replicate
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.features.start_time_features import TABLE
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.trigger_predictor import SPEC
from ml_platform.spec.model import FitRequest, Scorer
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

FILE = "ci-retecs/iofrol.csv"
TEST_SHARE = 0.2
MONTH_HOURS = 28 * 24.0
METRICS = ("roc_auc", "brier_skill", "expected_calibration_error")
PARAMETERS = {**SPEC.defaults, "harmonics": 1, "unit_spread": 0.2, "hour_spread": 0.1}
"""Chosen on the last fifth of training cycles, of levels .2 to 2 and hours .1 and 1: many tests, little of each."""


def load(folder: Path) -> pd.DataFrame:
    """All executions in order, as rows of ``start_time_features`` with their cycle as cluster.

    They hold what was known before the row: ``LastResults`` (newest first), times, and earlier cycles.
    """
    raw = pd.read_csv(folder / FILE, sep=";").sort_values(["Cycle", "Id"], kind="stable")
    time = pd.to_datetime(raw["LastRun"], utc=True)
    passed = [1.0 - np.array(json.loads(text), dtype=np.float64) for text in raw["LastResults"]]
    rows = pd.DataFrame(index=raw.index)
    rows["row_id"] = raw["Id"].astype(str)
    rows["change_set_id"] = rows["row_id"]
    rows["user_id"] = "system"
    rows["cluster_id"] = raw["Cycle"].map("cycle-{:04d}".format)
    rows["occurred_at"] = time
    rows["succeeded"] = np.where(raw["Verdict"] == 0, "yes", "no")
    rows["outcome"] = rows["succeeded"]
    rows["chosen"], rows["propensity"] = 1.0, np.nan
    rows["logged_hour"] = rows["slot"] = time.dt.hour.astype(np.float64)
    rows["workflow"] = raw["Name"].astype(str)
    rows["launch_trigger"] = "event"
    _add_clock(rows, time)
    _add_history(rows, raw, time, passed)
    _add_cycles(rows, raw)
    for feature in TABLE.features:
        if feature.name not in rows:
            rows[feature.name] = np.nan
    return rows


def _add_clock(rows: pd.DataFrame, time: "pd.Series[pd.Timestamp]") -> None:
    turn = 2 * np.pi * (time.dt.hour * 60 + time.dt.minute) / 1440
    week = 2 * np.pi * time.dt.weekday / 7
    rows["hour"], rows["weekday"] = rows["slot"], time.dt.weekday.astype(np.float64)
    rows["is_weekend"] = (time.dt.weekday >= 5).astype(np.float64)
    rows["hour_sin"], rows["hour_cos"] = np.sin(turn), np.cos(turn)
    rows["weekday_sin"], rows["weekday_cos"] = np.sin(week), np.cos(week)


def _add_history(
    rows: pd.DataFrame,
    raw: pd.DataFrame,
    time: "pd.Series[pd.Timestamp]",
    passed: list[np.ndarray],
) -> None:
    """Add what is known of the row's own test: its results before the row, and the hours since its last run."""
    gap = time.groupby(raw["Name"]).diff().dt.total_seconds() / 3600
    rows["hours_since_last"] = np.clip(gap, 0, MONTH_HOURS + 24)
    rows["mean_gap_hours"] = np.clip(
        gap.groupby(raw["Name"]).transform(_mean_before), 0, MONTH_HOURS
    )
    known = np.array([len(each) for each in passed], dtype=np.float64)
    rows["runs_28d"] = rows["settled_runs_28d"] = rows["workflow_runs_28d"] = known
    rows["last_succeeded"] = [each[0] if len(each) else np.nan for each in passed]
    rows["success_rate_28d"] = [each[:RECENT].mean() if len(each) else np.nan for each in passed]
    rows["workflow_success_rate_28d"] = [each.mean() if len(each) else np.nan for each in passed]


RECENT = 4
"""Newest results of a test that stand for its recent rate."""


def _add_cycles(rows: pd.DataFrame, raw: pd.DataFrame) -> None:
    """Add what is known of all tests: the share that passed in the five cycles before the row's."""
    passed = (1 - raw["Verdict"]).groupby(raw["Cycle"]).agg(["sum", "size"]).sort_index()
    before = passed.rolling(5, min_periods=1).sum().shift(1)
    rows["user_success_rate_28d"] = raw["Cycle"].map(before["sum"] / before["size"])
    rows["user_settled_runs_28d"] = raw["Cycle"].map(before["size"])
    rows["user_runs_28d"] = rows["user_settled_runs_28d"].fillna(0.0)


def _mean_before(gaps: "pd.Series[float]") -> "pd.Series[float]":
    return gaps.expanding().mean()


def training_set(train: pd.DataFrame, test: pd.DataFrame) -> TrainingSet:
    """The two parts as the platform's own learner and evaluator take them."""
    return assembled(
        train,
        test,
        model=SPEC.name,
        source="iofrol",
        simulated=False,
        table=TABLE.name,
        label=SPEC.label,
        classes=SPEC.classes,
        features=SPEC.features,
        as_of=test["occurred_at"].max().to_pydatetime(),
    )


def by_cycle(rows: pd.DataFrame, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows before, and rows of, the last ``share`` of cycles."""
    cycles = np.sort(rows["cluster_id"].unique())
    first = cycles[round(len(cycles) * (1 - share))]
    later = rows["cluster_id"] >= first
    return rows[~later], rows[later]


def replicates_of(evaluator: Evaluator, values: np.ndarray) -> dict[str, Replicates]:
    """Metrics of probabilities of passing, resampled by cycles."""
    predictions = Predictions(np.column_stack([1 - values, values]))
    return replicate(evaluator.sufficient_statistics(predictions), seed=SPEC.seed)


def passing(scorer: Scorer, rows: pd.DataFrame) -> np.ndarray:
    """Probability of passing, shape (rows,)."""
    return np.asarray(scorer.predict_proba(rows)[:, scorer.classes.index("yes")])


def persistence(known: TrainingSet) -> np.ndarray:
    """Share of passes among training rows after a pass, after a failure, and after nothing."""

    def state(rows: pd.DataFrame) -> "pd.Series[float]":
        return rows["last_succeeded"].fillna(-1.0)

    shares = (known.train["succeeded"] == "yes").groupby(state(known.train)).mean()
    return state(known.test).map(shares).fillna(shares.mean()).to_numpy(dtype=np.float64)


def run(folder: Path) -> list[Line]:
    """Ours beside the persistence of the last result, on the last 20 % of cycles."""
    data = training_set(*by_cycle(load(folder), TEST_SHARE))
    evaluator = evaluator_of(SPEC.task, data)
    fitted = SPEC.fit(data, FitRequest(SPEC.seed, PARAMETERS))
    ours = replicates_of(evaluator, passing(scorer_of(fitted.artifact), data.test))
    last = replicates_of(evaluator, persistence(data))
    rules = replicates_of(evaluator, passing(scorer_of(SPEC.fit_rules(data)), data.test))
    gain = differences(ours, last)["roc_auc"]
    notes = {
        "roc_auc": (
            f"baseline: last result, {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]; "
            f"rates by test and part of the day {rules['roc_auc'].value:.3f}"
        )
    }
    values = estimates(ours)
    lines = [
        Line.of(
            "retecs iofrol",
            SPEC.name,
            name,
            values[name],
            baseline=last[name].value,
            note=notes.get(name, ""),
        )
        for name in METRICS
    ]
    why = evaluator.details(Predictions(np.full((len(data.test), 2), 0.5))).undefined[
        "relative_success"
    ]
    nothing = float("nan")
    lines.append(
        Line(
            "retecs iofrol",
            SPEC.name,
            "relative_success",
            nothing,
            nothing,
            nothing,
            note=f"INSUFFICIENT: {why}",
        )
    )
    return lines
