"""The section of a monitoring page about performance: which labels have come, and what is estimated meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series, series_of
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.performance.parts import (
    Cohort,
    EstimatedPerformance,
    LabelMaturity,
    MaturityBasis,
    Reconciliation,
    Trust,
    duration_words,
)
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.reporting.charts import Drawing, drawings
from ml_platform.reporting.components import Chip, Tone
from ml_platform.reporting.words import (
    interval,
    interval_words,
    moment,
    number,
    percent,
    sentence,
    signed,
    words,
)

_CHIPS = {
    Trust.TRUSTED: Chip("ESTIMATES HELD", Tone.GOOD),
    Trust.UNTRUSTED: Chip("ESTIMATES NOT TO BE TRUSTED", Tone.BAD),
    Trust.UNPROVEN: Chip("ESTIMATES UNPROVEN", Tone.NEUTRAL),
}
_BASIS = {
    MaturityBasis.DECLARED: "as the definition of the label says",
    MaturityBasis.OBSERVED: "as labels were seen to come",
}


@dataclass(frozen=True)
class PerformanceSection:
    """Which labels have come, what is estimated until they do, and how well earlier estimates held."""

    labels: tuple[str, ...]
    chip: Chip
    estimates: tuple[str, ...]
    drawings: tuple[Drawing, ...]


def performance_section(report: MonitoringReport) -> PerformanceSection | None:
    """The section of a report; ``None`` for reports of releases that kept no ledger of labels."""
    if report.maturity is None:
        return None
    charts = (
        _labels_chart(report.maturity, report.window_end),
        _estimates_chart(report),
    )
    chip = Chip("ESTIMATES UNPROVEN", Tone.NEUTRAL)
    if report.reconciliation is not None:
        chip = _CHIPS[report.reconciliation.trust]
    return PerformanceSection(
        _labels(report.maturity),
        chip,
        (*_estimate(report.estimate), *_reconciliation(report.reconciliation)),
        drawings(charts),
    )


def _labels(maturity: LabelMaturity) -> tuple[str, ...]:
    told = []
    if maturity.age_hours is None:
        told.append("how long labels take is not known: too few have come")
    else:
        told.append(
            f"predictions count once they are {duration_words(maturity.age_hours)} old, {_BASIS[maturity.basis]}"
        )
    if maturity.delay_p50_hours is not None and maturity.delay_p90_hours is not None:
        told.append(
            f"half of the labels come within {duration_words(maturity.delay_p50_hours)}, nine in ten within "
            f"{duration_words(maturity.delay_p90_hours)}"
        )
    if maturity.window_start is None or maturity.window_end is None:
        told.append("no prediction of this version is old enough yet")
    else:
        told.append(
            f"the latest mature predictions are those of {moment(maturity.window_start)} to "
            f"{moment(maturity.window_end)}: {maturity.labelled:,} of {maturity.predictions:,} have a label, "
            f"{percent(maturity.share)}"
        )
    if maturity.silent:
        told.append(f"labels of {maturity.silent:,} of these predictions have stayed away")
    return tuple(map(sentence, told))


def _estimate(estimate: EstimatedPerformance | None) -> tuple[str, ...]:
    if estimate is None:
        return ()
    name = words(estimate.metric)
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return (sentence(f"{name} is not estimated: {estimate.reason}"),)
    told = [
        f"{name} of the {estimate.rows:,} predictions of this window is estimated at "
        f"{interval_words(estimate.value, estimate.low, estimate.high)} from their confidence; no label was read"
    ]
    if estimate.relative_loss is not None:
        told[0] += (
            f"; against the evaluation that is a relative loss of {percent(estimate.relative_loss)}"
        )
    if estimate.others:
        others = (f"{words(key)} {interval(each)}" for key, each in estimate.others.items())
        told.append(f"estimated likewise: {', '.join(others)}")
    if estimate.suspected:
        told.append("a loss is suspected; it decides nothing before labels confirm it")
    return tuple(map(sentence, told))


def _reconciliation(reconciliation: Reconciliation | None) -> tuple[str, ...]:
    if reconciliation is None or reconciliation.trust is Trust.UNPROVEN:
        return ("No estimate that was kept has matured yet, so none was held against labels.",)
    if reconciliation.trust is Trust.UNTRUSTED:
        reason = reconciliation.reason
        return (sentence(f"estimates of this version are not to be trusted: {reason}"),)
    assert reconciliation.error is not None
    assert reconciliation.allowed is not None
    return (
        sentence(
            f"of {len(reconciliation.cohorts)} earlier estimates whose labels have matured, "
            f"{reconciliation.covered} hold the realised figure in their interval; realised less estimated is "
            f"{signed(reconciliation.error)}, and up to {number(reconciliation.allowed)} is chance"
        ),
    )


def _estimates_chart(report: MonitoringReport) -> Chart:
    """Estimated and realised metric by cohort: what has matured, then what waits for labels."""
    matured = report.reconciliation.cohorts if report.reconciliation else ()
    waiting = report.estimate.cohorts if report.estimate else ()
    estimated = [(each.start, Estimate(each.estimate, each.low, each.high)) for each in matured]
    for each in waiting:
        if all(each.start != start for start, _ in estimated):
            estimated.append((each.start, each.interval))
    series = (
        series_of(
            "estimated",
            tuple(_days_before(start, report.window_end) for start, _ in estimated),
            tuple(figure for _, figure in estimated),
        ),
        Series(
            "realised",
            tuple(_days_before(each.start, report.window_end) for each in matured),
            tuple(each.realised for each in matured),
        ),
    )
    return Chart(
        "Estimated, and realised where labels have matured",
        ChartKind.LINES,
        "days before the end of the window",
        words(report.performance.metric),
        tuple(each for each in series if each.y),
    )


def _labels_chart(maturity: LabelMaturity, end: datetime) -> Chart:
    """The share of each cohort's predictions that have a label, by age."""
    mature = [each for each in maturity.cohorts if each.mature and each.predictions]
    waiting = [each for each in maturity.cohorts if not each.mature and each.predictions]
    series = tuple(
        Series(
            name,
            tuple(_days_before(each.start, end) for each in cohorts),
            tuple(_share(each) for each in cohorts),
        )
        for name, cohorts in (("mature", mature), ("still maturing", waiting))
        if cohorts
    )
    return Chart(
        "Which labels have come",
        ChartKind.LINES,
        "days before the end of the window",
        "share of predictions with a label",
        series,
    )


def _share(cohort: Cohort) -> float:
    return cohort.labelled / cohort.predictions


def _days_before(moment_of: datetime, end: datetime) -> float:
    return (moment_of - end).total_seconds() / 86_400
