"""The self-test of monitoring as a weekly asset, and its objective as a check."""

from collections.abc import Sequence

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.self_test import read_self_test, self_test
from ml_platform.defs.features import features_key
from ml_platform.defs.tables import table
from ml_platform.monitoring.self_test.planted import found_from
from ml_platform.monitoring.self_test.result import ModelSelfTest, Outcome
from ml_platform.spec.feature import Kind
from ml_platform.spec.model import ModelSpec

KEY = dg.AssetKey("monitoring_self_test")


def self_test_asset(models: Sequence[ModelSpec]) -> dg.AssetsDefinition:
    """``monitoring_self_test``: false incidents and planted shifts of all models in the past weeks of the home."""
    tables = {spec.table.name: features_key(spec.table) for spec in models}

    @dg.asset(
        key=KEY,
        group_name="monitoring",
        kinds={"python"},
        owners=["team:ml"],
        deps=list(tables.values()),
        description=(
            "The past weeks as monitoring would have looked at them: how many false incidents it would have told, "
            "and how many planted shifts it finds. Weekly once its schedule is turned on; no other asset needs it."
        ),
    )
    def monitoring_self_test(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> dg.MaterializeResult[None]:
        kept = self_test(platform, models, context.log.info)
        result = kept.result
        return dg.MaterializeResult(
            metadata={
                "outcome": f"{result.outcome.value.upper()}: {result.verdict}",
                "models": table(_row(model) for model in result.models),
                "result": dg.MetadataValue.path(str(kept.path)),
            }
        )

    return monitoring_self_test


@dg.asset_check(
    asset=KEY,
    name="objective_holds",
    description="At most one false incident of drift in 30 days of the home, by the upper 95 % bound.",
)
def objective_holds(platform: dg.ResourceParam[Connections]) -> dg.AssetCheckResult:
    """Read the newest result; it fails where the objective does not hold, and warns where it is not shown."""
    result = read_self_test(platform)
    rate = result.rate
    severity = (
        dg.AssetCheckSeverity.WARN
        if result.outcome is Outcome.INSUFFICIENT
        else dg.AssetCheckSeverity.ERROR
    )
    return dg.AssetCheckResult(
        passed=result.outcome is Outcome.HOLDS,
        severity=severity,
        description=result.verdict,
        metadata={
            "as of": result.as_of.isoformat(),
            "false incidents in 30 days": rate.value if rate else "not known",
            "upper 95 % bound": rate.upper_95 if rate else "not known",
        },
    )


def _row(model: ModelSelfTest) -> dict[str, str | int | float | None]:
    numbers, categories = model.shifts(Kind.NUMBER), model.shifts(Kind.CATEGORY)
    rate = model.rate
    return {
        "model": model.model,
        "looks": model.looks,
        "that could tell": model.telling,
        "false incidents": model.incidents,
        "in 30 days": rate.value if rate else None,
        "at most (95 %)": rate.upper_95 if rate else None,
        "half an sd: planted": numbers.planted,
        "found": numbers.found,
        "INSUFFICIENT": numbers.insufficient,
        "15 % of mass: planted": categories.planted,
        "found ": categories.found,
        "INSUFFICIENT ": categories.insufficient,
        "95 % found from (x half an sd)": found_from(model.power),
        "not looked at": model.reason,
    }


self_test_schedule = dg.ScheduleDefinition(
    name="weekly_self_test",
    job_name="test_monitoring",
    cron_schedule="30 4 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Sundays: the self-test of monitoring, ten minutes at most. Off until a person turns it on.",
)
