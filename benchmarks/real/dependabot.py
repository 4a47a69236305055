"""The suggestion scorer's learner on real suggestions: dependency updates, merged by maintainers or not.

Time-ordered 80/20 by creation. At each request only what was known at its creation: the request's own version step
and severity, and what had become by then of the repository's other requests (closed ones by their outcome, open
ones by their age). The model learns from training requests that were closed before the first test request: what
closed later was not known. Published: a random forest with the repository's earlier acceptance, AUC .740,
accuracy .687. Features and trees were chosen on three blocks of time inside the training part.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real.line import Line
from ml_platform.evaluation.evaluate import evaluate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.encoding import EncodingPlan
from ml_platform.models.gradient_boosting.fit import (
    BoostingHyperparameters,
    BoostingPlan,
    fit_boosting,
)
from ml_platform.models.gradient_boosting.rules import ProportionRules
from ml_platform.spec.model import FitRequest
from ml_platform.spec.task import ProportionRegression
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

FOLDER = "dependabot-prs"
SEED = 20260102
LABEL = "merged"
HYPERPARAMETERS = BoostingHyperparameters(
    iterations=100, learning_rate=0.03, leaves=7, smallest_leaf=60, ridge=5.0, column_share=0.4
)
REQUEST = ("major", "minor", "patch", "below_one", "severity", "subfolder", "log_number")
HISTORY = (
    "rate",
    "human_rate",
    "recent_rate",
    "accepted",
    "closed",
    "created",
    "open",
    "oldest_open_hours",
    "log_hours_to_merge",
    "log_hours_to_close",
    "last_merged",
    "hours_since_close",
)
PLAN = BoostingPlan(
    encoding=EncodingPlan(numbers=(*HISTORY, *REQUEST), categories=(), target_encoded=()),
    rising=("rate", "human_rate", "recent_rate"),
    falling=("open", "oldest_open_hours", "log_hours_to_merge", "log_hours_to_close"),
)
BASELINE = ProportionRules((LABEL,), 0.5, (("accepted", "closed", 2.0),))
"""The repository's average so far."""
SEVERITIES = {"LOW": 0.0, "MODERATE": 1.0, "HIGH": 2.0, "CRITICAL": 3.0}
PUBLISHED = {"roc_auc": 0.740, "accuracy": 0.687}
HALF_LIFE = 30 * 86_400.0
"""Seconds after which an outcome weighs half in ``recent_rate``."""


def run(folder: Path) -> list[Line]:
    """Lines of the requests in ``folder``: the published label, and human decisions alone."""
    requests = read_requests(folder / FOLDER)
    human = requests[(requests[LABEL] == 1) | ~requests["closed_by_bot"]]
    note = "every closed request, as published; superseded ones count as refused"
    alone = "decided by people: those that the bot closed (superseded, no longer needed) left out"
    return [
        *_lines(training_set(requests, "every"), note, PUBLISHED),
        *_lines(training_set(human.reset_index(drop=True), "human"), alone, {}),
    ]


def _lines(training_set: TrainingSet, note: str, published: dict[str, float]) -> list[Line]:
    fitted = fit_boosting(training_set, PLAN, HYPERPARAMETERS, timedelta(0), FitRequest(SEED))
    scorer = scorer_of(fitted.artifact)
    report = evaluate(
        training_set,
        candidate=scorer,
        estimator=fitted.estimator,
        baseline=BASELINE,
        seed=SEED,
        task=ProportionRegression(),
    )
    truth = training_set.test[LABEL].to_numpy()
    right, base = (
        float(((of.predict_proba(training_set.test)[:, 0] >= 0.5) == truth).mean())
        for of in (scorer, BASELINE)
    )
    lines = [
        _line(report, name, note, published) for name in ("roc_auc", "brier_skill", "log_loss")
    ]
    difference = report.difference_to_baseline["roc_auc"]
    nan = float("nan")
    return [
        *lines,
        Line(
            FOLDER,
            "suggestion_scorer",
            "accuracy",
            right,
            nan,
            nan,
            base,
            published.get("accuracy"),
            note,
        ),
        Line.of(
            FOLDER,
            "suggestion_scorer",
            "roc_auc over the repository's average",
            difference,
            note=note,
        ),
    ]


def _line(report: EvaluationReport, metric: str, note: str, published: dict[str, float]) -> Line:
    return Line.of(
        FOLDER,
        "suggestion_scorer",
        metric,
        report.candidate.metrics[metric],
        report.baseline.metrics[metric].value,
        published.get(metric),
        note,
    )


