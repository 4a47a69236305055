"""Stage monitoring: every six hours the trailing window is compared with the baseline."""

from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.monitor import MonitoredWindow, monitor_window
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.partitions import window_end
from ml_platform.defs.tables import table
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.reporting.glance import glance, pages_of
from ml_platform.spec.model import ModelSpec


def monitoring_report_asset(
    spec: ModelSpec, windows: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    """``<model>/monitoring_report``: drift, predictions and performance of a window, and the decision."""

    @model_asset(
        spec,
        "monitoring_report",
        group="monitoring",
        kinds={"python", "evidently"},
        partitions_def=windows,
        deps=[[spec.name, "predictions"]],
        description=(
            "The trailing seven days against the baseline of the version in production: sessions are the "
            "unit of the tests, sizes come before significance, too little data is INSUFFICIENT."
        ),
    )
    def monitoring_report(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> dg.MaterializeResult[MonitoringReport]:
        end = window_end(context.partition_key)
        window = monitor_window(platform, spec, end, context.log.info)
        return dg.MaterializeResult(
            value=window.report, metadata=report_metadata(window, platform.service_address)
        )

    return monitoring_report


def report_metadata(window: MonitoredWindow, service: str) -> dict[str, Any]:
    """What Dagster shows of a report; ``service`` is where the pages of the service are, if that is known."""
    report = window.report
    pages = pages_of(report, service)
    return {
        **glance(report),
        **{name: dg.MetadataValue.url(address) for name, address in pages.items()},
        "version": report.version,
        "rows": report.rows,
        "clusters": report.clusters,
        "causes": table({"cause": cause} for cause in report.causes),
        "largest changes": table(
            {
                "feature": drift.name,
                "test": drift.test,
                "size": drift.size,
                "PSI": drift.psi,
                "adjusted p": drift.adjusted_p_value,
                "severity": drift.severity.value,
            }
            for drift in (*report.features[:5], *report.predictions)
        ),
        "alert": window.alert,
        "file of the page": dg.MetadataValue.path(str(window.page)),
    }
