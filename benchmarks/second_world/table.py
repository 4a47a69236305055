"""What the platform said of each model beside rules, dummy baseline and ceiling, as a Markdown table."""

from typing import Any

from benchmarks.second_world.world import World


def table(world: World, result: dict[str, Any]) -> str:
    """The verdicts and headline figures of a run on ``world``."""
    lines = [
        f"SIMULATED: {len(world.people)} people, {len(world.steps.time):,} steps, "
        f"{result['seconds'] / 60:.0f} minutes",
        "",
        "| model | metric | dummy | rules | candidate | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in result["summary"]["models"].items():
        verdict = f"{told['verdict']}: {told['decided_by']}"
        for metric in told["headline"][:2]:
            cells = [
                _figure(told[subject].get(metric)) for subject in ("dummy", "baseline", "metrics")
            ]
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} | {verdict} |")
        if not told["headline"]:
            lines.append(f"| {name} | | | | | {verdict} |")
    return "\n".join(lines)


def _figure(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"
