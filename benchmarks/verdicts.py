"""Verdicts over seeds and dates that nobody has chosen, and promotions of candidates that deserve none.

    python -m benchmarks.verdicts [--runs 20 --days 90 --users 250] [--models a,b] [--together 3] [--keep FILE]
    python -m benchmarks.verdicts --runs 0            # the candidates that deserve none alone
    python -m benchmarks.verdicts --candidates 0      # the runs alone

Limits are frozen first: the commit holds the policies of all models, and its hash gives the seed and the last day
of each simulated run, so that neither could be chosen by somebody who knew a verdict. Printed: the share of
each verdict by model with its 95 % interval (Clopper and Pearson), and the gates that stopped. ``--keep`` appends
every attempt, one JSON object a line, those that failed too (without verdicts); started again with the same file
and commit, only the attempts that it lacks are run. ``--table FILE`` prints a file's shares, runs nothing.

Beside them, candidates that must not be promoted, on synthetic rows drawn anew for each, by every gate of
their model's policy and under every preset: as good as the rules and no better, told the label by a feature, and
evaluated on rows that are too old.

A run of the default size takes some ten minutes on two cores, so that twenty take three to four hours one after
another; ``--together`` runs several at a time, each on its part of the cores. By default two small ones of one
model are run.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from ml_platform.application.evaluate_fixture import FixtureEvaluation
from ml_platform.gates.faults.fixture import Fixture
from ml_platform.gates.faults.fixtures.registry import fixture_of
from ml_platform.gates.faults.fixtures.task_fixture import TaskFixture, evidence_scorer
from ml_platform.gates.faults.integrity_faults import LEAK, as_number, with_features
from ml_platform.gates.outcome import Decision, Verdict
from ml_platform.gates.policy import policy_version
from ml_platform.gates.presets import PRESETS
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import CLUSTER, TIME
from ml_platform_tests.end_to_end.command import COMMAND

CANDIDATES = 20
YEAR = 365
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Attempt:
    """One simulated run: its number, and the seed and last day that follow from the commit."""

    commit: str
    number: int
    seed: int
    as_of: datetime


def attempts(commit: str, committed: datetime, runs: int) -> Iterator[Attempt]:
    """Seeds below 2^31 and days of the year before the commit, by SHA-256 of the commit's hash and the number."""
    for number in range(runs):
        digest = hashlib.sha256(f"{commit}/{number}".encode()).digest()
        seed = int.from_bytes(digest[:4]) % 2**31
        days = 1 + int.from_bytes(digest[4:8]) % YEAR
        last = committed.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
        yield Attempt(commit, number, seed, last)


def _git(*words: str) -> str:
    return subprocess.run(
        ("git", *words), capture_output=True, text=True, check=True
    ).stdout.strip()


