"""The figures of the README: `ml-platform run --as-of 2026-11-21T00:00Z --json | python docs/figures.py`.

Reads the JSON of a run from standard input, keeps what the README shows in docs/figures.json, and writes the table
between the two marks of the README anew. A test holds that the table is the one of docs/figures.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures.json"
README = DOCS.parent / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
HEADER = "| model | metric | rules | candidate | ceiling (Bayes rule) | verdict |\n|---|---|---|---|---|---|\n"


def kept(run: dict[str, Any]) -> dict[str, Any]:
    """What the README shows of the JSON of a run: by model its verdict, and figures of the metrics that decide."""
    return {
        "as_of": run["as_of"],
        "source": run["source"],
        "models": {name: _kept_of_model(model) for name, model in run["models"].items()},
    }


def _kept_of_model(model: dict[str, Any]) -> dict[str, Any]:
    gates = {gate["name"] for gate in model["gates"]}
    known = [name for name in model["headline"] if name in model["metrics"]]
    metrics = [name for name in known if name in gates] or known[:1]
    subjects = {"rules": "baseline", "candidate": "metrics", "ceiling": "ceiling"}
    return {
        "verdict": model["verdict"],
        "decided_by": model["decided_by"],
        "metrics": {
            name: {ours: (model[theirs] or {}).get(name) for ours, theirs in subjects.items()}
            for name in metrics
        },
    }


def table(figures: dict[str, Any]) -> str:
    """The table of the README, a row for each model and metric."""
    rows = []
    for name, model in figures["models"].items():
        verdict = model["verdict"]
        if verdict != "PROMOTE":
            verdict = f"{verdict}: {model['decided_by']}"
        for metric, subjects in model["metrics"].items():
            rules, ceiling = (_value(subjects[subject]) for subject in ("rules", "ceiling"))
            candidate = _with_interval(subjects["candidate"])
            rows.append(f"| {name} | {metric} | {rules} | {candidate} | {ceiling} | {verdict} |\n")
    return HEADER + "".join(rows)


def _value(figure: dict[str, float] | None) -> str:
    return "" if figure is None else _short(figure["value"])


def _with_interval(figure: dict[str, float]) -> str:
    return f"{_short(figure['value'])} [{_short(figure['low'])}, {_short(figure['high'])}]"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def with_table(readme: str, figures: dict[str, Any]) -> str:
    """The text of the README with the table of these figures between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(figures)}{END}{after}"


def main() -> None:
    """Keep the figures of the run on standard input, and write the table."""
    figures = kept(json.load(sys.stdin))
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    README.write_text(with_table(README.read_text(), figures))


if __name__ == "__main__":
    main()
