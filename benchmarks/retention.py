"""Thirty runs with one new day each in one home, and what retention leaves of it.

`python -m benchmarks.retention [--runs N] [--folder DIR]`: a simulation is exported day by day as files, the home
reads them and one small model is fitted anew each time; after each run `retention` dry, `--apply`, and dry again.
Each third day's version is promoted, by a policy under which it can be. Printed: the size of the home after each
run, what has gone, and the size by folder. It ends with an error unless

- what the dry run named is what went, and after it nothing is left to name;
- `verify` is clean after each run, and MLflow has nothing to put right;
- of each version that was ever promoted, and of the newest, every file, row and run is there (`Kept.missing`);
- every report opens as a page;
- nothing that is past its days lies anywhere: rows, files, runs (`Kept.left`);
- the same holds once more when both clocks are ``LATER`` further, when every rule with days has had its turn.
"""

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from mlflow import MlflowClient

from ml_platform.adapters.services import running_services, services
from ml_platform.application.connections import Connections
from ml_platform.application.mirror import mirror
from ml_platform.application.retention import RetentionOutcome, retain
from ml_platform.application.verify import verify_home
from ml_platform.cli.instance import dagster_instance
from ml_platform.clock import parse_moment
from ml_platform.defs.retention import KeptDagsterRuns
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.home import write_home
from ml_platform.registry.records import Action, VersionRecord
from ml_platform.settings import Settings
from ml_platform_tests.end_to_end.command import COMMAND, environment

MODEL = "sequence_ngram"
FIRST_DAYS = 35
LAST = parse_moment("LAST", "2026-09-01T00:00Z")
EASY = "".join(
    f"[{MODEL}.{gate}]\ndecides = false\n"
    for gate in ("over_rules", "fairness", "fair_equal_opportunity_difference", "newest_half")
)
"""A policy under which a version from so few events is promoted."""
LATER = timedelta(days=400)
MOST_BYTES = 1.5e9
ROWS = {
    "predictions": ("predicted_at", 45 + 7),
    "outcomes": ("known_at", 45 + 7),
    "monitoring_reports": ("window_end", 30 + 1),
    "alerts": ("at", 30 + 1),
    "retraining_requests": ("requested_at", 365 + 1),
}
"""Tables whose rows go, the time of a row, and its days with those of the week or day that it goes with."""
PAGES = {"monitoring.html": 30, "evidently.html": 7}
TIMES = {
    "events": "occurred_at",
    "known_anomalies": "occurred_at",
    "suggestions": "shown_at",
    "workflow_executions": "started_at",
}


def exported(days: int) -> dict[str, pa.Table]:
    """The tables of a small simulation."""
    source = SimulateSource(as_of=LAST, days=days, users=30, seed=4)
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in source.batches():
        if name != "ceilings":
            parts.setdefault(name, []).append(rows)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def told(home: Path, *arguments: str) -> Any:
    """What the command prints as JSON."""
    ended = subprocess.run(
        [COMMAND, *arguments, "--home", str(home), "--json"],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ended.stdout)


def size(folder: Path) -> int:
    """Bytes of a folder, a file with several links once."""
    states = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            states[state.st_ino] = state.st_size
    return sum(states.values())


