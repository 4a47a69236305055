"""False incidents of all looks of a report in whole simulated quiet homes: features, predictions and performance.

The homes are those of `false_alarms.py` (SIMULATED, 120 days, nothing planted). Each model is fitted as a training
on day 90 fits it, on the labels known by then; its baseline has features, predictions of the test part and
performance. Then it predicts every row, and is watched every six hours for 30 days by `monitor`, with the labels
that were known at each look. What counts is the incident: a run of flagged looks of one model and kind.

    OMP_NUM_THREADS=1 python -m benchmarks.quiet_predictions [--homes all-kinds] [--features DIR] [--step 1]

``--rules`` watches the rules that answer without a champion, which takes no training.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2

from benchmarks.false_alarms import AS_OF, HOMES, MOVED, WATCHED, build_features_of
from ml_platform.adapters.artifact_files import load_scorer, write_artifact
from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.adapters.training_set_files import build_training_set
from ml_platform.clock import WINDOW
from ml_platform.errors import InsufficientData
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.distribution import clustered_mean
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.performance.maturity import KNOWN_AT, OUTCOME, horizon
from ml_platform.monitoring.performance.realised import labelled_predictions
from ml_platform.monitoring.performance.reference import estimator_of
from ml_platform.monitoring.report import Light, MonitoringReport, Performance, Severity
from ml_platform.monitoring.weeks import reference_end
from ml_platform.prediction_log.scoring import outcomes_of, predicted
from ml_platform.settings import disable_telemetry
from ml_platform.spec.model import FitRequest, ModelSpec, Scorer
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.training_set import ROW_ID, TIME, TrainingSet

REGISTERED = AS_OF - WATCHED
LOSSES = (Performance.WARN, Performance.ALERT)
KINDS: dict[str, Callable[[MonitoringReport], bool]] = {
    "features": lambda report: any(entry.severity in MOVED for entry in report.features),
    "predictions": lambda report: any(entry.severity in MOVED for entry in report.predictions),
    "performance": lambda report: report.performance.level in LOSSES,
}


@dataclass
class Tally:
    """The counts of one kind of look at one model over all homes."""

    looks: int = 0
    telling: int = 0
    """Looks that could tell: something was compared, or performance was known."""
    flagged: int = 0
    incidents: int = 0


def fitted(spec: ModelSpec, home: Path, folder: Path, *, rules: bool) -> tuple[TrainingSet, Scorer]:
    """The training set that was known on day 90, and the version (or the rules) that was fitted on it."""
    table = home / f"{spec.table.name}.parquet"
    training_set = build_training_set(
        table,
        spec,
        feature_versions=dict.fromkeys(spec.features, "1"),
        source="simulate",
        simulated=True,
        as_of=REGISTERED - spec.label_delay,
        folder=folder / "training_sets",
    )
    if rules:
        artifact = spec.fit_rules(training_set)
    else:
        artifact = spec.fit(training_set, FitRequest(spec.seed, dict(spec.defaults))).artifact
    place = folder / "artifacts" / artifact.sha256
    write_artifact(artifact, place)
    return training_set, load_scorer(place, artifact.sha256)


def with_outcomes(spec: ModelSpec, scorer: Scorer, rows: pd.DataFrame) -> pd.DataFrame:
    """The predictions of ``rows`` with their labels and the time at which each is known."""
    predictions = predicted(spec.task, scorer, rows)
    outcomes = outcomes_of(spec.task, rows, spec.label, spec.label_delay).set_index(ROW_ID)
    keys = predictions[ROW_ID]
    return predictions.assign(
        **{OUTCOME: keys.map(outcomes["label"]), KNOWN_AT: keys.map(outcomes["known_at"])}
    )


def baseline_of(
    spec: ModelSpec, rows: pd.DataFrame, training_set: TrainingSet, scorer: Scorer
) -> Baseline:
    """The baseline that a registration makes; ``rows`` are all of the table."""
    adapter = adapter_of(spec.task)
    watched = [entry for entry in spec.table.features if entry.name in spec.features]
    until = reference_end(REGISTERED, spec.table.complete_after, POLICY.window)
    reference = measure_reference(rows, watched, model=spec.name, end=until)
    predictions = with_outcomes(spec, scorer, training_set.test)
    outcomes = outcomes_of(spec.task, training_set.test, spec.label, spec.label_delay)
    labelled = predictions[predictions[OUTCOME].notna()]
    gain = adapter.gains[spec.monitored_metric]
    value, variance, _ = clustered_mean(
        gain(labelled_predictions(labelled)), cluster_codes(labelled)
    )
    reach = 1.96 * float(np.sqrt(variance))
    return reference.baseline(
        version="1",
        source="simulate",
        simulated=True,
        predictions=predictions,
        performance={spec.monitored_metric: Estimate(value, value - reach, value + reach)},
        estimator=estimator_of(adapter, predictions, outcomes),
    )


def watch(
    spec: ModelSpec, home: Path, folder: Path, step: int, *, rules: bool
) -> list[MonitoringReport]:
    """The reports of every look at one model."""
    training_set, scorer = fitted(spec, home, folder, rules=rules)
    rows = pd.read_parquet(home / f"{spec.table.name}.parquet")
    rows = rows[~rows["is_bot"].astype(bool)]
    rows[TIME] = pd.to_datetime(rows[TIME], utc=True)
    rows = rows.sort_values([TIME, ROW_ID]).reset_index(drop=True)
    baseline = baseline_of(spec, rows, training_set, scorer)
    recent = rows[rows[TIME] >= REGISTERED - POLICY.window - spec.table.complete_after]
    predictions = with_outcomes(spec, scorer, recent)
    adapter = adapter_of(spec.task)
    reports = []
    for place in range(0, WATCHED // WINDOW + 1, step):
        end = REGISTERED + place * WINDOW
        start = end - POLICY.window - spec.table.complete_after
        seen = predictions[
            (predictions[TIME] < end)
            & (predictions[TIME] >= end - horizon(spec.label_delay, POLICY))
        ]
        late = seen[KNOWN_AT].isna() | (seen[KNOWN_AT] > end)
        seen = seen.assign(
            **{OUTCOME: seen[OUTCOME].mask(late), KNOWN_AT: seen[KNOWN_AT].mask(late)}
        )
        reports.append(
            monitor(
                baseline,
                recent[(recent[TIME] >= start) & (recent[TIME] < end)],
                seen,
                model=spec.name,
                version="1",
                source="simulate",
                simulated=True,
                window_start=end - POLICY.window,
                window_end=end,
                policy=replace(POLICY, metric=spec.monitored_metric),
                gain=adapter.gains[spec.monitored_metric],
                label_delay=spec.label_delay,
                complete_after=spec.table.complete_after,
                what_if=adapter.what_if,
            )
        )
    return reports


def telling(kind: str, report: MonitoringReport) -> bool:
    """Whether this kind of look could have found anything."""
    if kind == "performance":
        return report.performance.level is not Performance.UNKNOWN
    entries = report.features if kind == "features" else report.predictions
    return any(entry.severity is not Severity.INSUFFICIENT for entry in entries)


def count(reports: list[MonitoringReport], tallies: dict[str, Tally]) -> None:
    """Add the looks at one model of one home."""
    for kind, is_flagged in KINDS.items():
        tally, before = tallies[kind], False
        for report in reports:
            flagged = is_flagged(report)
            tally.looks += 1
            tally.telling += telling(kind, report)
            tally.flagged += flagged
            tally.incidents += flagged and not before
            before = flagged


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", choices=HOMES, default="all-kinds")
    parser.add_argument("--first", type=int, help="only so many homes of the list")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--step", type=int, default=1, help="look every so many six-hour windows")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    disable_telemetry()
    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: {kind: Tally() for kind in KINDS})
    red = looks = 0
    homes = HOMES[given.homes][: given.first]
    with tempfile.TemporaryDirectory() as place:
        for seed, users in homes:
            home = build_features_of(seed, users, given.features or Path(place))
            for spec in installed_catalogue().models:
                if given.models and spec.name not in given.models:
                    continue
                try:
                    reports = watch(spec, home, Path(place), given.step, rules=given.rules)
                except InsufficientData as error:
                    print(f"{home.name} {spec.name}: {error}", file=sys.stderr, flush=True)
                    continue
                count(reports, tallies[spec.name])
                red += sum(report.light is Light.RED for report in reports)
                looks += len(reports)
                moved = sum(tally.incidents for tally in tallies[spec.name].values())
                print(f"{home.name} {spec.name}: {moved}", file=sys.stderr, flush=True)
    total = sum(tally.incidents for kinds in tallies.values() for tally in kinds.values())
    figures = {
        "homes": len(homes),
        "reports": looks,
        "red": red,
        "incidents_a_home": total / len(homes),
        "incidents_a_home_upper_95": float(chi2.ppf(0.95, 2 * total + 2) / 2 / len(homes)),
    }
    table = {
        name: {kind: vars(tally) for kind, tally in kinds.items()}
        for name, kinds in tallies.items()
    }
    if given.json:
        print(json.dumps({**figures, "models": table}))
        return
    print(f"{'model':28}{'kind':14}{'looks':>7}{'telling':>9}{'flagged':>9}{'incidents':>11}")
    for name, kinds in tallies.items():
        for kind, tally in kinds.items():
            counts = f"{tally.looks:>7}{tally.telling:>9}{tally.flagged:>9}{tally.incidents:>11}"
            print(f"{name:28}{kind:14}{counts}")
    for key, value in figures.items():
        print(f"{key:28} {value}")


if __name__ == "__main__":
    main()
