"""The quality of the columns that a model learns from, whatever the model."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.quality.checks import (
    CHECKS,
    infinite,
    missingness_shift,
    mostly_missing,
)
from ml_platform.features.quality.column import Column, column, kind_of
from ml_platform.features.quality.report import (
    POINTS,
    FeatureQuality,
    QualityFinding,
    QualityReport,
    feature_score,
)
from ml_platform.features.quality.together import correlated, mixed_scales
from ml_platform.features.sample import hashed_sample
from ml_platform.spec.feature import Family, FeatureSpec, Kind
from ml_platform.spec.scale import BEST

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 20_000


def assess(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    features: Sequence[str],
    specs: Iterable[FeatureSpec] = (),
    *,
    row: str = "row_id",
) -> QualityReport:
    """Every defect of the training part's columns, and what is missing otherwise in the test part.

    Missing and infinite values are counted on all rows, the rest on at most `SAMPLE` training rows. Needs
    neither labels nor a model, and answers for a handful of rows too: shapes and shares are measured from 100
    known values on.

    Args:
        train: columns ``row`` and ``features`` (float64 with NaN, strings or categories, lists of strings).
        test: the same of the test part.
        features: names; a column that is not there is left out (the schema gate names it).
        specs: their declarations, which give kinds and interactions; without one the values show the kind.
        row: the column that identifies a row.
    """
    declared = {spec.name: spec for spec in specs}
    present = [name for name in features if name in train.columns and name in test.columns]
    looked_at = hashed_sample(train, row, SAMPLE)
    kinds = {
        name: declared[name].kind if name in declared else kind_of(train[name]) for name in present
    }
    columns = [column(looked_at[name], kinds[name]) for name in present]
    interactions = {name for name, spec in declared.items() if spec.family is Family.INTERACTION}
    missing = {name: (_missing(train[name]), _missing(test[name])) for name in present}
    findings = [
        each for column in columns for each in _alone(column, train, test, missing[column.name])
    ]
    findings += correlated(columns, interactions)
    findings += mixed_scales(columns)
    findings.sort(key=lambda finding: -POINTS[finding.defect])
    scored = tuple(_feature(column, findings, missing[column.name]) for column in columns)
    return QualityReport(
        score=float(np.mean([column.score for column in scored])) if scored else BEST,
        features=scored,
        findings=tuple(findings),
        rows_train=len(train),
        rows_test=len(test),
        rows_looked_at=len(looked_at),
    )


def _missing(values: "pd.Series[float]") -> float:
    return float(values.isna().mean()) if len(values) else 0.0


def _alone(
    column: Column, train: "pd.DataFrame", test: "pd.DataFrame", missing: tuple[float, float]
) -> list[QualityFinding]:
    """The findings about one column by itself."""
    findings = [
        *(check(column) for check in CHECKS),
        mostly_missing(column.name, missing[0]),
        missingness_shift(column.name, (missing[0], len(train)), (missing[1], len(test))),
    ]
    if column.kind is Kind.NUMBER:
        parts = [
            rows[column.name].to_numpy(dtype=np.float64, na_value=np.nan) for rows in (train, test)
        ]
        findings.append(infinite(column.name, *parts))
    return [finding for finding in findings if finding is not None]


def _feature(
    column: Column, findings: Sequence[QualityFinding], missing: tuple[float, float]
) -> FeatureQuality:
    """The quality of one feature; a defect costs once, however many pairs or values show it."""
    defects = tuple(dict.fromkeys(f.defect for f in findings if f.feature == column.name))
    return FeatureQuality(
        feature=column.name,
        kind=column.kind,
        missing=missing[0],
        missing_test=missing[1],
        distinct=column.distinct,
        top_share=column.top_share,
        score=feature_score(defects),
        defects=defects,
    )
