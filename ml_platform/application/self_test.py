"""The self-test of a home's monitoring: run on its published features, kept as a file, and read again."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.adapters.kept_files import SELF_TESTS
from ml_platform.adapters.manifest import Manifest
from ml_platform.application.connections import Connections
from ml_platform.application.incidents import incident_state
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy

if TYPE_CHECKING:
    from ml_platform.monitoring.self_test.examine import TableHistory
    from ml_platform.monitoring.self_test.looks import Span
    from ml_platform.monitoring.self_test.result import ModelSelfTest, SelfTest

SEED = 20_260_101
"""The seed by which users are drawn again."""
BUDGET = timedelta(minutes=7)
"""After so long no further month of drawn users is begun."""
_LEAST_SHARE = 0.5
"""Of the time a table has a share by its bytes, and by so many of all bytes besides."""
_KEPT_HISTORY = timedelta(days=225)
"""Thirteen weeks of a baseline, five before it, and ninety days that are looked at."""


@dataclass(frozen=True)
class KeptSelfTest:
    """A result, and the file that it is kept in."""

    result: "SelfTest"
    path: Path


def self_test(
    platform: Connections,
    models: Sequence[ModelSpec],
    progress: Callable[[str], None],
    *,
    policy: MonitoringPolicy = POLICY,
    budget: timedelta = BUDGET,
) -> KeptSelfTest:
    """Look at what was, as monitoring would have, and keep what it comes to.

    Small tables come first, so that the largest have the time that is left.

    Args:
        platform: The home; its features were built.
        models: The models that are looked at.
        progress: Told a line a month that was looked at.
        policy: The limits of the reports.
        budget: After so long no further month of drawn users is begun.
    """
    from ml_platform.monitoring.self_test.result import SelfTest

    as_of, started = platform.now(), time.monotonic()
    by_table: dict[str, list[ModelSpec]] = {}
    for spec in models:
        by_table.setdefault(spec.table.name, []).append(spec)
    known = known_drift(platform)
    found: dict[str, ModelSelfTest] = {}
    sizes = {name: _bytes_of(platform, own[0]) for name, own in by_table.items()}
    least, done = _LEAST_SHARE * sum(sizes.values()) + 1, 0.0
    for name in sorted(by_table, key=sizes.__getitem__):
        done += sizes[name] + least
        share = done / (sum(sizes.values()) + least * len(sizes))
        until = started + budget.total_seconds() * share
        for entry in _examined(platform, by_table[name], as_of, policy, progress, until, known):
            found[entry.model] = entry
    result = SelfTest(
        as_of=as_of,
        simulated=platform.source_is_simulated,
        policy_version=policy.version,
        seed=SEED,
        models=tuple(found[spec.name] for spec in models),
    )
    return KeptSelfTest(result, keep_self_test(platform, result))


def read_self_test(platform: Connections) -> "SelfTest":
    """The result of the newest self-test.

    Raises:
        UsageError: there is none yet.
        IntegrityError: its file is not what was stored.
    """
    from ml_platform.monitoring.self_test.result import SelfTest

    manifest = Manifest(platform.settings.home)
    paths = sorted((platform.settings.reports / SELF_TESTS).glob("*.json"), key=_written)
    if not paths:
        raise UsageError(
            "Monitoring was never tested in this home.", remedy="`ml-platform monitor --self-test`"
        )
    manifest.require(paths[-1])
    return values.from_json(SelfTest, paths[-1].read_bytes())


def _written(path: Path) -> tuple[str, float]:
    """The time of the rows of a result, then when it was written."""
    return path.stem.rpartition("-")[0], path.stat().st_mtime


def _examined(
    platform: Connections,
    models: Sequence[ModelSpec],
    as_of: datetime,
    policy: MonitoringPolicy,
    progress: Callable[[str], None],
    until: float,
    known: "Mapping[str, Sequence[Span]]",
) -> "tuple[ModelSelfTest, ...]":
    from ml_platform.monitoring.self_test.examine import WatchedModel, examine_table
    from ml_platform.monitoring.self_test.result import ModelSelfTest

    history = _history(platform, models, as_of)
    if history is None:
        name = models[0].table.name
        return tuple(ModelSelfTest(m.name, (), (), f"{name} is not published") for m in models)
    watched = [
        WatchedModel(spec.name, spec.features, tuple(known.get(spec.name, ()))) for spec in models
    ]
    return examine_table(
        history,
        watched,
        seed=SEED,
        policy=policy,
        progress=progress,
        in_time=lambda: time.monotonic() < until,
    )


def _history(
    platform: Connections, models: Sequence[ModelSpec], as_of: datetime
) -> "TableHistory | None":
    """The rows of the models' table with all that they read; ``None`` where it is not published."""
    from ml_platform.adapters.training_set_files import read_window
    from ml_platform.monitoring.self_test.examine import TableHistory

    table = models[0].table
    folder = platform.published_features(table.name)
    if not parquet_files(folder):
        return None
    read = {name for spec in models for name in spec.features}
    specs = tuple(feature for feature in table.features if feature.name in read)
    everything = replace(models[0], features=tuple(feature.name for feature in specs))
    rows = read_window(folder, everything, as_of - _KEPT_HISTORY, as_of)
    return TableHistory(table.name, rows, specs, table.complete_after, as_of)


def known_drift(platform: Connections) -> "dict[str, list[Span]]":
    """When drift of each model's features was seen that a person has acknowledged: no false alarm."""
    spans: dict[str, list[Span]] = {}
    for incident in incident_state(platform).incidents:
        if incident.kind is IncidentKind.FEATURE_DRIFT and incident.acknowledged_at is not None:
            span = (incident.first_seen, incident.resolved_at or incident.last_seen)
            spans.setdefault(incident.model, []).append(span)
    return spans


def _bytes_of(platform: Connections, spec: ModelSpec) -> int:
    folder = platform.published_features(spec.table.name)
    return sum(path.stat().st_size for path in parquet_files(folder))


def keep_self_test(platform: Connections, result: "SelfTest") -> Path:
    """Write the result once, under its time and the hash of what it says; the same result is the same file."""
    text = values.to_json(result)
    name = f"{result.as_of:%Y-%m-%dT%H%M}-{values.text_sha256(text)[:12]}.json"
    path = platform.settings.reports / SELF_TESTS / name
    manifest = Manifest(platform.settings.home)
    if path.exists():
        manifest.require(path)
    else:
        manifest.write_text(path, text)
    return path
