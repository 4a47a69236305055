"""The gate policy of a home as a TOML file: a preset, and what the user has changed in it.

    preset = "relative"

    [pattern_classifier]
    minimum_test_rows = 500

    [pattern_classifier.accuracy]
    limit = 0.5
    decides = true

A table is a model, a table in it one of its quality gates. What is not named stays as the preset has it.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ml_platform.errors import UsageError
from ml_platform.gates.policy import INTEGRITY_GATES, SAMPLE_SIZE
from ml_platform.gates.presets import MISSION, PRESETS
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.metrics import find_metric
from ml_platform.spec.model import ModelSpec

LEAST = {"minimum_test_rows": 100, "minimum_test_clusters": 20}
"""The least that a file may ask for: below it no interval is worth deciding on."""
_COMPARISONS = (Bound.BASELINE, Bound.CHAMPION, Bound.CHALLENGED)
_SCORE = (1.0, 10.0)
_SHARE = (0.0, 1.0)
_MEASURES: tuple[tuple[str, tuple[float, float]], ...] = (
    ("robustness.score", _SCORE),
    ("quality.", _SCORE),
    ("fairness.", _SHARE),
    ("robustness.unanswered", (0.0, math.inf)),
    ("robustness.newest_half_retained", _SHARE),
    ("robustness.overconfidence_perturbed", (-1.0, 1.0)),
    ("explanations.stability", (-1.0, 1.0)),
    ("explanations.additivity_gap", _SHARE),
    ("stability.", (0.0, math.inf)),
    ("cost.", (0.0, math.inf)),
)
"""Ranges of the measures of dimensions, by the beginning of their names; of others any number is taken."""


@dataclass(frozen=True)
class GateChange:
    """What a file says of one gate; ``None`` stays as the preset has it."""

    limit: float | None = None
    decides: bool | None = None


@dataclass(frozen=True)
class ModelChange:
    """What a file says of one model; ``None`` stays as the preset has it."""

    minimum_test_rows: int | None = None
    minimum_test_clusters: int | None = None
    gates: Mapping[str, GateChange] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicyChoice:
    """A preset and the changes of it, by model; a model that nothing differs in is not among them."""

    preset: str = MISSION
    models: Mapping[str, ModelChange] = field(default_factory=dict)

    def policy_of(self, spec: ModelSpec) -> GatePolicy:
        """The policy of a model under this choice."""
        policy = PRESETS[self.preset](spec.policy)
        change = self.models.get(spec.name)
        return policy if change is None else _changed(policy, change)


def _changed(policy: GatePolicy, change: ModelChange) -> GatePolicy:
    """The policy with the change; its name says so where something differs."""
    rows, clusters = change.minimum_test_rows, change.minimum_test_clusters
    changed = replace(
        policy,
        quality=tuple(_gate(gate, change.gates.get(gate.name)) for gate in policy.quality),
        minimum_test_rows=policy.minimum_test_rows if rows is None else rows,
        minimum_test_clusters=policy.minimum_test_clusters if clusters is None else clusters,
    )
    return policy if changed == policy else replace(changed, name=f"{policy.name}, changed")


def _gate(gate: QualityGate, change: GateChange | None) -> QualityGate:
    if change is None:
        return gate
    return replace(
        gate,
        limit=gate.limit if change.limit is None else change.limit,
        decides=gate.decides if change.decides is None else change.decides,
    )


def parse_policy(text: str, place: str, specs: Iterable[ModelSpec]) -> PolicyChoice:
    """The choice that a file makes about these models; errors name ``place``, its line and the key.

    Raises:
        UsageError: the text is no TOML, or names a preset, model or gate that there is not, or a value of
            another type or outside the range of its metric.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{place} is no TOML: {error}.", remedy="compare it with `ml-platform policy show`"
        ) from error
    reader = _Reader(text, place)
    known = {spec.name: spec for spec in specs}
    preset = content.pop("preset", MISSION)
    if not isinstance(preset, str) or preset not in PRESETS:
        raise reader.error(("preset",), f"{preset!r} is no preset", f"choose of {_listed(PRESETS)}")
    models = {}
    for name, table in content.items():
        if name not in known:
            raise reader.error((name,), "there is no such model", f"choose of {_listed(known)}")
        change = _model(reader, known[name], table)
        policy = PRESETS[preset](known[name].policy)
        if _changed(policy, change) != policy:
            models[name] = change
    return PolicyChoice(preset, models)


