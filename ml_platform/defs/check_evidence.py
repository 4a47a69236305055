"""Executions of asset checks as evidence of a promotion: which materialisation each was about."""

import dagster as dg

from ml_platform.registry.permit import CheckEvidence


def check_evidence(
    instance: dg.DagsterInstance, asset: dg.AssetKey, names: tuple[str, ...]
) -> tuple[CheckEvidence, ...]:
    """The latest execution of each check of ``asset`` beside the asset's latest materialisation.

    The asset itself returns its checks, so an execution belongs to the materialisation of its own run. A
    check that never ran, or that was planned by a run that died, is left out.
    """
    latest = instance.get_latest_materialization_event(asset)
    this = latest.run_id if latest else ""
    keys = [dg.AssetCheckKey(asset, name) for name in names]
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    evidence = []
    for key in keys:
        record = records.get(key)
        event = record.event.dagster_event if record and record.event else None
        if record is None or event is None or event.event_type_value != "ASSET_CHECK_EVALUATION":
            continue
        evidence.append(
            CheckEvidence(
                name=key.name,
                passed=event.asset_check_evaluation_data.passed,
                target_materialization=record.run_id,
                this_materialization=this,
            )
        )
    return tuple(evidence)
