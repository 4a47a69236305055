"""The next activity on Helpdesk and Sepsis by the sequence networks, with what the log knows at each event.

Beside activities and pauses: time since the case began, the resource, and (Helpdesk) the ticket's attributes as
the event tells them. What tells the whole case (its variant) is left out. Helpdesk changes its process in the
course of the log: there, lines "and other cases" also know what followed the same activity last, in any case
(`benchmarks.real.successors`). Epochs are chosen on the newest cases before the test; then networks of three
seeds learn all cases before it and answer by their mean. Plans and hyperparameters were chosen on the
16 % of cases that the split keeps for that.
"""

import math
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from benchmarks.real.line import Line
from benchmarks.real.next_step import BACK_OFF, FOLDER, evaluated, lines_of, load
from benchmarks.real.successors import with_successors
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.sequences.encoding import Channel, SequencePlan
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.models.sequences.ngram_fit import count_ngram
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import FitRequest
from ml_platform.spec.task import SOON
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

ATTRIBUTES = (
    "customer",
    "product",
    "seriousness_2",
    "service_level",
    "service_type",
    "responsible_section",
    "workgroup",
    "support_section",
)
"""Attributes of a Helpdesk ticket that serve as features; ``Variant`` is the whole case and does not."""
NUMBERS = ("session_position", "session_minutes", "seconds_since_last")
CYCLES = (("hour", 24.0), ("weekday", 7.0))
STEPS = (Channel("steps", 16), Channel("pauses", 8), Channel("ages", 8))
PLANS: dict[str, SequencePlan] = {
    "helpdesk": SequencePlan(
        channels=(
            *STEPS,
            Channel("objects", 12),
            Channel("customer", 8),
            Channel("product", 6),
            *(Channel(name, 3) for name in ATTRIBUTES[2:]),
        ),
        numbers=NUMBERS,
        cycles=CYCLES,
    ),
    "sepsis": SequencePlan(
        channels=(*STEPS, Channel("objects", 8)),
        numbers=NUMBERS,
        cycles=CYCLES,
    ),
}
LSTM = NetworkHyperparameters(
    encoder="lstm",
    learning_rate=3e-3,
    chunk=1,
    batch=64,
    visits=400_000,
    most_epochs=25,
    patience=4,
    members=3,
    again=True,
)
TRANSFORMER = replace(LSTM, encoder="transformer", second=16)
PUBLISHED = MappingProxyType(
    {
        ("helpdesk", "LSTM", "accuracy"): 0.771,
        ("helpdesk", "LSTM", "weighted_f1"): 0.714,
        ("helpdesk", "transformer", "accuracy"): 0.787,
        ("sepsis", "LSTM", "accuracy"): 0.626,
        ("sepsis", "LSTM", "weighted_f1"): 0.618,
    }
)
"""Published figures of an LSTM; the figure beside our transformer is the best published one of any model."""
SECONDS = (0, 10, 60, 300, 1_800, 7_200, 28_800)
DAYS = (1, 2, 3, 5, 7, 10, 14, 18, 25, 35, 60)
SEED = 1
SHIFTING = "helpdesk"
"""The set on which successors of other cases helped on the validation cases; on Sepsis they did not."""


def run(folder: Path) -> list[Line]:
    """Both networks on both sets; the baseline is the 8-gram back-off."""
    lines: list[Line] = []
    for name, plan in PLANS.items():
        parts = frames(folder, name)
        lines += _lines(name, "", parts, plan)
        if name == SHIFTING:
            known, columns = with_successors(parts)
            wider = replace(plan, numbers=(*plan.numbers, *columns))
            lines += _lines(name, " and other cases", known, wider)
    return lines


def _lines(name: str, knows: str, parts: list[pd.DataFrame], plan: SequencePlan) -> list[Line]:
    train, validation, test = parts
    seen = pd.concat([train, validation], ignore_index=True)
    classes = tuple(sorted({*seen["next_step"], *test["next_step"]}))
    baseline = evaluated(count_ngram(seen, "next_step", classes, BACK_OFF), test, classes)
    lines: list[Line] = []
    for title, hyperparameters in (("LSTM", LSTM), ("transformer", TRANSFORMER)):
        scorer = scorer_of(fit(training_set(seen, test, classes), plan, hyperparameters))
        metrics = evaluated(scorer, test, classes)
        for line in lines_of(name, title + knows, metrics, baseline, test):
            lines.append(replace(line, published=PUBLISHED.get((name, title, line.metric))))
    return lines


def fit(
    training_set: TrainingSet, plan: SequencePlan, hyperparameters: NetworkHyperparameters
) -> Artifact:
    """The artifact of a network on the cases before the test."""
    from ml_platform.models.sequences.fit import fit_network

    return fit_network(
        training_set, FitRequest(SEED, {}, _tell), plan, hyperparameters, timedelta(0)
    ).artifact


def frames(folder: Path, name: str) -> list[pd.DataFrame]:
    """Train, validation and test of `benchmarks.real.next_step.load`, with lists of pauses, ages and attributes."""
    attributes = _attributes(folder) if name == "helpdesk" else None
    return [_with_context(part, attributes) for part in load(folder, name)]


def training_set(train: pd.DataFrame, test: pd.DataFrame, classes: tuple[str, ...]) -> TrainingSet:
    """The cases before the test train."""
    return assembled(
        train,
        test,
        model="next_step",
        source="benchmark",
        simulated=False,
        table="step_features",
        label="next_step",
        classes=(*classes, SOON),
        features=(),
        as_of=datetime(9000, 1, 1, tzinfo=UTC),
    )


def _with_context(rows: pd.DataFrame, attributes: pd.DataFrame | None) -> pd.DataFrame:
    rows = rows.assign(
        pause_word=[_word(seconds) for seconds in rows["seconds_since_last"]],
        age_word=[_word(minutes * 60.0) for minutes in rows["session_minutes"]],
    )
    rows["pauses"] = _history(rows, "pause_word")
    rows["ages"] = _history(rows, "age_word")
    if attributes is None:
        return rows
    rows = rows.merge(attributes, on="row_id", how="left", validate="one_to_one")
    for name in ATTRIBUTES:
        pairs = zip(rows[name], rows["steps"], strict=True)
        rows[name] = [[word] * len(steps) for word, steps in pairs]
    return rows


def _history(rows: pd.DataFrame, column: str) -> list[list[str]]:
    """The column of the same case's rows up to each, newest first, as many as the row has steps."""
    before: dict[str, list[str]] = {}
    metrics = []
    for case, word, steps in zip(rows["user_id"], rows[column], rows["steps"], strict=True):
        before[case] = [word, *before.get(case, [])][: len(steps)]
        metrics.append(before[case])
    return metrics


def _attributes(folder: Path) -> pd.DataFrame:
    """The attributes of each Helpdesk event, by the row's id: case and place in it."""
    table = pd.read_csv(folder / FOLDER / "Helpdesk.csv", dtype=str, keep_default_na=False)
    table["time"] = pd.to_datetime(table["Complete Timestamp"], utc=True, format="mixed")
    table = table.sort_values("time", kind="stable")
    place = table.groupby("Case ID", sort=False).cumcount().astype(str)
    return table.assign(row_id=table["Case ID"] + "-" + place)[["row_id", *ATTRIBUTES]]


def _word(seconds: float) -> str:
    if math.isnan(seconds):
        return "first"
    bounds = (*SECONDS, *(86_400 * days for days in DAYS))
    return next((f"{bound} s" for bound in bounds if seconds <= bound), "more")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)
