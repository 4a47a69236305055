"""The plan of a run: the assets that would come out otherwise than they lie there, and no others.

Dagster keeps with each materialisation the version of its code and the versions of the data that it read; whatever
agrees with the present is left as it is. A model is trained again when something about the model has changed, or
somebody asks for it. That there are newer rows is no reason, but a thing for monitoring to judge.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import dagster as dg

from ml_platform.adapters.dbt_project import DbtProject
from ml_platform.adapters.expectations import EXPECTATIONS
from ml_platform.adapters.plugins import home_project
from ml_platform.application.build_features import is_published
from ml_platform.application.connections import Connections
from ml_platform.application.ingest import lake_versions, source_is_unchanged
from ml_platform.application.insufficient import reason_stands
from ml_platform.application.outdated import (
    outdated_candidate,
    outdated_decision,
    outdated_training_set,
)
from ml_platform.application.predict import answering
from ml_platform.application.retrain import due_trainings
from ml_platform.application.stopped_candidate import stopped_candidate
from ml_platform.defs.check_evidence import check_evidence
from ml_platform.defs.events import EVENTS_KEY
from ml_platform.defs.features import features_key
from ml_platform.defs.jobs import find_job, home_definitions
from ml_platform.defs.materialisations import Materialisations
from ml_platform.defs.partitions import window_end
from ml_platform.errors import IntegrityError
from ml_platform.events.schema import TABLES
from ml_platform.spec.model import ModelSpec

FEATURES = "features"
"""The name of the stage among the reasons of a plan."""
TRAINING = ("training_set", "candidate", "evaluation_report", "registered_version", "champion")
WATCHING = ("predictions", "monitoring_report")


@dataclass(frozen=True)
class Due:
    """The assets of a run that are to be made, and why."""

    assets: frozenset[dg.AssetKey]
    reasons: dict[str, str]
    """The first reason that was found, for ``features`` and by model: 'from candidate on: its code has changed'."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are trained, or evaluated, again."""
        return tuple(name for name in self.reasons if name != FEATURES)


def ingestion_due(platform: Connections, instance: dg.DagsterInstance) -> bool:
    """Whether the source is to be read: it may have new rows, its code is other code, or the last reading failed.

    Sound is one whose tables Dagster knows as they lie in the lake, and whose checks have all passed.

    Raises:
        IntegrityError: a file of the lake is not what was stored.
        SourceError: the source cannot be read any more.
    """
    kept = _materialisations(instance)
    tables = find_job("ingestion").asset_layer.selected_asset_keys
    if any(map(kept.code_changed, tables)) or not source_is_unchanged(platform):
        return True
    known = {table: kept.data_version(dg.AssetKey(["lake", table])) for table in TABLES}
    return known != lake_versions(platform) or not _lake_has_passed(instance)


def training_due(
    platform: Connections,
    instance: dg.DagsterInstance,
    specs: Iterable[ModelSpec],
    *,
    retrain: bool = False,
    force: bool = False,
) -> Due:
    """The features and the steps of training that are to be made.

    Args:
        platform: The home.
        instance: Where its runs are recorded.
        specs: The models that the source has enough for, each after the one that it challenges.
        retrain: Train all of them.
        force: Build the features as well, whatever there is.
    """
    kept, project = _materialisations(instance), home_project(platform.settings).project
    assets, reasons, trained = set[dg.AssetKey](), dict[str, str](), set[str]()
    keys = find_job("pipeline").asset_layer.selected_asset_keys
    built_by_dbt = {
        key for key in keys if key.path[0] not in home_project(platform.settings).catalogue.names
    }
    features = "asked for" if force else _features_reason(kept, platform, project, built_by_dbt)
    if features:
        reasons[FEATURES] = features
        assets |= built_by_dbt
    for spec in specs:
        step, reason = _first_step(
            kept, platform, project, spec, features=bool(features), asked=retrain or force
        )
        evaluated = kept.data_version(_key(spec, "evaluation_report"))
        if not reason and evaluated and spec.challenges in trained:
            step, reason = "evaluation_report", f"{spec.challenges}, which it challenges, is new"
        if step == "candidate" and (features or kept.data_changed(_key(spec, "training_set"))):
            step = "training_set"
        if step in ("training_set", "candidate"):
            trained.add(spec.name)
        if reason:
            reasons[spec.name] = f"from {step} on: {reason}"
            assets.update(_key(spec, each) for each in TRAINING[TRAINING.index(step) :])
        assets.update(
            key
            for key in sorted(keys)
            if key.path[0] == spec.name and key.path[1] not in TRAINING  # those of its own
            if reason or features or _own_due(kept, platform, key)
        )
    return Due(frozenset(assets), reasons)


def watching_due(
    platform: Connections,
    instance: dg.DagsterInstance,
    specs: Iterable[ModelSpec],
    window: str,
    *,
    force: bool = False,
) -> frozenset[dg.AssetKey]:
    """The predictions and reports of a window that are to be made: other code, data, or version in production."""
    kept, end = _materialisations(instance), window_end(window)
    assets = set[dg.AssetKey]()
    for spec in specs:
        predictions, report = (_key(spec, step) for step in WATCHING)
        reports = platform.ledger.monitoring_reports(spec.name)
        watched = next((report.version for report in reports if report.window_end == end), "")
        if _cannot_be_made(kept, platform, predictions) and not answering(platform, spec.name):
            continue
        if (
            force
            or kept.code_changed(predictions, window)
            or kept.data_changed(predictions, window)
            or answering(platform, spec.name) != watched
        ):
            assets |= {predictions, report}
        elif kept.code_changed(report, window) or kept.is_newer(predictions, report, window):
            assets.add(report)
    return frozenset(assets)


