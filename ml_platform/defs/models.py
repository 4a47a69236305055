"""Stage models: the candidate is fitted, exported and kept under its hash."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.train import train_candidate
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.tables import table
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord


def candidate_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/candidate``: the fitted model as the artifact that would be served, and its rules."""

    @model_asset(
        spec,
        "candidate",
        group="models",
        kinds=set(spec.technologies),
        output_required=False,
        reads={"training_set": "training_set"},
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
            lambda: _result(train_candidate(platform, spec, training_set, context.log.info)),
        )

    return candidate


def _result(record: CandidateRecord) -> dg.MaterializeResult[CandidateRecord]:
    return dg.MaterializeResult(
        value=record,
        data_version=dg.DataVersion(record.artifact_sha256),
        metadata={
            "artifact sha256": record.artifact_sha256,
            "size": f"{record.size_bytes / 1e6:.1f} MB",
            "seconds": record.seconds,
            "parameters": table(
                {"parameter": name, "value": value} for name, value in record.parameters.items()
            ),
            "folds by time": table(
                {"fold": number, **fold} for number, fold in enumerate(record.fold_metrics, start=1)
            ),
        },
    )
