"""Two versions of a model on rows that neither has learned from, with what else their difference means."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.application.roll_back import sound_champions
from ml_platform.application.stored_evidence import artifact_sha256_now
from ml_platform.errors import InsufficientData, UsageError
from ml_platform.registry.comparison import (
    ComparedCost,
    ComparedMetric,
    ComparedVersion,
    ComparedVersions,
    ComparisonSignals,
    decide_comparison,
    gain,
    schema_changes,
)
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.spec.model import Scorer
    from ml_platform.spec.training_set import TrainingSet

RESAMPLES = 1_000
_COSTS = {
    "one_row_p95_processor_ms": "ms a row, p95 of processor time",
    "resident_mb": "MB of memory",
    "cost_per_million": "for a million predictions",
}
"""What the reports measure of serving a version, with its unit."""


@dataclass(frozen=True)
class _OnSameRows:
    rows_of: str
    rows: int = 0
    clusters: int = 0
    leading: str = ""
    metrics: tuple[ComparedMetric, ...] = ()


def compare_versions(
    platform: Connections, model: str, first: int, second: int
) -> ComparedVersions:
    """Compare version ``second`` with version ``first`` of a model.

    Raises:
        UsageError: one of them is not registered, or both are the same.
        IntegrityError: an artifact or a training set is not what was registered.
    """
    from ml_platform.adapters.plugins import installed_catalogue

    if first == second:
        raise UsageError(f"Version {first} is compared with itself.", remedy="name two versions")
    old, new = (find_version(platform, model, number) for number in (first, second))
    spec = installed_catalogue().spec_named(model)
    same = _on_same_rows(platform, spec, old, new)
    schema, costs = schema_changes(old, new), _costs(platform, old, new)
    way_back = _way_back(platform, old)
    main = next((metric for metric in same.metrics if metric.metric == same.leading), None)
    low, high = gain(main) if main else (float("-inf"), float("inf"))
    signals = ComparisonSignals(
        gates=new.decision.verdict,
        comparable=main is not None,
        shown_better=low > 0,
        shown_worse=high < 0,
        breaking=any(change.breaking for change in schema),
        dearer=any(cost.dearer for cost in costs),
        way_back=bool(way_back),
    )
    return ComparedVersions(
        model=model,
        simulated=platform.source_is_simulated,
        first=_short(old),
        second=_short(new),
        rows_of=same.rows_of,
        rows=same.rows,
        clusters=same.clusters,
        leading=same.leading,
        metrics=same.metrics,
        headline=(*spec.task.headline, same.leading),
        schema=schema,
        costs=costs,
        way_back=way_back
        or "none: no artifact of an earlier champion is whole, and there are no rules",
        signals=signals,
        decision=decide_comparison(signals),
    )


def write_comparison(platform: Connections, compared: ComparedVersions) -> Path:
    """Write the page of a comparison to the reports of the home and return its path; an earlier one goes."""
    from ml_platform.adapters.manifest import Manifest
    from ml_platform.reporting.comparison import comparison_html

    name = f"{compared.model}-{compared.first.version}-{compared.second.version}.html"
    path = platform.settings.reports / name
    Manifest(platform.settings.home).write_text(path, comparison_html(compared))
    return path


def _short(record: VersionRecord) -> ComparedVersion:
    decision = record.decision
    return ComparedVersion(record.version, decision.verdict, decision.row, record.artifact_sha256)


def _way_back(platform: Connections, first: VersionRecord) -> str:
    """Where production could go back to after the second version: the first one, an earlier champion, the rules."""
    from ml_platform.application.rules_in_use import rules_of

    folder = platform.settings.home / first.artifact_path
    in_production = platform.ledger.production(first.model).version == first.version
    if (
        in_production
        and artifact_sha256_now(folder, first.artifact_sha256) == first.artifact_sha256
    ):
        return f"version {first.version}, its artifact is whole"
    earlier = sound_champions(platform, platform.ledger.history(first.model))
    if earlier:
        return f"version {earlier[0].version}, its artifact is whole"
    return "the rules" if rules_of(platform, first.model) else ""


def _costs(
    platform: Connections, first: VersionRecord, second: VersionRecord
) -> tuple[ComparedCost, ...]:
    reports = [platform.ledger.report(record.report_id) for record in (first, second)]
    costs = [ComparedCost("size", "MB", first.size_bytes / 1e6, second.size_bytes / 1e6)]
    for name, unit in _COSTS.items():
        figures = [report.figure(f"cost.{name}") if report else None for report in reports]
        if figures[0] is not None and figures[1] is not None:
            costs.append(ComparedCost(name, unit, figures[0].value, figures[1].value))
    return tuple(costs)


def _on_same_rows(
    platform: Connections, spec: ModelSpec, first: VersionRecord, second: VersionRecord
) -> _OnSameRows:
    """Both on the test rows of the one with the later split, which the other has not learned from either."""
    from ml_platform.adapters.training_set_files import load_training_set
    from ml_platform.evaluation.comparison.comparability import comparability

    sets = [
        platform.ledger.training_set(spec.name, record.training_set_fingerprint)
        for record in (first, second)
    ]
    if sets[0] is None or sets[1] is None:
        return _OnSameRows("are not known: a training set is not in the ledger")
    later, rows = max(zip((first, second), sets, strict=True), key=lambda pair: _test_from(pair[1]))
    other = second if later is first else first
    learned = sets[1] if later is first else sets[0]
    assert rows is not None
    if learned.split.train_until > rows.split.test_from:
        return _OnSameRows(f"version {other.version} has learned from")
    fits = comparability(
        other.version,
        features=other.input_schema,
        feature_versions=other.feature_versions,
        classes=other.classes,
        record=rows,
    )
    if not fits.possible:
        return _OnSameRows(f"do not fit: {fits.note}")
    loaded = load_training_set(platform.settings.training_sets, rows)
    scorers = [_scorer(platform, record) for record in (first, second)]
    return _measured(spec, loaded, scorers, f"are the test rows of version {later.version}")


def _test_from(record: TrainingSetRecord | None) -> float:
    return record.split.test_from.timestamp() if record else 0.0


def _scorer(platform: Connections, record: VersionRecord) -> "Scorer":
    from ml_platform.adapters.artifact_files import load_scorer

    return load_scorer(platform.settings.home / record.artifact_path, record.artifact_sha256)


def _measured(
    spec: ModelSpec, rows: "TrainingSet", scorers: "list[Scorer]", rows_of: str
) -> _OnSameRows:
    """Every metric that is a number in every resample, both versions on the same resamples of clusters."""
    import numpy as np

    from ml_platform.evaluation.comparison.leading_metric import leading_metric
    from ml_platform.evaluation.comparison.tuning import predictions_on
    from ml_platform.evaluation.intervals.bootstrap import interval, replicate
    from ml_platform.evaluation.intervals.p_value import p_value
    from ml_platform.evaluation.tasks.registry import evaluator_of

    evaluator = evaluator_of(spec.task, rows)
    first, second = (
        replicate(
            evaluator.sufficient_statistics(predictions_on(spec, rows, scorer)),
            seed=spec.seed,
            resamples=RESAMPLES,
        )
        for scorer in scorers
    )
    metrics = []
    for name in sorted(first.keys() & second.keys()):
        parts = (first[name], second[name])
        if all(
            np.isfinite(each.value).all() and np.isfinite(each.resampled).all() for each in parts
        ):
            difference = second[name].minus(first[name])
            one, other, apart = (interval(name, each, level=0.95) for each in (*parts, difference))
            metrics.append(ComparedMetric(name, one, other, apart, p_value(difference)))
    try:
        leading = leading_metric(spec, [metric.metric for metric in metrics])
    except InsufficientData:
        leading = ""
    return _OnSameRows(rows_of, len(rows.test), evaluator.cluster_count, leading, tuple(metrics))
