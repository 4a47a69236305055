"""Stage registry: every evaluated candidate is registered; only a permit moves the champion."""

import dagster as dg

from ml_platform.application.change_impact import change_impact
from ml_platform.application.connections import Connections
from ml_platform.application.promote import settle_champion
from ml_platform.application.register import register_candidate
from ml_platform.defs.champion_page import champion_page
from ml_platform.defs.check_evidence import check_evidence
from ml_platform.defs.consumers import consumers_of
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.tables import table
from ml_platform.gates.policy import gate_names
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.registry.records import ProductionState, VersionRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord


def registered_version_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/registered_version``: the candidate with its verdict, lineage and monitoring baseline."""

    @model_asset(
        spec,
        "registered_version",
        group="registry",
        kinds={"mlflow", "postgres"},
        reads={
            "training_set": "training_set",
            "candidate": "candidate",
            "evaluation_record": "evaluation_report",
        },
        description=(
            "The evaluated candidate under a version number in the ledger and in MLflow, whatever its "
            "verdict; with the baseline that monitoring will compare with."
        ),
    )
    def registered_version(
        context: dg.AssetExecutionContext,
        training_set: TrainingSetRecord,
        candidate: CandidateRecord,
        evaluation_record: EvaluationRecord,
        platform: dg.ResourceParam[Connections],
    ) -> dg.MaterializeResult[VersionRecord]:
        record = register_candidate(platform, spec, training_set, candidate, evaluation_record)
        verdict = record.decision.verdict.value.upper()
        context.log.info(f"version {record.version} registered: {verdict}")
        return dg.MaterializeResult(
            value=record,
            data_version=dg.DataVersion(f"version {record.version}"),
            metadata={
                "version": record.version,
                "verdict": f"{verdict}: {record.decision.row}",
                "MLflow": dg.MetadataValue.url(
                    platform.tracking.version_url(spec.name, record.mlflow_version)
                ),
                "artifact sha256": record.artifact_sha256,
                "size": f"{record.size_bytes / 1e6:.1f} MB",
                "parent": record.parent or 0,
                "feature versions": table(
                    {"feature": name, "version": version}
                    for name, version in record.feature_versions.items()
                ),
            },
        )

    return registered_version


def champion_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/champion``: which version is in production; only a permit changes it."""

    @model_asset(
        spec,
        "champion",
        group="registry",
        kinds={"mlflow", "postgres"},
        reads={
            "training_set": "training_set",
            "evaluation_record": "evaluation_report",
            "version": "registered_version",
        },
        description=(
            "Which version is in production. In the run that evaluated a candidate, HOLD and REJECT leave it "
            "as it is. Launched on its own it asks for a promotion, and is refused without a permit. What a person "
            "does, such as a rollback, is recorded here too, within a minute while `ml-platform up` runs."
        ),
    )
    def champion(
        context: dg.AssetExecutionContext,
        training_set: TrainingSetRecord,
        evaluation_record: EvaluationRecord,
        version: VersionRecord,
        platform: dg.ResourceParam[Connections],
    ) -> dg.MaterializeResult[ProductionState]:
        gates = gate_names(spec.policy)
        report = dg.AssetKey([spec.name, "evaluation_report"])
        impact = change_impact(platform, spec.name, version.version, consumers_of(spec))
        state = settle_champion(
            platform,
            spec,
            training_set,
            evaluation_record,
            version,
            check_evidence(context.instance, report, gates),
            run_id=context.run.run_id,
            progress=context.log.info,
        )
        page = champion_page(platform, spec, impact)
        return dg.MaterializeResult(
            value=state.production,
            data_version=dg.DataVersion(page.data_version),
            metadata=page.metadata,
        )

    return champion
