"""Training sets of rows that a test made: the record that a real one would have, with fixed hashes."""

from datetime import datetime, timedelta

import pandas as pd

from ml_platform.spec.training_set import CLUSTER, TIME, Split, TrainingSet, TrainingSetRecord


def assembled(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    label: str,
    classes: tuple[str, ...],
    features: tuple[str, ...],
    as_of: datetime,
    model: str = "example",
    table: str = "example_features",
    test_from: datetime | None = None,
    gap: timedelta = timedelta(0),
    source: str = "test",
    simulated: bool = True,
) -> TrainingSet:
    """A training set of both parts; without ``test_from`` the test part begins at its first row."""
    begin = test[TIME].iloc[0] if test_from is None else test_from
    split = Split(
        train_until=begin - gap,
        test_from=begin,
        gap=gap,
        rows_train=len(train),
        rows_gap=0,
        rows_test=len(test),
        clusters_train=train[CLUSTER].nunique(),
        clusters_test=test[CLUSTER].nunique(),
    )
    record = TrainingSetRecord(
        model=model,
        fingerprint="f" * 64,
        rows_sha256="d" * 64,
        source=source,
        simulated=simulated,
        table=table,
        label=label,
        classes=classes,
        features=features,
        feature_versions=dict.fromkeys(features, "v1"),
        split=split,
        as_of=as_of,
    )
    return TrainingSet(record, train.reset_index(drop=True), test.reset_index(drop=True))


def oldest(rows: pd.DataFrame, parts: int, of: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``rows`` in their order, cut after ``parts`` of ``of`` equal parts."""
    cut = len(rows) * parts // of
    return rows.iloc[:cut], rows.iloc[cut:]
