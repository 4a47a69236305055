"""Mutants: one change at a time in a module, then the tests of its stage. `python -m benchmarks.mutants --help`.

A draw of mutants is sampled by a seed from all changes of the modules that decide, hash, coerce, compare and
split. For each, the tests of the stage that call the changed function run in a child process, the quickest
first, up to the first failure. Printed are the share of mutants that a test notices, by module, and each that
none does. Equivalent mutants, which change nothing that can be observed, are listed in `equivalent.toml` with
the reason, and are not drawn.

Half of all mutants, told by a hash of their text, is for writing tests (`--half writing`); the score is of the
other half, which nobody looks at while writing.
"""

import argparse
import hashlib
import json
import random
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.changes import Mutant, mutants
from benchmarks.mutants.trials import Calls, call_record, import_libraries, mutant_trial, run_all

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "gates/decide.py",
    "gates/quality.py",
    "gates/integrity.py",
    "registry/permit.py",
    "registry/transitions.py",
    "registry/chain.py",
    "registry/validate.py",
    "retraining/decide.py",
    "retraining/trigger.py",
    "monitoring/compare.py",
    "monitoring/drift/*.py",
    "evaluation/intervals/*.py",
    "evaluation/metrics/classification*.py",
    "evaluation/metrics/binary.py",
    "evaluation/dimensions/fairness/comparisons.py",
    "features/future_check.py",
    "features/leak*.py",
    "features/target_copies.py",
    "training_sets/*.py",
    "events/coerce.py",
    "experiments/decide.py",
    "prediction_log/record.py",
)
"""Modules that decide, hash, coerce, compare and split, as patterns inside ``ml_platform``."""

_WHOLE_WORLDS = (
    "gates/test_faults.py",
    "monitoring/test_calibration.py",
    "monitoring/test_evidently_report.py",
    "evaluation/dimensions/test_cost.py",
    "events/test_simulator*.py",
    "events/test_*_ceiling.py",
    "events/test_expectations.py",
    "events/test_parquet_lake.py",
    "events/test_git.py",
    "evaluation/dimensions/test_explanations.py",
    "evaluation/dimensions/robustness/*.py",
    "evaluation/metrics/test_off_policy.py",
    "features/test_*_features.py",
    "features/test_adoption_snapshots.py",
    "features/test_future_check.py",
    "features/test_paths_oracle.py",
    "features/test_selection.py",
    "features/test_warehouse.py",
)
"""Tests that take too long to be run once a mutant; what only they would notice counts as unnoticed."""

_LONG_TESTS = (
    "evaluation/dimensions/fairness/test_comparisons.py::test_the_worst_of_ten_groups_is_covered",
    "evaluation/dimensions/fairness/test_comparisons.py::test_equal_groups_of_fifty",
    "monitoring/test_ks.py::test_clustered_is_the_simulated_bridge",
)
"""Single tests that are left out likewise, by the beginning of their names: simulations of intervals."""

_SEEN_CODES = (1, 2)
"""A test failed, or the tests could not be collected; 0 is that all passed."""


def main() -> None:
    """Draw, try and print."""
    options = _options()
    modules = [path for path in _modules() if not options.only or options.only in str(path)]
    equivalent, unknown = _equivalent()
    for entry in unknown:
        print(f"equivalent.toml: {entry} is not one mutant: left in the draw")
    every = [mutant for path in modules for mutant in mutants(ROOT, path)]
    apart = [
        mutant
        for mutant in every
        if _key(mutant) not in equivalent and _half(mutant) == options.half
    ]
    drawn = random.Random(options.seed).sample(apart, min(options.count, len(apart)))
    print(
        f"{len(every)} mutants of {len(modules)} modules, {len(equivalent)} equivalent; drawn are "
        f"{len(drawn)} of {len(apart)} for {options.half} (seed {options.seed})",
        flush=True,
    )
    start = time.perf_counter()
    import_libraries()
    calls = _calls(modules, options.jobs)
    print(
        f"the tests of the stages are known after {time.perf_counter() - start:.0f} s", flush=True
    )
    survivors = _try(drawn, calls, options.jobs, options.verbose)
    _print(drawn, survivors, time.perf_counter() - start)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--seed", default="1", help="the draw: any text, a new one for a new draw")
    parser.add_argument("--count", type=int, default=400, help="how many mutants (default 400)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--half", choices=("judging", "writing"), default="judging")
    parser.add_argument("--only", default="", help="only modules with this in their path")
    parser.add_argument("--verbose", action="store_true", help="print each mutant with its fate")
    return parser.parse_args()