def write_policy(choice: PolicyChoice, specs: Iterable[ModelSpec]) -> str:
    """The whole policy as a file that `parse_policy` reads: each gate with what it measures and why."""
    lines = [f'preset = "{choice.preset}"', ""]
    for spec in specs:
        policy = choice.policy_of(spec)
        lines += [f"[{spec.name}]  # {spec.title}: {policy.name}"]
        lines += [f"minimum_test_rows = {policy.minimum_test_rows}"]
        lines += [f"minimum_test_clusters = {policy.minimum_test_clusters}", ""]
        for gate in policy.quality:
            lines += [
                f"[{spec.name}.{_key(gate.name)}]  # {gate.metric}, {gate.bound.value}: {gate.why}",
                f"limit = {gate.limit!r}",
                f"decides = {'true' if gate.decides else 'false'}",
                "",
            ]
    return "\n".join(lines)


def _model(reader: "_Reader", spec: ModelSpec, table: Any) -> ModelChange:
    if not isinstance(table, dict):
        raise reader.error((spec.name,), f"{table!r} is no table", f"begin it with [{spec.name}]")
    gates = {gate.name: gate for gate in spec.policy.quality}
    counts: dict[str, int] = {}
    changes: dict[str, GateChange] = {}
    for name, value in table.items():
        keys = (spec.name, name)
        if name in LEAST:
            counts[name] = _count(reader, keys, value)
        elif name in INTEGRITY_GATES:
            remedy = "remove it: integrity gates are in every policy and cannot be changed"
            raise reader.error(keys, "it is an integrity gate", remedy)
        elif name not in gates:
            remedy = f"choose of {_listed((*gates, *LEAST))}"
            if name == SAMPLE_SIZE:
                remedy = f"set {' and '.join(LEAST)} of the model"
            raise reader.error(keys, "there is no such gate", remedy)
        else:
            changes[name] = _gate_change(reader, keys, gates[name], value)
    return ModelChange(gates=changes, **counts)


def _gate_change(
    reader: "_Reader", keys: tuple[str, ...], gate: QualityGate, table: Any
) -> GateChange:
    if not isinstance(table, dict):
        raise reader.error(
            keys, f"{table!r} is no table", f"begin it with [{'.'.join(keys)}], then limit = ..."
        )
    for key in table:
        if key not in ("limit", "decides"):
            raise reader.error((*keys, key), "there is no such setting", "choose of limit, decides")
    limit, decides = table.get("limit"), table.get("decides")
    if "decides" in table and not isinstance(decides, bool):
        raise reader.error((*keys, "decides"), f"{decides!r} is neither true nor false", "write it")
    if "limit" in table:
        limit = _limit(reader, (*keys, "limit"), gate, limit)
    return GateChange(limit, decides)


def _limit(reader: "_Reader", keys: tuple[str, ...], gate: QualityGate, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise reader.error(keys, f"{value!r} is no number", f"such as {gate.limit:g}")
    low, high = limit_range(gate)
    if not low <= value <= high:
        raise reader.error(
            keys,
            f"{value:g} lies outside the range of {gate.metric}, {low:g} to {high:g}",
            f"a limit within it; the default is {gate.limit:g}",
        )
    return float(value)


def limit_range(gate: QualityGate) -> tuple[float, float]:
    """The range of the values that the gate compares: of the metric, or of a difference between two of it."""
    if "." in gate.metric:
        for beginning, known in _MEASURES:
            if gate.metric.startswith(beginning):
                return known
    metric = find_metric(gate.metric)
    low = -math.inf if metric is None or metric.low is None else metric.low
    high = math.inf if metric is None or metric.high is None else metric.high
    return (low - high, high - low) if gate.bound in _COMPARISONS else (low, high)


def _count(reader: "_Reader", keys: tuple[str, ...], value: Any) -> int:
    least = LEAST[keys[-1]]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise reader.error(
            keys, f"{value!r} is no whole number from {least} on", f"at least {least}"
        )
    return int(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _key(name: str) -> str:
    """A TOML key: bare where it may be, else quoted."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


@dataclass(frozen=True)
class _Reader:
    """Finds the line of a key, for errors."""

    text: str
    place: str

    def error(self, keys: tuple[str, ...], what: str, remedy: str) -> UsageError:
        """The error about a key: place, line, key, what is wrong with it, the remedy."""
        line = self._line(keys)
        where = f"{self.place}, line {line}" if line else self.place
        return UsageError(f"{where}: {'.'.join(keys)}: {what}.", remedy=remedy)

    def _line(self, keys: tuple[str, ...]) -> int:
        """The first line that names the key, or of an inline table the innermost one around it; 0 if none does."""
        table: tuple[str, ...] = ()
        most_parts, line_of_key = 0, 0
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
                table = named = _parts(header[1])
            elif assigned := re.match(r"\s*([^#=]+?)\s*=", line):
                named = (*table, *_parts(assigned[1]))
            else:
                continue
            if len(named) > most_parts and keys[: len(named)] == named:
                most_parts, line_of_key = len(named), number
        return line_of_key


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
