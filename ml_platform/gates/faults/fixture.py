"""A fixture: a small candidate with everything that its evaluation rests on, made so that every gate passes.

A fault changes the rows, the stored files or a scorer of a fixture; no fault touches a report, a metric or a
measurement. `ml_platform.application.prove` evaluates fixtures by the functions that evaluate real candidates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.features.define import NEVER_MISSING, number
from ml_platform.gates.faults.fixture_rows import AS_OF, Size, users_of
from ml_platform.spec.feature import Family
from ml_platform.spec.feature_table import FeaturePart, FeatureTable
from ml_platform.spec.model import ModelSpec, Scorer

if TYPE_CHECKING:
    import pandas as pd

SQL = "fixture"
"""The name of the only SQL file of a fixture's feature table."""


@dataclass(frozen=True)
class Stored:
    """Where the files of a fixture lie once it has been evaluated."""

    artifact: Path
    """A folder."""
    rows: Path
    """The Parquet file of the training set."""


@dataclass(frozen=True)
class Fixture:
    """A candidate, its rows, its users, and what it is compared with."""

    spec: ModelSpec
    """The model's spec with the features of the fixture in place of its own; policy and task are the model's."""
    rows: "pd.DataFrame"
    """Both periods, as a file of features holds them."""
    users: "pd.DataFrame"
    candidate: Scorer
    """What would be served."""
    estimator: Scorer
    """The fitted side of the candidate: the parity gate holds the two together."""
    fold_scorer: Scorer
    """What was fitted on the folds of the training period."""
    baseline: Scorer
    champion: Scorer
    challenged: Scorer
    ceiling: Scorer | None = None
    """The best possible rule, where the source knows it."""
    as_of: datetime = AS_OF
    sql_now: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({SQL: SQL_WHEN_TRAINED})
    )
    """The SQL of the features as the code has it at the evaluation."""
    tamper: Callable[[Stored], None] | None = None
    """What happens to the stored files between the evaluation and the gates."""

    def with_candidate(self, scorer: Scorer) -> "Fixture":
        """Return this fixture with another candidate, which is its own estimator and its own champion."""
        return replace(self, candidate=scorer, estimator=scorer, champion=scorer)


SQL_WHEN_TRAINED = "select * from evidence"


def fixture_spec(
    spec: ModelSpec,
    features: tuple[str, ...],
    *,
    extra_columns: tuple[str, ...] = (),
    required_column: str = "",
    classes: tuple[str, ...] = (),
) -> ModelSpec:
    """``spec`` over a feature table of ``features``, all of them numbers; half of the change sets test."""
    declared = tuple(
        number(name, Family.DOMAIN, (None, None), "the row", NEVER_MISSING, "Synthetic.")
        for name in features
    )
    table = FeatureTable(spec.table.name, "Synthetic rows.", (), (FeaturePart(declared, (SQL,)),))
    return replace(
        spec,
        table=table,
        features=features,
        extra_columns=extra_columns,
        required_column=required_column,
        classes=classes,
        label_delay=timedelta(0),
        test_share=0.5,
    )


def assembled(
    spec: ModelSpec,
    size: Size,
    periods: "list[pd.DataFrame]",
    candidate: Scorer,
    rules: Scorer,
) -> Fixture:
    """The fixture of a candidate that is its own champion, and beats ``rules`` and a challenged model like them."""
    import pandas as pd

    return Fixture(
        spec=spec,
        rows=pd.concat(periods, ignore_index=True),
        users=users_of(size),
        candidate=candidate,
        estimator=candidate,
        fold_scorer=candidate,
        baseline=rules,
        champion=candidate,
        challenged=rules,
    )
