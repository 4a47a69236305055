"""A planted change of reasons is reported, though neither features nor metrics have moved."""

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.dimensions.explanations.drift import ExplanationBaseline, baseline_of
from ml_platform.evaluation.dimensions.explanations.groups import feature_groups
from ml_platform.evaluation.dimensions.explanations.shuffling import movements
from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.explanations import MOST_ROWS, Explained, check_explanations
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.report import Light, MonitoringReport, Severity
from ml_platform.retraining.decide import decided
from ml_platform.values import from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK

FEATURES = ("number_0", "number_1", "number_2")


class Weighed:
    """P(yes) is the logistic of a weighted sum of the standardised features."""

    classes = ("no", "yes")

    def __init__(self, *weights: float) -> None:
        self.weights = weights

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        columns = rows[list(FEATURES)].to_numpy(dtype=np.float64)
        columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
        total = columns @ np.array(self.weights)
        yes = 1.0 / (1.0 + np.exp(-total))
        return np.column_stack([1.0 - yes, yes])


class TakingOver(Weighed):
    """The weights are those of one feature until the end of the training period, then of another."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        later = (rows["occurred_at"] >= END).to_numpy()[:, None]
        now = Weighed(*self.weights[::-1]).predict_proba(rows)
        return np.where(later, now, super().predict_proba(rows))


def explained(scorer: Weighed, rows: pd.DataFrame) -> Explained:
    groups = feature_groups(FEATURES)
    moved = movements(
        scorer, rows, scorer.classes, cluster_codes(rows), groups, bounded=True, seed=5
    )
    return Explained(baseline_of(groups, moved, seed=5), scorer, FEATURES, bounded=True)


def report(baseline: Baseline, rows: pd.DataFrame, version: Explained | None) -> MonitoringReport:
    return decided(
        monitor(
            baseline,
            rows,
            rows,
            model="model",
            version="1",
            source="test",
            simulated=True,
            window_start=END,
            window_end=END + WEEK,
            explained=version,
        )
    )


@pytest.fixture
def past(quiet: pd.DataFrame) -> pd.DataFrame:
    times = quiet["occurred_at"]
    return quiet[(times >= END - 2 * WEEK) & (times < END)]


def test_a_planted_change_of_reasons_is_reported_where_nothing_else_has_moved(
    baseline: Baseline, past: pd.DataFrame, window: pd.DataFrame
) -> None:
    monitored = report(baseline, window, explained(TakingOver(2.0, 0.7, 0.2), past))
    assert monitored.drift is Severity.NONE
    check = monitored.explanations
    assert check is not None
    assert check.reported
    assert check.p_value == 0.001
    assert check.shares[0].group == "number_2"
    assert check.shares[0].baseline < 0.15 < 0.5 < check.shares[0].current
    assert monitored.causes[-1].startswith("predictions rest on other features: number_2 makes")
    assert monitored.light is Light.YELLOW
    assert (monitored.action, monitored.decision_row) == ("no_action", "nothing moved")
    assert from_json(MonitoringReport, to_json(monitored)) == monitored


def test_the_same_reasons_are_told_and_change_nothing(
    baseline: Baseline, past: pd.DataFrame, window: pd.DataFrame
) -> None:
    monitored = report(baseline, window, explained(Weighed(2.0, 0.7, 0.2), past))
    check = monitored.explanations
    assert check is not None
    assert not check.reported
    assert check.distance is not None
    assert check.distance < 0.1
    assert monitored.light is Light.GREEN
    without = report(baseline, window, None)
    assert without.explanations is None
    assert (without.causes, without.action) == (monitored.causes, monitored.action)


def test_the_sample_is_bounded_and_of_whole_clusters(
    past: pd.DataFrame, quiet: pd.DataFrame
) -> None:
    version = explained(Weighed(1.0, 1.0, 1.0), past)
    check = check_explanations(version, quiet, seed=1)
    largest = quiet.groupby("cluster_id").size().max()
    assert MOST_ROWS <= check.rows < MOST_ROWS + largest
    assert check == check_explanations(version, quiet, seed=1)


def test_a_cluster_of_most_rows_is_a_tenth_of_the_sample(past: pd.DataFrame) -> None:
    """Sixty sessions beside a commit of more rows than a sample has."""
    version = explained(Weighed(1.0, 1.0, 1.0), past)
    few = past[past["cluster_id"].isin(past["cluster_id"].unique()[:60])]
    sweeping = past.iloc[:MOST_ROWS].assign(cluster_id="sweeping", change_set_id="sweeping")
    check = check_explanations(version, pd.concat([sweeping, few], ignore_index=True), seed=1)
    assert check.clusters == 61
    assert check.rows == len(few) + MOST_ROWS // 10


def test_what_cannot_be_told_has_its_reason(past: pd.DataFrame, window: pd.DataFrame) -> None:
    version = explained(Weighed(1.0, 1.0, 1.0), past)
    few = window[window["cluster_id"].isin(window["cluster_id"].unique()[:5])]
    assert "5 clusters" in check_explanations(version, few, seed=1).reason
    assert check_explanations(version, window[:0], seed=1).reason == "the window has no rows"
    other = Explained(
        ExplanationBaseline(("another",), ((1.0,),) * 30), version.scorer, FEATURES, bounded=True
    )
    check = check_explanations(other, window, seed=1)
    assert check.reason.startswith("the version takes other features")
    assert not check.reported