def first_watching(
    instance: dg.DagsterInstance, models: Iterable[str], window: str
) -> frozenset[dg.AssetKey]:
    """The predictions and reports of a window for the models of which it has none by this code.

    They are due whatever becomes of a training, and need not wait for those of other models.
    """
    named = tuple(models)
    if not named:
        return frozenset()
    kept = _materialisations(instance)
    return frozenset(
        dg.AssetKey([name, step])
        for name in named
        if kept.code_changed(dg.AssetKey([name, WATCHING[0]]), window)
        for step in WATCHING
    )


def models_behind(
    platform: Connections, instance: dg.DagsterInstance, specs: Iterable[ModelSpec]
) -> tuple[str, ...]:
    """The models whose features are newer than the rows that they were trained on."""
    kept = _materialisations(instance)
    keys = {spec.name: _key(spec, "training_set") for spec in specs}
    return tuple(
        name for name, key in keys.items() if kept.data_version(key) and kept.data_changed(key)
    )


def _lake_has_passed(instance: dg.DagsterInstance) -> bool:
    """Whether each check of the events has passed on what was read last."""
    checks = check_evidence(instance, EVENTS_KEY, EXPECTATIONS)
    passed = [
        check
        for check in checks
        if check.passed and check.target_materialization == check.this_materialization
    ]
    return len(passed) == len(EXPECTATIONS)


def _materialisations(instance: dg.DagsterInstance) -> Materialisations:
    return Materialisations(instance, home_definitions().resolve_asset_graph())


def _features_reason(
    kept: Materialisations,
    platform: Connections,
    project: DbtProject,
    keys: Iterable[dg.AssetKey],
) -> str:
    """Why the features are to be built; empty where every table is what the lake and the SQL would give."""
    for key in sorted(keys):
        reason = next(_of_code_or_data(kept, key), "")
        if reason:
            return f"{key.path[-1]}: {reason}"
    known = platform.ledger.feature_definitions()
    for table in project.tables.values():
        for feature, version in table.versions(project.sql_by_model()).items():
            if known.get(table.qualified(feature), ("",))[0] != version:
                return f"{table.name}: the definition of {feature} has changed"
        if not is_published(platform, table, kept.data_version(features_key(table))):
            return f"{table.name}: what is stored is not what was published"
    return ""


def _first_step(
    kept: Materialisations,
    platform: Connections,
    project: DbtProject,
    spec: ModelSpec,
    *,
    features: bool,
    asked: bool,
) -> tuple[str, str]:
    """The first step of the model's chain that is to be made, and why; two empty texts if there is none.

    A model that was found INSUFFICIENT is tried again with other code or data, new ``features`` among them.
    """
    if asked:
        return TRAINING[0], "asked for"
    reasons_of: dict[str, Callable[[], Iterator[str]]] = {
        "training_set": lambda: _training_set_reasons(kept, platform, project, spec),
        "candidate": lambda: _candidate_reasons(kept, platform, spec),
        "evaluation_report": lambda: _evaluation_reasons(kept, platform, spec),
    }
    for step, reasons in reasons_of.items():
        key = _key(spec, step)
        if not features and _cannot_be_made(kept, platform, key):
            if not kept.data_version(key):
                return "", ""
            continue
        try:
            reason = next(filter(None, reasons()), "")
        except IntegrityError as error:  # a record is gone or damaged
            reason = error.message
        if reason:
            return step, reason
    return "", ""


def _own_due(kept: Materialisations, platform: Connections, key: dg.AssetKey) -> bool:
    """Whether an asset that a model has of its own is to be made, whatever becomes of the others."""
    if _cannot_be_made(kept, platform, key):
        return False
    return any(_of_code_or_data(kept, key))


def _cannot_be_made(kept: Materialisations, platform: Connections, key: dg.AssetKey) -> bool:
    """Whether it was tried with the same code and data before, which did not suffice."""
    return reason_stands(platform, key.to_user_string(), kept.versions_behind(key))


def _training_set_reasons(
    kept: Materialisations, platform: Connections, project: DbtProject, spec: ModelSpec
) -> Iterator[str]:
    yield kept.code_changed(_key(spec, "training_set"))
    yield outdated_training_set(platform, spec, project.sql_by_model())
    for request in due_trainings(platform, spec.name, platform.now()):
        yield f"retraining is due: {request.cause}"


def _candidate_reasons(
    kept: Materialisations, platform: Connections, spec: ModelSpec
) -> Iterator[str]:
    yield from _of_code_or_data(kept, _key(spec, "candidate"))
    yield outdated_candidate(platform, spec)


def _evaluation_reasons(
    kept: Materialisations, platform: Connections, spec: ModelSpec
) -> Iterator[str]:
    """Why to evaluate again, and all that follows: a version is promoted in the run that evaluates it."""
    yield from _of_code_or_data(kept, _key(spec, "evaluation_report"))
    yield outdated_decision(platform, spec)
    if stopped_candidate(platform, spec.name) is None:
        yield from _of_code_or_data(kept, _key(spec, "registered_version"))
        yield from _of_code_or_data(kept, _key(spec, "champion"))


def _of_code_or_data(kept: Materialisations, key: dg.AssetKey) -> Iterator[str]:
    """Why an asset is to be made, from what Dagster knows."""
    reason = kept.code_changed(key)
    if reason:
        yield reason
    for parent in kept.data_changed(key):
        yield f"{parent.to_user_string()} has changed"


def _key(spec: ModelSpec, step: str) -> dg.AssetKey:
    return dg.AssetKey([spec.name, step])
