"""Every model on the real, public data sets of a folder, beside its baseline and what was published.

    python -m benchmarks.real_data DIR
    python -m benchmarks.real_data DIR --only dependabot,retecs --json

DIR is laid out as published: one folder a set (git-ibis, git-vite, ppm-context, ci-retecs, dependabot-prs,
adbench); sets that it lacks are left out, with a note. Intervals are 95 %, clustered (commits, cases, cycles,
repositories). No part chooses anything by a test part: how often each was looked at is in docs/real_data.md.
"""

import argparse
import importlib
import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.real.line import Line

PARTS = {
    "git_histories": ("git-ibis", "git-vite"),
    "dependabot": ("dependabot-prs",),
    "next_step": ("ppm-context",),
    "next_step_nets": ("ppm-context",),
    "retecs": ("ci-retecs",),
    "adoption": ("git-ibis", "git-vite"),
    "adbench": ("adbench",),
}
"""The folders that each module of ``benchmarks.real`` reads."""


def lines_of(folder: Path, only: tuple[str, ...]) -> list[Line]:
    """The lines of every part whose sets are there, with progress on standard error."""
    lines: list[Line] = []
    for name in only:
        if not any((folder / needed).is_dir() for needed in PARTS[name]):
            print(f"{name}: left out, {folder} has no {' or '.join(PARTS[name])}", file=sys.stderr)
            continue
        started = time.perf_counter()
        lines += importlib.import_module(f"benchmarks.real.{name}").run(folder)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return lines


def table(lines: list[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [
        "| set | model | metric | ours | baseline | published | |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        ours = f"{line.value:.3f}"
        if not math.isnan(line.low):
            ours += f" [{line.low:.3f}, {line.high:.3f}]"
        others = ["" if x is None else f"{x:.3f}" for x in (line.baseline, line.published)]
        cells = (line.set, line.model, line.metric, ours, *others, line.note)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    """Run the parts, print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="where the data sets lie, a folder each")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    only = tuple(options.only.split(","))
    strange = sorted(set(only) - set(PARTS))
    if strange or not options.folder.is_dir():
        what = f"no part {', '.join(strange)}" if strange else f"no folder {options.folder}"
        parser.error(f"there is {what}; parts are {', '.join(PARTS)}")
    lines = lines_of(options.folder, only)
    if options.json:
        print(json.dumps([asdict(line) for line in lines]))
    else:
        print(table(lines))


if __name__ == "__main__":
    main()
