"""The data dimensions, which need no model: leakage, and the quality of the training set's columns."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Dimension, Series
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.features.leakage import find_leaks
from ml_platform.features.leakage_report import LeakageLevel, LeakageReport
from ml_platform.features.quality.assess import assess
from ml_platform.features.quality.report import Defect, QualityReport

if TYPE_CHECKING:
    from ml_platform.evaluation.dimensions.registry import EvaluationContext
    from ml_platform.features.future_check import FutureCheck
    from ml_platform.spec.model import ModelSpec
    from ml_platform.spec.training_set import TrainingSet

CHECKS = (
    (
        "declared",
        "Is every feature in the catalogue, with a window and a test that poisons its future?",
    ),
    ("split", "Is every row on its side of the split, and on one side alone?"),
    (
        "duplicates",
        "Do test rows have twins in training, more than training rows have among themselves?",
    ),
    ("target", "Does a column alone tell the label of held-out rows?"),
    ("future", "Does a column change once all that came after the row's moment is taken away?"),
    (
        "rebuilt",
        "Is what training saw what the features were in the lake of an earlier moment?",
    ),
)
TOLD = 8
"""Findings of quality that are summarised in a sentence each; the table has all."""


def leakage_report(
    spec: "ModelSpec", training_set: "TrainingSet", future: "FutureCheck | None" = None
) -> LeakageReport:
    """Report features that leak the label into the training set; ``future`` is what the rebuilding found."""
    record = training_set.record
    return find_leaks(
        training_set.train,
        training_set.test,
        label=record.label,
        features=record.features,
        declared={feature.name for feature in spec.table.features},
        train_until=record.split.train_until,
        test_from=record.split.test_from,
        future=future,
    )


def leakage(subject: "EvaluationContext") -> Dimension:
    """Level 0 (SAFE), 1 (WARNING) or 2 (DANGEROUS), and each finding by its name."""
    report = subject.leakage or leakage_report(subject.spec, subject.training_set)
    findings = tuple(
        f"{finding.level.value.upper()} ({finding.check}): {finding.explanation}"
        for finding in report.findings
    )
    return Dimension(
        name="leakage",
        title="Leakage",
        question="Does the training set know what it should not?",
        summary=(
            f"{report.level.value.upper()}: {len(findings) or 'no'} "
            f"finding{'' if len(findings) == 1 else 's'} in {report.rows_train} training "
            f"and {report.rows_test} test rows"
        ),
        measures={"level": _exact(tuple(LeakageLevel).index(report.level))},
        findings=findings,
        advice=_of_leaks(report),
        watch=(
            "columns that are new to the catalogue: leakage is looked for in every training set",
            *_delayed(report, subject.spec.features),
        ),
        tables=(_checks(report), *_rebuilt_columns(report, subject.spec.features)),
    )


def _of_leaks(report: LeakageReport) -> tuple[str, ...]:
    dangerous = {f.subject for f in report.findings if f.level is LeakageLevel.DANGEROUS}
    if not dangerous:
        return ()
    return (f"remove or correct before anything else is believed: {', '.join(sorted(dangerous))}",)


def _checks(report: LeakageReport) -> ReportTable:
    rows = []
    for check, question in CHECKS:
        findings = [finding for finding in report.findings if finding.check == check]
        level = max(
            (f.level for f in findings), key=tuple(LeakageLevel).index, default=LeakageLevel.SAFE
        )
        rows.append((check, question, level.value, ", ".join(f.subject for f in findings)))
    return ReportTable("Leakage checks", ("check", "question", "level", "found in"), tuple(rows))


def _delayed(report: LeakageReport, features: Collection[str]) -> tuple[str, ...]:
    """A sentence about the columns that late rows change, where there are any."""
    late = [name for name in report.future.delayed if name in features] if report.future else []
    if not late:
        return ()
    return (
        f"late arrival: rows that came in after their time change {', '.join(late)} (not a leak: training sees "
        "them complete, a live prediction may not)",
    )


def _rebuilt_columns(report: LeakageReport, features: Collection[str]) -> tuple[ReportTable, ...]:
    """By column: rows with and without their future, rows as training saw them, rows that arrival delays."""
    if report.future is None:
        return ()
    columns = (
        "column", "rows without their future", "differ without it", "rows as training saw them",
        "differ from that", "delayed by arrival", "example",
    )  # fmt: skip
    rows = tuple(
        (
            of.column,
            of.future.rows,
            of.future.differ + of.future.last_digits,
            of.published.rows,
            of.published.differ + of.published.last_digits,
            of.arrival.differ if of.arrival else None,
            of.future.example or of.published.example or (of.arrival.example if of.arrival else ""),
        )
        for of in report.future.columns
        if of.column in features
    )
    return (ReportTable("Features rebuilt without a future", columns, rows),)


def quality_report(spec: "ModelSpec", training_set: "TrainingSet") -> QualityReport:
    """Report the quality of the training part's feature columns."""
    return assess(
        training_set.train, training_set.test, training_set.record.features, spec.table.features
    )


