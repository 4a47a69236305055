"""Stage monitoring: every six hours, the trailing window against the baseline, and what follows."""

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.predict import in_production
from ml_platform.defs.partitions import window_end
from ml_platform.defs.tables import table
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.spec.model import ModelSpec


def monitoring_report_asset(
    spec: ModelSpec, windows: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    """``<model>/monitoring_report``: drift, predictions and performance of a window, and the decision."""

    @dg.asset(
        key=[spec.name, "monitoring_report"],
        group_name="monitoring",
        kinds={"python", "evidently"},
        owners=["team:ml"],
        partitions_def=windows,
        deps=[[spec.name, "predictions"]],
        io_manager_key="records",
        description=(
            "The trailing seven days against the baseline of the version in production: sessions are the "
            "unit of the tests, sizes come before significance, too little data is INSUFFICIENT."
        ),
    )
    def monitoring_report(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> dg.MaterializeResult[MonitoringReport]:
        from ml_platform.application.watch import alert, draw, watch

        end = window_end(context.partition_key)
        version, _ = in_production(platform, spec.name)
        report = watch(platform, spec, version, end)
        platform.ledger.save_monitoring_report(report)
        told = alert(platform, report)
        page = draw(platform, spec, report, context.log.info)
        context.log.info(
            f"{report.light.value.upper()}: drift {report.drift.value}, "
            f"performance {report.performance.level.value}; decision {report.action}; alert: {told}"
        )
        return dg.MaterializeResult(
            value=report,
            metadata={
                "light": report.light.value.upper(),
                "decision": f"{report.action} ({report.decision_row}, {report.confidence})",
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
                "alert": told,
                "page": dg.MetadataValue.path(str(page)),
            },
        )

    return monitoring_report