def read_requests(folder: Path) -> pd.DataFrame:
    """Closed requests in order of (creation, repository, number), with keys, label and features."""
    severities = pd.read_csv(folder / "pr_vulnerabilities.csv")
    every = pd.read_csv(folder / "all_security_prs_flat.csv.gz").rename(
        columns={"repo": "repository"}
    )
    commits = pd.read_csv(folder / "security_updates_commits.csv")
    for name in ("created_at", "closed_at"):
        every[name] = pd.to_datetime(every[name])
    keys = ["repository", "number"]
    rows = severities[[*keys, "from", "to", "maximal_severity"]].merge(
        every[[*keys, "created_at", "closed_at", "state", "subdir"]], on=keys
    )
    rows = rows.merge(commits[[*keys, "closed_by_bot"]], on=keys, how="left")
    rows = rows[rows["state"] != "OPEN"].sort_values(["created_at", *keys], kind="stable")
    rows = rows.reset_index(drop=True)
    rows[LABEL] = (rows["state"] == "MERGED").astype(float)
    rows["closed_by_bot"] = rows["closed_by_bot"].fillna(False).astype(bool)
    return pd.concat([rows, request_features(rows), history_features(rows, every)], axis=1)


def request_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The attributes of the request itself when it is opened."""
    old = np.array([_version(text) for text in rows["from"]], dtype=np.float64)
    new = np.array([_version(text) for text in rows["to"]], dtype=np.float64)
    step = new - old
    same_major = step[:, 0] == 0
    return pd.DataFrame(
        {
            "major": step[:, 0],
            "minor": np.where(same_major, step[:, 1], 0.0),
            "patch": np.where(same_major & (step[:, 1] == 0), step[:, 2], 0.0),
            "below_one": (old[:, 0] == 0).astype(float),
            "severity": rows["maximal_severity"].map(SEVERITIES),
            "subfolder": rows["subdir"].notna().astype(float),
            "log_number": np.log(rows["number"].to_numpy(dtype=np.float64)),
        }
    )


def history_features(rows: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """What had become of the repository's earlier requests when each of ``rows`` was created."""
    created, closed = _seconds(every["created_at"]), _seconds(every["closed_at"])
    merged = (every["state"] == "MERGED").to_numpy()
    bot = (every["closed_by"] == "dependabot").to_numpy() & ~merged
    places = every.groupby("repository").indices
    values = []
    for repository, now in zip(rows["repository"], _seconds(rows["created_at"]), strict=True):
        mine = places[repository]
        mine = mine[created[mine] < now]
        known = mine[closed[mine] < now]
        order = known[np.argsort(closed[known], kind="stable")]
        past = (created[order], closed[order], merged[order], bot[order])
        values.append(_history(now, created[np.setdiff1d(mine, known)], past))
    return pd.DataFrame(values, columns=list(HISTORY))


def _history(
    now: float, open_since: np.ndarray, past: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> tuple[float, ...]:
    """The numbers of `HISTORY`; ``past`` is (created, closed, merged, by the bot), each in order of closing."""
    created, closed, merged, bot = past
    count, accepted, superseded = len(closed), int(merged.sum()), int(bot.sum())
    hours = np.log1p((closed - created) / 3600.0)
    nan = float("nan")
    fresh = 0.5 ** ((now - closed) / HALF_LIFE)
    return (
        (accepted + 1.0) / (count + 2.0),
        (accepted + 1.0) / (count - superseded + 2.0),
        float((merged * fresh).sum() / fresh.sum()) if count else nan,
        float(accepted),
        float(count),
        float(count + len(open_since)),
        float(len(open_since)),
        (now - float(open_since.min())) / 3600.0 if len(open_since) else 0.0,
        float(hours[merged].mean()) if accepted else nan,
        float(hours.mean()) if count else nan,
        float(merged[-1]) if count else nan,
        (now - float(closed[-1])) / 3600.0 if count else nan,
    )


def training_set(requests: pd.DataFrame, name: str) -> TrainingSet:
    """The oldest four fifths train, as far as they were closed by then; the rest tests."""
    rows = requests.assign(
        row_id=requests["repository"] + "#" + requests["number"].astype(str),
        user_id=requests["repository"],
        cluster_id=requests["repository"],
        change_set_id=requests["repository"] + "#" + requests["number"].astype(str),
        occurred_at=requests["created_at"],
    )
    cut = round(len(rows) * 0.8)
    test = rows.iloc[cut:].reset_index(drop=True)
    begin = test["occurred_at"].iloc[0]
    train = rows.iloc[:cut]
    train = train[train["closed_at"] < begin].reset_index(drop=True)
    return assembled(
        train,
        test,
        model="suggestion_scorer",
        source=FOLDER,
        simulated=False,
        table="requests",
        label=LABEL,
        classes=(LABEL,),
        features=tuple(PLAN.encoding.features),
        as_of=datetime(2021, 4, 1, tzinfo=UTC),
    )


def _version(text: object) -> list[int]:
    """The first three numbers of a version, zeros where there are fewer."""
    parts = str(text).split("-")[0].split(".")[:3]
    numbers = [int("".join(sign for sign in part if sign.isdigit()) or 0) for part in parts]
    return numbers + [0] * (3 - len(numbers))


def _seconds(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Since 1970; infinite where there is no time."""
    values = times.to_numpy("datetime64[s]").astype(np.int64).astype(np.float64)
    return np.where(times.isna(), np.inf, values)