def _modules() -> list[Path]:
    paths = {
        path.relative_to(ROOT)
        for pattern in MODULES
        for path in (ROOT / "ml_platform").glob(pattern)
    }
    return sorted(path for path in paths if path.name != "__init__.py")


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return (str(mutant.path), mutant.text, mutant.change)


def _half(mutant: Mutant) -> str:
    digest = hashlib.sha256("\x1f".join(_key(mutant)).encode()).digest()
    return "writing" if digest[0] % 2 else "judging"


def _equivalent() -> tuple[set[tuple[str, str, str]], list[str]]:
    """The mutants that change nothing, and the entries that fit none, or more than one."""
    entries = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["mutant"]
    keys = {(entry["module"], entry["line"], entry["change"]) for entry in entries}
    paths = {Path(module) for module, _, _ in keys}
    equivalent = Counter(
        _key(mutant) for path in paths if (ROOT / path).exists() for mutant in mutants(ROOT, path)
    )
    single = {key for key in keys if equivalent[key] == 1}
    return single, [f"{module}: {change}" for module, _, change in sorted(keys - single)]


def _stage(module: Path) -> str:
    return module.parts[1]


def _calls(modules: Sequence[Path], jobs: int) -> list[Calls]:
    """What each file of tests of the stages calls; a file that fails without any mutant is left out, and named."""
    stages = sorted({_stage(module) for module in modules})
    files = [
        path.relative_to(ROOT)
        for stage in stages
        for path in sorted((ROOT / "ml_platform_tests" / stage).rglob("test_*.py"))
        if not any(path.match(pattern) for pattern in _WHOLE_WORLDS)
    ]
    calls: list[Calls] = []

    def done(number: int, code: int | None, answer: Path) -> None:
        if code != 0 or not answer.exists():
            output = (answer.parent / "output.txt").read_text()
            print(
                f"left out: {files[number]} fails without any mutant (code {code})\n{output[-600:]}"
            )
            return
        read = json.loads(answer.read_text())
        functions = frozenset((module, line) for module, line in read["functions"])
        calls.append(Calls(files[number], read["seconds"], functions))

    run_all([(call_record(ROOT, path, modules, _LONG_TESTS), 600.0) for path in files], jobs, done)
    return sorted(calls, key=lambda file: file.seconds)


def _tests_of(mutant: Mutant, calls: Sequence[Calls]) -> list[Calls]:
    """The tests of the mutant's stage that call its function, the quickest first."""
    function = (str(mutant.path), mutant.function or 0)
    return [
        entry
        for entry in calls
        if entry.tests.parts[1] == _stage(mutant.path) and function in entry.functions
    ]


def _try(
    drawn: Sequence[Mutant], calls: Sequence[Calls], jobs: int, verbose: bool
) -> dict[int, str]:
    """Number and reason of each mutant that no test notices."""
    survivors: dict[int, str] = {}
    tasks, numbers = [], []
    for number, mutant in enumerate(drawn):
        chosen = _tests_of(mutant, calls)
        if not chosen:
            survivors[number] = "no test of the stage calls it"
            continue
        tests = [entry.tests for entry in chosen]
        task = mutant_trial(ROOT, mutant.path, mutant.source(ROOT), tests, _LONG_TESTS)
        tasks.append((task, sum(entry.seconds for entry in chosen)))
        numbers.append(number)

    def done(place: int, code: int | None, answer: Path) -> None:
        number = numbers[place]
        if code == 0:
            survivors[number] = "every test passes"
        elif code is not None and code not in _SEEN_CODES:
            sys.exit(
                f"a trial ended with code {code}:\n{(answer.parent / 'output.txt').read_text()[-3000:]}"
            )
        if verbose:
            print("survived" if code == 0 else "seen", _line(drawn[number]), flush=True)

    run_all(tasks, jobs, done)
    return survivors


def _line(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line} | {mutant.text} | {mutant.change}"


def _print(drawn: Sequence[Mutant], survivors: dict[int, str], seconds: float) -> None:
    total = Counter(str(mutant.path) for mutant in drawn)
    missed = Counter(str(drawn[number].path) for number in survivors)
    for path in sorted(total):
        seen = total[path] - missed[path]
        print(f"{path:<60} {seen:>4}/{total[path]:<4} {seen / total[path]:>5.0%}")
    seen = len(drawn) - len(survivors)
    print(
        f"{'all':<60} {seen:>4}/{len(drawn):<4} {seen / max(len(drawn), 1):>5.1%}  in {seconds:.0f} s"
    )
    for number in sorted(survivors, key=lambda n: (str(drawn[n].path), drawn[n].line)):
        print(f"{_line(drawn[number])} | {survivors[number]}")


if __name__ == "__main__":
    main()
