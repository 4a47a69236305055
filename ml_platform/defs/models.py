"""Stage models: the candidate is fitted, exported and kept under its hash."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import candidate_key, tuned_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.tables import table
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord


def candidate_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/candidate``: the fitted model as the artifact that would be served, and its rules."""

    @dg.asset(
        key=[spec.name, "candidate"],
        group_name="models",
        kinds=set(spec.kinds),
        owners=["team:ml"],
        io_manager_key="records",
        output_required=False,
        ins={"training_set": dg.AssetIn([spec.name, "training_set"])},
        description=f"{spec.title}: fitted, exported to what is served, hashed; beside it the rules.",
    )
    def candidate(
        context: dg.AssetExecutionContext,
        training_set: TrainingSetRecord,
        platform: dg.ResourceParam[Connections],
    ) -> Iterator[Any]:
        yield from unless_insufficient(
            context,
            platform,
            lambda: _fitted(context, spec, training_set, platform),
        )

    return candidate


def _fitted(
    context: dg.AssetExecutionContext,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    platform: Connections,
) -> dg.MaterializeResult[CandidateRecord]:
    from ml_platform.adapters.artifact_files import save_probabilities, write_artifact
    from ml_platform.adapters.training_set_files import load_training_set

    settings = platform.settings
    rows = load_training_set(settings.training_sets, training_set)
    tuned = (platform.ledger.state(tuned_key(spec.name)) or {}).get("parameters", {})
    still_there = {name: value for name, value in tuned.items() if name in spec.defaults}
    parameters = {**spec.defaults, **still_there}
    outcome = spec.fit(rows, FitRequest(spec.seed, parameters, context.log.info))
    rules = spec.fit_rules(rows)
    for artifact in (outcome.artifact, rules):
        write_artifact(artifact, settings.artifacts / artifact.sha256)
    record = CandidateRecord(
        model=spec.name,
        artifact_sha256=outcome.artifact.sha256,
        rules_sha256=rules.sha256,
        size_bytes=outcome.artifact.size_bytes,
        training_set_fingerprint=training_set.fingerprint,
        estimator_probabilities_sha256=save_probabilities(
            settings.home / "estimator_probabilities",
            rows.test,
            outcome.estimator.predict_proba(rows.test),
        ),
        parameters=outcome.parameters,
        fold_metrics=outcome.fold_metrics,
        seconds=round(outcome.seconds, 1),
    )
    platform.ledger.set_state(
        candidate_key(spec.name),
        {"sha256": record.artifact_sha256, "training_set": training_set.fingerprint},
    )
    return dg.MaterializeResult(
        value=record,
        data_version=dg.DataVersion(record.artifact_sha256),
        metadata={
            "artifact sha256": record.artifact_sha256,
            "size": f"{record.size_bytes / 1e6:.1f} MB",
            "seconds": record.seconds,
            "parameters": table(
                [{"parameter": name, "value": value} for name, value in record.parameters.items()]
            ),
            "folds by time": table(
                [{"fold": i + 1, **fold} for i, fold in enumerate(record.fold_metrics)]
            ),
        },
    )