@dataclass(frozen=True)
class ModelVerdict:
    """The verdict on one model of an attempt, and the gates that did not pass, each with its outcome."""

    verdict: str
    not_passed: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The verdicts of an attempt by model, none and the ``error`` if its run did not end well; its wall time."""

    attempt: Attempt
    seconds: float
    models: dict[str, ModelVerdict]
    error: str = ""

    def to_line(self, days: int, users: int) -> str:
        """One JSON object, as `results_of` reads it."""
        return json.dumps(
            {
                "commit": self.attempt.commit,
                "number": self.attempt.number,
                "seed": self.attempt.seed,
                "as_of": self.attempt.as_of.isoformat(),
                "days": days,
                "users": users,
                "seconds": round(self.seconds),
                "models": {
                    name: {"verdict": model.verdict, "not_passed": model.not_passed}
                    for name, model in self.models.items()
                },
                "error": self.error,
            }
        )


def results_of(file: Path) -> Iterator[Result]:
    """The attempts that a file of ``--keep`` holds."""
    for line in file.read_text(encoding="utf-8").splitlines():
        kept = json.loads(line)
        as_of = datetime.fromisoformat(kept["as_of"])
        yield Result(
            Attempt(kept["commit"], kept["number"], kept["seed"], as_of),
            kept["seconds"],
            {
                name: ModelVerdict(model["verdict"], tuple(model["not_passed"]))
                for name, model in kept["models"].items()
            },
            kept["error"],
        )


def _run(attempt: Attempt, arguments: argparse.Namespace) -> Result:
    """A home of its own, with the numerical libraries on this run's part of the cores."""
    threads = str(max(1, (os.cpu_count() or 1) // arguments.together))
    folder = tempfile.TemporaryDirectory(prefix="ml-platform-verdicts-", ignore_cleanup_errors=True)
    with folder as home:
        command = [COMMAND, "run", "--json", "--home", home]
        command += ["--seed", str(attempt.seed)]
        command += ["--days", str(arguments.days), "--users", str(arguments.users)]
        command += ["--as-of", f"{attempt.as_of:%Y-%m-%dT%H:%MZ}"]
        command += ["--models", arguments.models] if arguments.models else []
        began = time.monotonic()
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | dict.fromkeys(_THREADS, threads),
        )
        seconds = time.monotonic() - began
        summary = json.loads(done.stdout) if done.stdout.strip() else {}
    models = {name: _verdict(model) for name, model in summary.get("models", {}).items()}
    error = "" if models else str(summary.get("error") or f"exit code {done.returncode}")
    return Result(attempt, seconds, models, error)


def _verdict(model: dict[str, Any]) -> ModelVerdict:
    return ModelVerdict(
        model["verdict"],
        tuple(
            f"{gate['name']} {gate['words']}"
            for gate in model["gates"]
            if gate["outcome"] in ("FAIL", "INSUFFICIENT")
        ),
    )


def simulated(arguments: argparse.Namespace) -> None:
    """Run every attempt that is not kept yet, and print the shares of verdicts by model."""
    commit = _git("rev-parse", "HEAD")
    committed = datetime.fromisoformat(_git("show", "-s", "--format=%cI", commit))
    clean = "" if not _git("status", "--porcelain") else ", WITH CHANGES THAT ARE NOT COMMITTED"
    print(f"commit {commit}{clean}; policies:")
    print("  " + ", ".join(f"{spec.name} {policy_version(spec.policy)}" for spec in MODELS))
    kept = results_of(arguments.keep) if arguments.keep and arguments.keep.exists() else ()
    results = {result.attempt: result for result in kept}
    missing = [each for each in attempts(commit, committed, arguments.runs) if each not in results]
    with ThreadPoolExecutor(arguments.together) as pool:
        for running in as_completed([pool.submit(_run, each, arguments) for each in missing]):
            if (
                running.exception()
            ):  # Without this the others would run on, and their results be lost.
                pool.shutdown(wait=False, cancel_futures=True)
            result = running.result()
            results[result.attempt] = result
            _show(result)
            if arguments.keep:
                with arguments.keep.open("a", encoding="utf-8") as stream:
                    stream.write(result.to_line(arguments.days, arguments.users) + "\n")
    table(results.values())


def _show(result: Result) -> None:
    shown = {name: model.verdict for name, model in result.models.items()} or result.error
    attempt = result.attempt
    print(
        f"  {attempt.number}: seed {attempt.seed}, to {attempt.as_of:%Y-%m-%d}, "
        f"{result.seconds:.0f} s: {shown}",
        flush=True,
    )


def table(results: Iterable[Result]) -> None:
    """Print the share of each verdict by model, and the gates that did not pass, most often first."""
    verdicts: dict[str, Counter[str]] = {}
    not_passed: dict[str, Counter[str]] = {}
    failed = 0
    for result in results:
        failed += not result.models
        for name, model in result.models.items():
            verdicts.setdefault(name, Counter())[model.verdict] += 1
            not_passed.setdefault(name, Counter()).update(model.not_passed)
    for name, counts in verdicts.items():
        stopped = ", ".join(f"{gate}: {n}" for gate, n in not_passed[name].most_common(5))
        print(f"{name}: {_shares(counts)}; {stopped or 'every gate passes'}")
    print(f"runs that did not end well: {failed}")


def _shares(counts: Counter[str]) -> str:
    total = counts.total()
    shares = []
    for verdict, count in counts.most_common():
        exact = binomtest(count, total).proportion_ci(method="exact")
        shares.append(f"{verdict} {count} of {total} [{exact.low:.2f}, {exact.high:.2f}]")
    return ", ".join(shares)


def drawn(fixtures: TaskFixture, seed: int, *, redundant: bool = False) -> Fixture:
    """A fixture of the usual size: half of the clusters of one that is twice as large, drawn by ``seed``."""
    larger = replace(fixtures.size, clusters=2 * fixtures.size.clusters)
    fixture = fixtures.make(size=larger, redundant=redundant)
    clusters = np.sort(fixture.rows[CLUSTER].unique())
    kept = np.random.default_rng(seed).permutation(clusters)[: len(clusters) // 2]
    rows = fixture.rows[fixture.rows[CLUSTER].isin(kept)].reset_index(drop=True)
    return replace(fixture, rows=rows)


def equal_to_rules(fixtures: TaskFixture, seed: int) -> Fixture:
    """Candidate and rules each read two of the equal copies of the evidence, not the same ones."""
    fixture = drawn(fixtures, seed, redundant=True)
    scorer = evidence_scorer(fixture)
    equal = fixture.with_candidate(scorer.reading("c", "d"))
    rules = scorer.reading("a", "b")
    return replace(equal, fold_scorer=equal.candidate, baseline=rules, challenged=rules)


def leaking(fixtures: TaskFixture, seed: int) -> Fixture:
    """A good candidate whose training set has a feature that repeats the label."""
    fixture = drawn(fixtures, seed)
    return with_features(fixture, {LEAK: as_number(fixture.rows[fixture.spec.label])})


def stale(fixtures: TaskFixture, seed: int) -> Fixture:
    """A good candidate on rows that are between one and thirty days too old."""
    fixture = drawn(fixtures, seed)
    days = 1 + np.random.default_rng(seed).integers(30)
    age = fixtures.spec.policy.maximum_data_age + timedelta(days=int(days))
    return replace(fixture, rows=fixture.rows.assign(**{TIME: fixture.rows[TIME] - age}))


GOOD = "good (control)"
UNDESERVING: dict[str, Callable[[TaskFixture, int], Fixture]] = {
    "equal to the rules": equal_to_rules,
    "leaking": leaking,
    "stale": stale,
}
"""And beside them `drawn` alone: good candidates, most of which must be promoted, or the rest show nothing."""


def _decided(spec: ModelSpec, make: Callable[[TaskFixture, int], Fixture], seed: int) -> Decision:
    with tempfile.TemporaryDirectory(prefix="ml-platform-verdicts-") as folder:
        return FixtureEvaluation(Path(folder)).decide(make(fixture_of(spec), seed))


def false_promotions(candidates: int) -> int:
    """Print the verdicts on candidates that deserve no promotion, and return how many got one."""
    from threadpoolctl import threadpool_limits

    firsts = {spec.task.name: spec for spec in reversed(MODELS)}
    specs = [firsts[name] for name in dict.fromkeys(spec.task.name for spec in MODELS)]
    promoted = 0
    for preset, of_preset in PRESETS.items():
        for kind, make in {GOOD: drawn, **UNDESERVING}.items():
            began = time.process_time()
            verdicts: Counter[str] = Counter()
            by: Counter[str] = Counter()
            for number in range(candidates):
                spec = specs[number % len(specs)]
                spec = replace(spec, policy=of_preset(spec.policy))
                with threadpool_limits(limits=1):
                    decision = _decided(spec, make, number)
                verdicts[decision.verdict.value.upper()] += 1
                by.update(gate.name for gate in decision.gates if gate.stops)
                if decision.verdict is Verdict.PROMOTE and kind != GOOD:
                    promoted += 1
                    print(f"  PROMOTED: {spec.name}, {kind}, preset {preset}, draw {number}")
            seconds = time.process_time() - began
            print(
                f"{preset}, {kind}: {_shares(verdicts)}; stopped by {dict(by.most_common(4))}; {seconds:.0f} s"
            )
    return promoted


def main() -> int:
    """Run what was asked for; the exit code is 1 if a candidate that deserves none was promoted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--models")
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    arguments = parser.parse_args()
    if arguments.table:
        table(results_of(arguments.table))
        return 0
    if arguments.models is None and arguments.days < 90:
        arguments.models = "pattern_classifier"
    promoted = 0
    if arguments.candidates:
        promoted = false_promotions(arguments.candidates)
        print(f"promoted although they deserve it not: {promoted}")
    if arguments.runs:
        simulated(arguments)
    return 1 if promoted else 0


if __name__ == "__main__":
    sys.exit(main())
