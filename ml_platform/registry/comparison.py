"""Two versions side by side: what their difference means for whoever uses them, as a table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ml_platform.decision_table import DecisionTable, Row, always
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.metric import Direction
from ml_platform.spec.metrics import metric_named

DEARER = 1.5
"""A cost that grows by this factor or more is a reason to let a few users try first."""


class ComparisonVerdict(StrEnum):
    """What is advised."""

    PROMOTE = "promote"
    CANARY = "canary"
    """Let a few users have it first."""
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True)
class SchemaChange:
    """One difference between what two versions take, or what they answer."""

    text: str
    breaking: bool
    """Whether somebody who uses the first version has to change something."""


@dataclass(frozen=True)
class ComparisonSignals:
    """What the table looks at."""

    gates: Verdict
    """The verdict on the second version."""
    comparable: bool
    """Whether both could be evaluated on the same rows, which neither had learned from."""
    shown_better: bool
    shown_worse: bool
    breaking: bool
    dearer: bool
    way_back: bool


@dataclass(frozen=True)
class ComparisonDecision:
    """The advice, and the row of the table that gives it."""

    verdict: ComparisonVerdict
    row: str


@dataclass(frozen=True)
class ComparedMetric:
    """One metric of both versions on the same rows."""

    metric: str
    first: Estimate
    second: Estimate
    difference: Estimate
    """Second less first, paired by cluster."""
    p: float


@dataclass(frozen=True)
class ComparedCost:
    """What a version costs, as each was measured in its own evaluation."""

    name: str
    unit: str
    first: float
    second: float

    @property
    def dearer(self) -> bool:
        """Whether the second one costs clearly more."""
        return self.second >= DEARER * self.first > 0


@dataclass(frozen=True)
class ComparedVersion:
    """A version in short."""

    version: int
    verdict: Verdict
    row: str
    artifact_sha256: str


@dataclass(frozen=True)
class ComparedVersions:
    """Version ``second`` against version ``first``, and what is advised."""

    model: str
    simulated: bool
    first: ComparedVersion
    second: ComparedVersion
    rows_of: str
    """Whose test rows both were evaluated on, or why they were not."""
    rows: int
    clusters: int
    leading: str
    """The metric that decides; empty where nothing was compared."""
    metrics: tuple[ComparedMetric, ...]
    headline: tuple[str, ...]
    """The metrics that a summary shows."""
    schema: tuple[SchemaChange, ...]
    costs: tuple[ComparedCost, ...]
    way_back: str
    signals: ComparisonSignals
    decision: ComparisonDecision


COMPARISON_TABLE = DecisionTable[ComparisonSignals, ComparisonVerdict](
    (
        Row("its gates reject it", lambda s: s.gates is Verdict.REJECT, ComparisonVerdict.REJECT),
        Row("shown worse on the same rows", lambda s: s.shown_worse, ComparisonVerdict.REJECT),
        Row("its schema breaks who uses it", lambda s: s.breaking, ComparisonVerdict.HOLD),
        Row("its gates hold it", lambda s: s.gates is Verdict.HOLD, ComparisonVerdict.HOLD),
        Row(
            "they cannot be compared on the same rows",
            lambda s: not s.comparable,
            ComparisonVerdict.HOLD,
        ),
        Row("there is no way back", lambda s: not s.way_back, ComparisonVerdict.HOLD),
        Row("not shown better", lambda s: not s.shown_better, ComparisonVerdict.CANARY),
        Row("better, and dearer", lambda s: s.dearer, ComparisonVerdict.CANARY),
        Row("shown better, and nothing breaks", always, ComparisonVerdict.PROMOTE),
    )
)


def decide_comparison(signals: ComparisonSignals) -> ComparisonDecision:
    """The first row of `COMPARISON_TABLE` that applies."""
    row = COMPARISON_TABLE.first_match(signals)
    return ComparisonDecision(row.outcome, row.name)


def gain(metric: ComparedMetric) -> tuple[float, float]:
    """The interval of the difference, turned so that more is better."""
    difference = metric.difference
    if metric_named(metric.metric).direction is Direction.HIGHER:
        return difference.low, difference.high
    return -difference.high, -difference.low


def schema_changes(first: VersionRecord, second: VersionRecord) -> tuple[SchemaChange, ...]:
    """What the second version takes and answers otherwise than the first.

    A feature more, or one of another kind, breaks whoever sends features; one less does not. A class more or
    less, or another order of the classes, breaks whoever reads probabilities by their place.
    """
    return (
        *_inputs(first.input_schema, second.input_schema),
        *_versions(first, second),
        *_outputs(first.classes, second.classes),
    )


def _inputs(first: Mapping[str, str], second: Mapping[str, str]) -> list[SchemaChange]:
    changes = [
        SchemaChange(f"takes {name} ({second[name]}) as well", True)
        for name in _more(second, first)
    ]
    changes += [SchemaChange(f"takes {name} no longer", False) for name in _more(first, second)]
    changes += [
        SchemaChange(f"takes {name} as {second[name]}, which was {first[name]}", True)
        for name in sorted(first.keys() & second.keys())
        if first[name] != second[name]
    ]
    return changes


def _versions(first: VersionRecord, second: VersionRecord) -> list[SchemaChange]:
    both = sorted(first.input_schema.keys() & second.input_schema.keys())
    pairs = [
        (name, first.feature_versions.get(name), second.feature_versions.get(name)) for name in both
    ]
    return [
        SchemaChange(f"{name} is computed as {new}, which was {old}", False)
        for name, old, new in pairs
        if old != new
    ]


def _outputs(first: tuple[str, ...], second: tuple[str, ...]) -> list[SchemaChange]:
    changes = [SchemaChange(f"answers {name} as well", True) for name in _more(second, first)]
    changes += [SchemaChange(f"answers {name} no longer", True) for name in _more(first, second)]
    if not changes and first != second:
        changes.append(SchemaChange("answers the same classes in another order", True))
    return changes


def _more(one: Collection[str], other: Collection[str]) -> list[str]:
    return [name for name in one if name not in other]
