"""Batch predictions by whatever answers for a model now: its champion, or without one its rules."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.rules_in_use import rules_of, rules_version
from ml_platform.errors import InsufficientData
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.model import Scorer


@dataclass(frozen=True)
class LoggedWindow:
    """The counts of predictions and outcomes that one monitoring window has added to the log."""

    version: str
    rows: int
    new_predictions: int
    new_outcomes: int
    joined_share: float | None
    """Share of the window's predictions whose outcome is known; ``None`` without predictions."""


def predict_window(
    platform: Connections,
    spec: ModelSpec,
    end: datetime,
    progress: Callable[[str], None],
    *,
    version: str | None = None,
) -> LoggedWindow:
    """Score the rows of the window that trails back from ``end`` and log what is new.

    It reaches back further by the time after which rows of the table are complete: that is what is compared.
    Outcomes are logged of the rows whose label has become known in the window: those that are older by the delay
    of the label. A row that this version has scored already is not scored into the log twice. By default the
    ``version`` is the one that answers now.

    Raises:
        InsufficientData: the model has neither champion nor rules.
    """
    from ml_platform.prediction_log.scoring import outcomes_of, predicted
    from ml_platform.spec.monitoring_policy import POLICY

    version, scorer = in_production(platform, spec.name, version)
    start, ledger = end - POLICY.window - spec.table.complete_after, platform.ledger
    rows = feature_rows(platform, spec, start, end)
    predictions = predicted(spec.task, scorer, rows).rename(columns={"predicted": "prediction"})
    new_predictions = ledger.log_predictions(
        predictions.assign(model=spec.name, version=version, predicted_at=end)
    )
    matured = rows
    if spec.label_delay:
        matured = feature_rows(platform, spec, start - spec.label_delay, end - spec.label_delay)
    outcomes = outcomes_of(spec.task, matured, spec.label, spec.label_delay)
    new_outcomes = ledger.log_outcomes(outcomes.assign(model=spec.name))
    progress(f"{new_predictions:,} predictions by {version}, {new_outcomes:,} outcomes")
    return LoggedWindow(
        version=version,
        rows=len(rows),
        new_predictions=new_predictions,
        new_outcomes=new_outcomes,
        joined_share=ledger.joined_share(spec.name, start, end),
    )


def in_production(
    platform: Connections, model: str, version: str | None = None
) -> "tuple[str, Scorer]":
    """The version that answers now, or ``version``, and its scorer: the champion, or the rules without one."""
    from ml_platform.adapters.artifact_files import load_scorer

    version = version or require_answering(platform, model)
    if version.isdecimal():
        record = platform.ledger.version(model, int(version))
        path = platform.settings.home / record.artifact_path
        return version, load_scorer(path, record.artifact_sha256)
    sha256 = rules_of(platform, model)
    return version, load_scorer(platform.settings.artifacts / sha256, sha256)


def require_answering(platform: Connections, model: str) -> str:
    """The name of the version that answers now, see `answering`.

    Raises:
        InsufficientData: the model has neither champion nor rules.
    """
    version = answering(platform, model)
    if not version:
        raise InsufficientData(
            f"Nothing can answer for {model}: it has no champion and no rules.",
            remedy=f"materialise {model}/registered_version on a source that has what it needs",
        )
    return version


def answering_at(platform: Connections, model: str, moment: datetime) -> str:
    """The name of the champion at a moment of the home's clock; before the first one, of what answers now.

    Raises:
        InsufficientData: the model has neither champion nor rules.
    """
    from ml_platform.registry.lifecycle import Clock

    clock = Clock.WALL if platform.home.advances else Clock.DATA
    version = platform.ledger.production_at(model, moment, clock)
    return require_answering(platform, model) if version is None else str(version)


def answering(platform: Connections, model: str) -> str:
    """The name of the version that answers now: the champion's, or that of the rules; empty without either."""
    version = platform.ledger.production(model).version
    if version is not None:
        return str(version)
    sha256 = rules_of(platform, model)
    return rules_version(sha256) if sha256 else ""


def newest_rows(platform: Connections, spec: ModelSpec) -> "pd.DataFrame":
    """Keys and features of the newest rows of the model's table, those of one and the same moment.

    Raises:
        InsufficientData: the table has no row, or is not published.
    """
    from ml_platform.adapters.training_set_files import newest_moment

    newest = newest_moment(platform.published_features(spec.table.name))
    if newest is None:
        raise InsufficientData(
            f"There is no row of {spec.table.name}.",
            remedy=f"ingest {' and '.join(spec.needed_tables)}, and materialise features/{spec.table.name}",
        )
    return feature_rows(platform, spec, newest, newest + timedelta(microseconds=1))


def feature_rows(
    platform: Connections, spec: ModelSpec, start: datetime, end: datetime
) -> "pd.DataFrame":
    """Keys, label and the model's features of the rows of people in ``[start, end)``, oldest first."""
    from ml_platform.adapters.training_set_files import read_window

    return read_window(platform.published_features(spec.table.name), spec, start, end)