def quality(subject: "EvaluationContext") -> Dimension:
    """The score of the whole set, that of its weakest feature, and each defect by its name."""
    report = subject.quality or quality_report(subject.spec, subject.training_set)
    worst = sorted(report.features, key=lambda feature: feature.score)
    affected = {finding.feature for finding in report.findings}
    return Dimension(
        name="quality",
        title="Data quality",
        question="Are the columns it learns from fit to learn from?",
        summary=(
            f"{report.score:.1f} of 10: {len(affected)} of {len(worst)} features have a defect"
            + (f", the weakest is {worst[0].feature} with {worst[0].score:.0f}" if affected else "")
        ),
        measures={"score": _exact(report.score), "weakest": _exact(report.weakest)},
        findings=_told(report),
        watch=_watched(report),
        tables=(_features(report), _defects(report)),
        charts=(_lowest(report),) if affected else (),
    )


def _told(report: QualityReport) -> tuple[str, ...]:
    findings = tuple(f"{f.defect.value}: {f.explanation}" for f in report.findings[:TOLD])
    more = len(report.findings) - len(findings)
    return (*findings, f"{more} more in the table of defects") if more > 0 else findings


def _watched(report: QualityReport) -> tuple[str, ...]:
    gone = report.about(Defect.MISSING, Defect.MISSINGNESS_SHIFT)
    return (f"the share of missing values of {', '.join(sorted(gone))}",) if gone else ()


def _features(report: QualityReport) -> ReportTable:
    columns = (
        "feature", "kind", "score", "missing", "missing in test", "values", "most frequent", "defects",
    )  # fmt: skip
    rows = tuple(
        (
            feature_quality.feature,
            feature_quality.kind.value,
            feature_quality.score,
            feature_quality.missing,
            feature_quality.missing_test,
            feature_quality.distinct,
            feature_quality.top_share,
            ", ".join(defect.value for defect in feature_quality.defects),
        )
        for feature_quality in sorted(report.features, key=lambda feature: feature.score)
    )
    return ReportTable("Quality by feature, the weakest first", columns, rows)


def _defects(report: QualityReport) -> ReportTable:
    rows = tuple(
        (f.defect.value, f.feature, f.value, f.limit, f.explanation) for f in report.findings
    )
    return ReportTable("Defects", ("defect", "feature", "value", "limit", "what was seen"), rows)


def _lowest(report: QualityReport) -> Chart:
    lowest = sorted(report.features, key=lambda feature: feature.score)[:15]
    scores = Series(
        "score",
        tuple(feature_quality.feature for feature_quality in lowest),
        tuple(feature_quality.score for feature_quality in lowest),
    )
    return Chart("The weakest features", ChartKind.BARS, "feature", "score, 1 to 10", (scores,))


def _exact(value: float) -> Estimate:
    return Estimate(float(value), float(value), float(value))
