"""The next activity of a case, on Helpdesk and Sepsis: the split as published, and the back-off n-gram.

Cases in the order of their first event, 64 % train, 16 % validation, 20 % test; the prefix up to each event
predicts the next activity or the end of the case. Case = user = session; a row looks as in ``step_features``.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from benchmarks.real.line import Line
from ml_platform.evaluation.intervals.bootstrap import estimates, replicate
from ml_platform.evaluation.metrics.sequence_statistics import step_statistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.features.step_features import END
from ml_platform.models.rules import class_codes
from ml_platform.models.sequences.ngram import NgramScorer
from ml_platform.models.sequences.ngram_fit import NgramHyperparameters, choose, count_ngram
from ml_platform.spec.model import Scorer

FOLDER = "ppm-context"
PARTS = (0.64, 0.8)
"""Share of the cases before validation, and before the test."""
BACK_OFF = NgramHyperparameters(discount=1e-6, strength=0.0)
"""The longest context that was seen twice decides; shorter ones break ties."""
INTERPOLATED = NgramHyperparameters()
SINGLE = NgramHyperparameters(order=1, discount=1e-6, strength=0.0)
PUBLISHED = MappingProxyType(
    {
        ("helpdesk", "accuracy"): 0.705,
        ("helpdesk", "weighted_f1"): 0.649,
        ("sepsis", "accuracy"): 0.624,
        ("sepsis", "weighted_f1"): 0.614,
    }
)
METRICS = ("accuracy", "weighted_f1", "macro_f1")
SEED = 20_260_101


def load(
    folder: Path, name: str, window: int = 10
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, validation and test of ``helpdesk`` or ``sepsis``: rows as in ``step_features``, in order of cases.

    ``steps``, ``objects`` (the resource) and ``gaps`` hold the newest ``window`` events, newest first.
    """
    events = _events(folder, name)
    first = events.groupby("case", sort=False)["time"].min()
    order = first.sort_values(kind="stable").index
    cuts = [round(len(order) * share) for share in PARTS]
    parts = np.split(order, cuts)
    rows = _rows(events, window)
    place = pd.Series(np.arange(len(order)), index=order)
    rows = rows.iloc[np.argsort(place[rows["user_id"]].to_numpy(), kind="stable")]
    train, validation, test = (rows[rows["user_id"].isin(part)] for part in parts)
    return (
        train.reset_index(drop=True),
        validation.reset_index(drop=True),
        test.reset_index(drop=True),
    )


def run(folder: Path) -> list[Line]:
    """The n-gram's lines; its baseline is the most frequent successor of the last activity.

    Strengths are chosen on the validation cases; then train and validation cases are counted.
    """
    lines: list[Line] = []
    for name in ("helpdesk", "sepsis"):
        parts = load(folder, name)
        classes = tuple(sorted({label for part in parts for label in part["next_step"]}))
        by_title = {
            title: evaluated(
                counted(parts[0], parts[1], classes, hyperparameters), parts[2], classes
            )
            for title, hyperparameters in (
                ("last activity", SINGLE),
                ("8-gram back-off", BACK_OFF),
                ("8-gram interpolated", INTERPOLATED),
            )
        }
        single = by_title.pop("last activity")
        for title, metrics in by_title.items():
            lines += lines_of(name, title, metrics, single, parts[2])
    return lines


def counted(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    classes: tuple[str, ...],
    hyperparameters: NgramHyperparameters,
) -> NgramScorer:
    """The n-gram of the cases before the test."""
    early = count_ngram(train, "next_step", classes, hyperparameters)
    chosen, _ = choose(early, hyperparameters, validation, "next_step")
    both = pd.concat([train, validation], ignore_index=True)
    counts = count_ngram(both, "next_step", classes, hyperparameters)
    return replace(counts, strength=chosen.strength, threshold=chosen.threshold)


def evaluated(scorer: Scorer, test: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, Estimate]:
    """Metrics of the next activity on the test rows, with intervals that resample cases whole."""
    clusters, cases = pd.factorize(test["cluster_id"])
    truth = class_codes(test, "next_step", classes)
    predictions = scorer.predict_proba(test)[:, : len(classes)]
    sums = step_statistics(truth, predictions, clusters.astype(np.int64), len(cases))
    return estimates(replicate(sums, seed=SEED))


def lines_of(
    name: str,
    model: str,
    metrics: dict[str, Estimate],
    baseline: dict[str, Estimate],
    test: pd.DataFrame,
) -> list[Line]:
    """One line a metric."""
    note = f"{test['user_id'].nunique()} cases, {len(test)} events; end of case counted"
    return [
        Line.of(
            name,
            model,
            metric,
            metrics[metric],
            baseline=baseline[metric].value,
            published=PUBLISHED.get((name, metric)),
            note=note,
        )
        for metric in METRICS
    ]


def _events(folder: Path, name: str) -> pd.DataFrame:
    """case, activity, resource, time (UTC), in the order of the file."""
    if name == "helpdesk":
        table = pd.read_csv(folder / FOLDER / "Helpdesk.csv", dtype=str, keep_default_na=False)
        columns = ["Case ID", "Activity", "Resource", "Complete Timestamp"]
    else:
        # A case is called NA.
        table = pd.read_csv(folder / FOLDER / "sepsis.csv", dtype=str, keep_default_na=False)
        columns = ["case:concept:name", "concept:name", "org:group", "time:timestamp"]
    table = table[columns].set_axis(["case", "activity", "resource", "time"], axis=1)
    return table.assign(time=pd.to_datetime(table["time"], utc=True, format="mixed"))


def _rows(events: pd.DataFrame, window: int) -> pd.DataFrame:
    rows = [
        row
        for case, steps in events.groupby("case", sort=False)
        for row in _of_case(str(case), steps.sort_values("time", kind="stable"), window)
    ]
    return pd.DataFrame(rows)


def _of_case(case: str, steps: pd.DataFrame, window: int) -> Iterator[dict[str, object]]:
    activities, resources = steps["activity"].tolist(), steps["resource"].tolist()
    times = steps["time"].tolist()
    pauses = [None, *(later - earlier for earlier, later in pairwise(times))]
    gaps = [_gap_word(pause) for pause in pauses]
    for place, moment in enumerate(times):
        seen = slice(max(0, place + 1 - window), place + 1)
        pause = pauses[place]
        yield {
            "row_id": f"{case}-{place}",
            "user_id": case,
            "cluster_id": case,
            "change_set_id": f"{case}-{place}",
            "occurred_at": moment,
            "next_step": activities[place + 1] if place + 1 < len(activities) else END,
            "workflow_soon": None,
            "steps": activities[seen][::-1],
            "objects": resources[seen][::-1],
            "gaps": gaps[seen][::-1],
            "runs": ["-"] * (seen.stop - seen.start),
            "step": activities[place],
            "object": resources[place],
            "gap": gaps[place],
            "hour": float(moment.hour),
            "weekday": float(moment.weekday()),
            "session_position": float(place),
            "session_minutes": (moment - times[0]) / timedelta(minutes=1),
            "seconds_since_last": np.nan if pause is None else pause / timedelta(seconds=1),
        }


def _gap_word(pause: timedelta | None) -> str:
    """The word of a pause: powers of four of a minute, since cases last for weeks."""
    if pause is None:
        return "first"
    minutes = max(pause / timedelta(minutes=1), 1.0)
    return f"4^{int(np.ceil(np.log(minutes) / np.log(4.0) - 1e-9))} min"
