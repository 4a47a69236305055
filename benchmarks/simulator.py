"""SIMULATED: how much can be learned from the simulator, beside what the Bayes rule knows.

For seeds and both parameter sets, on the last 20 % of events by time: the ceiling, a forest with context,
a forest of the five basic columns, and the rules (most frequent category of tool and operation).

    python benchmarks/simulator.py --seeds 0 1 2 --json
"""

import argparse
import json
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import RandomForestClassifier

from ml_platform.events.sources.simulate import SimulateSource

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRAIN_ROWS = 100_000
MEMORY = 12
"""Events of the session that the context looks back on."""


def load(seed: int, parameters: str, days: int) -> pd.DataFrame:
    """Events with the ceiling's prediction, in order of user and time."""
    source = SimulateSource(as_of=AS_OF, days=days, seed=seed, parameters=parameters)
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in source.batches():
        parts.setdefault(name, []).append(rows)
    events = pa.concat_tables(parts["events"]).to_pandas()
    ceilings = pa.concat_tables(parts["ceilings"]).to_pandas()
    ceilings = ceilings.rename(columns={"row_id": "event_id"})
    frame = events.merge(ceilings[["event_id", "prediction"]], on="event_id")
    return frame.sort_values(["user_id", "occurred_at"], ignore_index=True)


def basic(frame: pd.DataFrame) -> np.ndarray:
    """Extension, tool, operation (one column a level), hour, weekday (local)."""
    local = frame.occurred_at + pd.to_timedelta(frame.utc_offset_minutes, unit="min")
    levels = pd.get_dummies(frame[["object_extension", "tool", "operation"]], dummy_na=True)
    return np.column_stack([levels, local.dt.hour, local.dt.weekday]).astype(np.float32)


def evidence(column: pd.Series, label: np.ndarray, train: np.ndarray, classes: int) -> np.ndarray:
    """Smoothed log P(value | class), centred, counted in the training part."""
    code, names = pd.factorize(column)
    counts = np.zeros((len(names) + 1, classes))
    np.add.at(counts, (code[train], label[train]), 1.0)
    smoothed = np.log(counts + 0.5) - np.log(counts.sum(axis=0) + 0.5 * len(names))
    centred = smoothed - smoothed.mean(axis=1, keepdims=True)
    centred[-1] = 0.0
    return centred[code]


def with_context(frame: pd.DataFrame, label: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Evidence of the event, of the session's last events (decayed), of the user so far; lags; gaps."""
    classes = int(label.max()) + 1
    place = frame.object_path.str.rsplit("/", n=1).str[0]
    path = evidence(place, label, train, classes)
    extension = evidence(frame.object_extension, label, train, classes)
    doing = evidence(frame.tool + " " + frame.operation, label, train, classes)
    now = path + extension + doing
    position = frame.groupby("session_id").cumcount().to_numpy()
    columns = [basic(frame), path, doing, now]
    for decay in (0.9, 0.7):
        past = np.zeros_like(now)
        for back in range(1, MEMORY + 1):
            inside = np.flatnonzero(position >= back)
            past[inside] += decay ** (back - 1) * now[inside - back]
        columns += [past, now + decay * past]
    for back in (1, 2):
        lagged = np.zeros_like(now)
        inside = np.flatnonzero(position >= back)
        lagged[inside] = now[inside - back]
        columns.append(lagged)
    raised = np.exp(now - now.max(axis=1, keepdims=True))
    share = pd.DataFrame(raised / raised.sum(axis=1, keepdims=True)).groupby(frame.user_id)
    so_far = (share.cumsum().to_numpy() - raised / raised.sum(axis=1, keepdims=True)) / (
        frame.groupby("user_id").cumcount().to_numpy()[:, None] + 1.0
    )
    gap = frame.groupby("session_id").occurred_at.diff().dt.total_seconds().fillna(-1.0)
    return np.column_stack([*columns, so_far, position, gap]).astype(np.float32)


def forest(features: np.ndarray, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy on the test rows of a forest of leaf 20 fitted on `TRAIN_ROWS` rows."""
    rows = np.random.default_rng(0).permutation(np.flatnonzero(train))[:TRAIN_ROWS]
    model = RandomForestClassifier(80, min_samples_leaf=20, n_jobs=2, random_state=0)
    model.fit(features[rows], label[rows])
    return float((model.predict(features[test]) == label[test]).mean())


def rules(frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy of the most frequent category of (tool, operation) in the training part."""
    key = frame.tool + " " + frame.operation
    best = pd.Series(label[train]).groupby(key[train].to_numpy()).agg(lambda x: x.mode()[0])
    return float((key[test].map(best).to_numpy() == label[test]).mean())


def measure(seed: int, parameters: str, days: int) -> dict[str, object]:
    """One line of the table."""
    began = time.perf_counter()
    frame = load(seed, parameters, days)
    seconds = time.perf_counter() - began
    label, names = pd.factorize(frame.workflow_category, sort=True)
    test = (frame.occurred_at >= frame.occurred_at.quantile(0.8)).to_numpy()
    train = ~test
    right = (frame.prediction == frame.workflow_category)[test].mean()
    return {
        "parameters": parameters,
        "seed": seed,
        "events": len(frame),
        "seconds": round(seconds, 2),
        "classes": len(names),
        "ceiling": round(float(right), 4),
        "context_forest": round(forest(with_context(frame, label, train), label, train, test), 4),
        "basic_forest": round(forest(basic(frame), label, train, test), 4),
        "rules": round(rules(frame, label, train, test), 4),
    }


def main() -> None:
    """Print a line for every parameter set and seed, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--parameters", nargs="+", default=["default", "second"])
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lines = []
    for parameters in options.parameters:
        for seed in options.seeds:
            lines.append(measure(seed, parameters, options.days))
            if not options.json:
                print(
                    "SIMULATED", *(f"{key}={value}" for key, value in lines[-1].items()), flush=True
                )
    if options.json:
        print(json.dumps({"simulated": True, "lines": lines}))


if __name__ == "__main__":
    main()
