"""What the platform said of each model beside rules, dummy baseline and ceiling, as Markdown tables."""

from datetime import datetime
from typing import Any

from benchmarks.second_world.ceilings import Ceiling, Ceilings
from benchmarks.second_world.world import World

SHOWN = 3
"""Headline metrics of a model that the table shows, of those that are defined on its rows."""


def table(world: World, result: dict[str, Any]) -> str:
    """The verdicts, the headline figures of a run on ``world``, and what who reaches each ceiling is told."""
    summary, ceilings = result["summary"], Ceilings(world)
    lines = [
        f"SIMULATED: {len(world.people)} people, {len(world.steps.time):,} steps, {len(world.runs):,} runs, "
        f"{len(world.suggestions):,} suggestions; {result['seconds'] / 60:.0f} minutes, as of {summary['as_of']}.",
        "",
        "| model | metric | dummy | rules | candidate | ceiling | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    told: dict[str, str] = {}
    for name, model in summary["models"].items():
        verdict = f"{model['verdict']}: {model['decided_by']}"
        defined = [metric for metric in model["headline"] if metric in model["metrics"]]
        for metric in defined[:SHOWN]:
            subjects = ("dummy", "baseline", "metrics")
            cells = [_figure(model[subject].get(metric)) for subject in subjects]
            ceiling = ceilings.of(name, metric, datetime.fromisoformat(result["test_from"][name]))
            if isinstance(ceiling, Ceiling):
                told[f"{name}, {metric}"] = ceiling.told
                cells.append(f"{ceiling.value:.3f}")
            else:
                cells.append(ceiling)
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} | {verdict} |")
        if not defined:
            lines.append(f"| {name} | | | | | | {verdict} |")
    lines += [
        "",
        "Who reaches a ceiling knows:",
        *(f"- {key}: {text}" for key, text in told.items()),
    ]
    return "\n".join([*lines, "", *_gates(summary)])


def _gates(summary: dict[str, Any]) -> list[str]:
    """The gates that did not pass, a line each."""
    return ["Gates that did not pass:"] + [
        f"- {name}: {gate['outcome']} {gate['name']}: {gate['explanation']}"
        for name, model in summary["models"].items()
        for gate in model["gates"]
        if gate["outcome"] != "PASS"
    ]


def _figure(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"