class Kept:
    """What lies in a home, looked at without the code that removes."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home, None, None, None)
        self.platform = Connections(self.settings)
        self.client = MlflowClient(self.platform.tracking_url)
        ledger = self.platform.ledger
        promoted = {e.version for e in ledger.events(MODEL) if e.action is Action.PROMOTED}
        self.versions = ledger.versions(MODEL)
        self.roots = [
            version
            for version in self.versions
            if version.version in promoted or version == self.versions[-1]
        ]

    def rows(self, query: str, **values: object) -> list[Any]:
        """The first column of what a query finds in the ledger's database."""
        engine = sa.create_engine(self.platform.urls.ml_platform, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [row[0] for row in connection.execute(sa.text(query), values)]

    def missing(self) -> Iterator[str]:
        """What a root needs and is not there."""
        for version in self.roots:
            for folder in (
                self.settings.home / version.artifact_path,
                self.settings.training_sets / MODEL / version.training_set_fingerprint,
            ):
                if not folder.is_dir() or not any(folder.iterdir()):
                    yield f"{version.version}: {folder}"
            query = "SELECT id FROM evaluation_reports WHERE id = :id"
            if not self.rows(query, id=version.report_id):
                yield f"{version.version}: its evaluation"
            if not any(self.client.list_artifacts(version.mlflow_run_id)):
                yield f"{version.version}: its run in MLflow"

    def left(self, now: datetime) -> Iterator[str]:
        """What is past its days at ``now``, by the clock of the data, and still lies somewhere."""
        for table, (time, days) in ROWS.items():
            last = "(SELECT max(window_end) FROM monitoring_reports)"
            stays = f" AND window_end < {last}" if table == "monitoring_reports" else ""
            query = f"SELECT {time} FROM {table} WHERE {time} < :before{stays}"
            for at in self.rows(query, before=now - timedelta(days=days)):
                yield f"{table}: a row of {at}"
        for name, days in PAGES.items():
            for page in self.settings.reports.glob(f"*/*/{name}"):
                at = datetime.strptime(page.parent.name, "%Y-%m-%dT%H%M").replace(tzinfo=UTC)
                if at < now - timedelta(days=days):
                    yield str(page)
        fitted = {root.training_set_fingerprint for root in self.roots}
        for version in self.versions:
            age = now - version.registered_at
            folder = self.settings.training_sets / MODEL / version.training_set_fingerprint
            if age > timedelta(7) and folder.name not in fitted and folder.exists():
                yield str(folder)
            if version not in self.roots:
                yield from self._left_of(version, age)

    def _left_of(self, version: VersionRecord, age: timedelta) -> Iterator[str]:
        """What is left of a version that nothing needs: artifact, evaluation, baseline, run, MLflow's version."""
        artifacts = {root.artifact_path for root in self.roots}
        artifact = self.settings.home / version.artifact_path
        if age > timedelta(30) and version.artifact_path not in artifacts and artifact.exists():
            yield str(artifact)
        if age > timedelta(90) and self.client.search_runs(
            [each.experiment_id for each in self.client.search_experiments()],
            f"attributes.run_id = '{version.mlflow_run_id}'",
        ):
            yield f"MLflow's run {version.mlflow_run_id}"
        if age > timedelta(180):
            query = "SELECT id FROM evaluation_reports WHERE id = :id"
            yield from self.rows(query, id=version.report_id)
            query = "SELECT version FROM baselines WHERE model = :model AND version = :version"
            yield from self.rows(query, model=MODEL, version=str(version.version))

    def reports_that_open(self, expected: list[VersionRecord]) -> int:
        """How many evaluations open as a page; of one that retention has removed it must be said."""
        page = self.settings.home.parent / "page.html"
        for version in self.versions:
            number = str(version.version)
            command = [COMMAND, "report", MODEL, number, "--out", str(page), "--home"]
            ended = subprocess.run(
                [*command, str(self.settings.home)],
                env=environment(),
                capture_output=True,
                text=True,
            )
            if version in expected:
                assert ended.returncode == 0, ended.stderr
                assert page.read_text().rstrip().endswith("</html>")
            else:
                assert "removed by retention" in ended.stderr, (number, ended.stderr)
        return len(expected)


def one_more_day(home: Path, until: datetime, *source: str) -> int:
    """A run as of ``until``, and what retention removes after it, in bytes."""
    moment = ("--as-of", f"{until:%Y-%m-%dT%H:%MZ}", "--models", MODEL, "--processes", "1")
    told(home, "run", *source, *moment, "--retrain")
    with services(Settings(home, None, None, None)):
        return retained(home, datetime.now(UTC))


def things_of(outcome: RetentionOutcome) -> list[tuple[str, str]]:
    """What goes, without its size: a log that is written to grows between two looks."""
    return [(str(removal.item.kind), removal.item.key) for removal in outcome.removals]


def retained(home: Path, wall: datetime) -> int:
    """What retention removes from a home whose services run, in bytes; then everything is looked at."""
    kept = Kept(home)
    platform = kept.platform
    with dagster_instance(kept.settings, running_services(kept.settings)) as instance:
        others = [KeptDagsterRuns(instance)]
        planned = retain(platform, others, apply=False, wall=wall)
        outcome = retain(platform, others, apply=True, wall=wall)
        assert things_of(outcome) == things_of(planned)
        assert not retain(platform, others, apply=False, wall=wall).removals
    assert not (lost := list(kept.missing())), lost
    assert not (left := list(kept.left(platform.now()))), left
    assert not (faults := [each for each in verify_home(platform) if not each.ok]), faults
    assert not (repairs := mirror(platform, thorough=True)), repairs
    things = Counter({str(line.kind): line.things for line in outcome.summary})
    print(f"  gone: {dict(things)}; versions {len(kept.versions)}, roots {len(kept.roots)}")
    return outcome.bytes


def much_later(home: Path) -> None:
    """Both clocks are ``LATER`` further, and retention is applied once more."""
    kept = Kept(home)
    state = kept.platform.home
    write_home(kept.settings, replace(state, as_of=state.as_of + LATER))
    print(f"{LATER.days} days later:")
    gone = retained(home, datetime.now(UTC) + LATER)
    opens = kept.reports_that_open(kept.roots)
    print(f"{gone / 1e6:.1f} MB; reports that open: {opens}, of the others it is said why not")
    print(f"home {size(home) / 1e6:.0f} MB")


def main() -> None:
    """Run, remove, look, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="retention-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    home, exports = folder / "home", folder / "exports"
    exports.mkdir(exist_ok=True)
    policy = folder / "policy.toml"
    tables, removed = exported(FIRST_DAYS + options.runs), 0
    for run in range(options.runs):
        until = LAST - timedelta(days=options.runs - 1 - run)
        for name, rows in tables.items():
            known = rows.filter(pc.field(TIMES[name]) < pa.scalar(until)) if name in TIMES else rows
            pq.write_table(known, exports / f"{name}.parquet")
        policy.write_text(EASY if run % 3 == 0 else 'preset = "mission"\n')
        source = (("--source", f"files:{exports}"), ("--policy", str(policy)))
        removed += one_more_day(home, until, *(source[0] if run == 0 else ()), *source[1])
        print(
            f"run {run + 1}: home {size(home) / 1e6:.0f} MB, gone {removed / 1e6:.1f} MB",
            flush=True,
        )
    for place in sorted(home.iterdir()):
        if place.is_dir():
            print(f"{place.name:<26}{size(place) / 1e6:>9.1f} MB")
    assert size(home) <= MOST_BYTES
    with services(Settings(home, None, None, None)):
        kept = Kept(home)
        opens = kept.reports_that_open(kept.versions)
        print(f"reports that open: {opens} of {len(kept.versions)}; roots: {len(kept.roots)}")
        much_later(home)


if __name__ == "__main__":
    main()
