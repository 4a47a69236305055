"""Causes are ranked by what predictions rest on, and a replay of a stored report keeps them."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.monitoring.causes.likely import (
    MOST,
    Importance,
    importances_of,
    likely_causes,
    with_likely_causes,
)
from ml_platform.monitoring.causes.parts import CauseKind, PlatformChange
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.retraining.decide import decided
from ml_platform.values import from_json, to_json
from ml_platform_tests.retraining.reports import report

IMPORTANCES = (
    Importance("team", ("team",), 0.6),
    Importance("dwell", ("dwell",), 0.1),
    Importance("user_*", ("user_rows", "user_kinds"), 0.3),
)
PROMOTION = PlatformChange(CauseKind.PRODUCTION, ("2",), "version 2 was promoted")
DEFINED = PlatformChange(
    CauseKind.DEFINITION, ("user_rows",), "the definition of user_rows", features=("user_rows",)
)
SOURCE = PlatformChange(CauseKind.SOURCE, ("files",), "rows come from files")


def moved(sizes: dict[str, float], performance: Performance = Performance.OK) -> MonitoringReport:
    """A report in which features of these sizes have moved significantly."""
    base = report(Severity.SIGNIFICANT if sizes else Severity.NONE, performance)
    (entry,) = base.features
    features = tuple(replace(entry, name=name, size=size) for name, size in sizes.items())
    return replace(base, features=features)


def test_a_feature_that_moved_less_comes_first_where_more_rests_on_it() -> None:
    """.3 times .6 is .18, .9 times .1 is .09."""
    causes = likely_causes(moved({"dwell": 0.9, "team": 0.3}), IMPORTANCES, ())
    assert [(cause.names, round(cause.weight, 9)) for cause in causes] == [
        (("team",), 0.18),
        (("dwell",), 0.09),
    ]
    assert causes[0].words == (
        "team has moved (size 0.30); 60% of the movement of the predictions rests on it"
    )


def test_features_that_are_explained_together_are_one_cause() -> None:
    (cause,) = likely_causes(moved({"user_kinds": 0.2, "user_rows": 0.5}), IMPORTANCES, ())
    assert (cause.names, cause.weight) == (("user_rows", "user_kinds"), 0.15)
    assert cause.words.startswith("user_rows, user_kinds have moved (size 0.50); 30% of")


def test_a_column_that_went_missing_counts_by_the_change_of_its_share() -> None:
    gone = moved({"team": 0.0})
    features = (replace(gone.features[0], missing_current=0.5),)
    (cause,) = likely_causes(replace(gone, features=features), IMPORTANCES, ())
    assert cause.weight == pytest.approx(0.3)


def test_a_change_of_all_rows_comes_before_any_feature() -> None:
    causes = likely_causes(moved({"user_rows": 0.4}), IMPORTANCES, (DEFINED, SOURCE))
    assert [cause.kind for cause in causes] == [
        CauseKind.SOURCE,
        CauseKind.DEFINITION,
        CauseKind.FEATURE,
    ]


def test_a_definition_explains_the_drift_of_its_own_features_alone() -> None:
    causes = likely_causes(moved({"team": 0.4}), IMPORTANCES, (DEFINED,))
    assert [cause.kind for cause in causes] == [CauseKind.FEATURE]
    lost = likely_causes(moved({}, Performance.WARN), IMPORTANCES, (DEFINED,))
    assert [cause.kind for cause in lost] == [CauseKind.DEFINITION]


def test_a_promotion_explains_answers_and_no_drift_of_features() -> None:
    assert PROMOTION.words not in [
        cause.words for cause in likely_causes(moved({"team": 0.4}), IMPORTANCES, (PROMOTION,))
    ]
    causes = likely_causes(moved({"team": 0.4}, Performance.ALERT), IMPORTANCES, (PROMOTION,))
    assert causes[0].kind is CauseKind.PRODUCTION


def test_a_quiet_window_has_no_cause_and_no_suggestion() -> None:
    quiet = report()
    period = (quiet.window_start - timedelta(days=60), quiet.window_start)
    explained = with_likely_causes(quiet, IMPORTANCES, (PROMOTION, DEFINED, SOURCE), period)
    assert (explained.likely_causes, explained.suggestion) == ((), None)


def test_at_most_five_are_named() -> None:
    sizes = {f"feature_{number}": 0.3 for number in range(9)}
    importances = importances_of(None, list(sizes))
    causes = likely_causes(moved(sizes), importances, ())
    assert len(causes) == MOST
    assert causes[0].words.endswith("how much predictions rest on it is not known")


def test_a_retraining_keeps_the_length_of_the_training_and_ends_with_mature_labels() -> None:
    changed = moved({"team": 0.4})
    mature = changed.window_end - timedelta(days=2)
    changed = replace(changed, performance=replace(changed.performance, window_end=mature))
    period = (changed.window_start - timedelta(days=70), changed.window_start)
    suggestion = with_likely_causes(changed, IMPORTANCES, (), period).suggestion
    assert suggestion is not None
    assert (suggestion.start, suggestion.end) == (mature - timedelta(days=70), mature)
    assert (suggestion.changed_days, suggestion.features) == (5.0, ("team",))
    assert suggestion.words.startswith("a retraining would use 2024-03-2")


def test_without_mature_labels_a_retraining_would_learn_nothing_new() -> None:
    changed = moved({"team": 0.4}, Performance.UNKNOWN)
    period = (changed.window_start - timedelta(days=70), changed.window_start)
    suggestion = with_likely_causes(changed, IMPORTANCES, (), period).suggestion
    assert suggestion is not None
    assert (suggestion.end, suggestion.changed_days) == (period[1], 0.0)
    assert "their labels are not mature yet" in suggestion.words


def test_a_stored_report_keeps_its_causes_and_its_decision() -> None:
    changed = moved({"team": 0.4}, Performance.WARN)
    period = (changed.window_start - timedelta(days=70), changed.window_start)
    stored = decided(with_likely_causes(changed, IMPORTANCES, (PROMOTION,), period))
    again = decided(from_json(MonitoringReport, to_json(stored)))
    assert again == stored
    assert len(again.likely_causes) == 2


def test_a_report_of_an_earlier_release_is_read_and_decided_as_it_was() -> None:
    stored = decided(moved({"team": 0.4}, Performance.WARN))
    plain = json.loads(to_json(stored))
    del plain["likely_causes"], plain["suggestion"]
    again = decided(from_json(MonitoringReport, json.dumps(plain)))
    assert (again.action, again.decision_row, again.confidence) == (
        stored.action,
        stored.decision_row,
        stored.confidence,
    )
    assert (again.likely_causes, again.suggestion) == ((), None)
