"""Both ledgers keep baselines, predictions with their outcomes, and monitoring reports."""

from dataclasses import replace

import pandas as pd
import pytest
import sqlalchemy as sa

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.errors import UsageError
from ml_platform_tests.conformance.monitoring_reports import monitoring_report
from ml_platform_tests.prediction_log.examples import HOUR, START, outcomes, predictions


def test_baselines_are_kept_by_version(ledger):
    assert ledger.baseline("m", "rules") is None
    ledger.save_baseline("m", "rules", "{}")
    ledger.save_baseline("m", "rules", '{"a":1}')
    assert ledger.baseline("m", "rules") == '{"a":1}'
    assert ledger.baseline("m", "1") is None


def test_predictions_are_logged_once_and_joined_as_outcomes_come(ledger):
    assert ledger.log_predictions(predictions()) == 4
    assert ledger.log_predictions(predictions(5)) == 1
    assert ledger.log_outcomes(outcomes(r0="fix", r2="docs", r9="x")) == 3
    assert ledger.log_outcomes(outcomes(r0="fix")) == 0
    logged = ledger.predictions("m", START, START + 4 * HOUR)
    assert logged["row_id"].tolist() == ["r0", "r1", "r2", "r3"]
    assert logged["label"].tolist() == ["fix", None, "docs", None]
    assert logged["known_at"].iloc[0] == START + 2 * HOUR
    assert logged["prediction"].tolist() == ["fix", "docs", "fix", "docs"]
    assert logged["confidence"].tolist() == [0.5, 0.625, 0.75, 0.875]
    assert ledger.joined_share("m", START, START + 4 * HOUR) == 0.5


def test_the_window_takes_its_start_and_leaves_its_end(ledger):
    ledger.log_predictions(predictions())
    logged = ledger.predictions("m", START + HOUR, START + 3 * HOUR)
    assert logged["row_id"].tolist() == ["r1", "r2"]


def test_versions_and_models_are_kept_apart(ledger):
    frames = [predictions(2), predictions(2, version="rules"), predictions(2, model="other")]
    assert ledger.log_predictions(pd.concat(frames)) == 6
    end = START + 9 * HOUR
    assert len(ledger.predictions("m", START, end)) == 4
    assert ledger.predictions("m", START, end, "rules")["version"].unique().tolist() == ["rules"]


def test_without_predictions_there_is_an_empty_frame_and_no_share(ledger):
    logged = ledger.predictions("m", START, START + HOUR)
    assert len(logged) == 0
    assert str(logged["occurred_at"].dtype) == "datetime64[us, UTC]"
    assert logged["confidence"].dtype == "float64"
    assert ledger.joined_share("m", START, START + HOUR) is None


def test_an_outcome_is_corrected_by_what_was_known_later_only(ledger):
    ledger.log_predictions(predictions(1))
    early, late = outcomes(r0="fix"), outcomes(r0="docs").assign(known_at=START + 9 * HOUR)
    assert ledger.log_outcomes(late) == 1
    assert ledger.log_outcomes(early) == 0
    assert ledger.predictions("m", START, START + HOUR)["label"].tolist() == ["docs"]


def test_two_models_on_the_same_rows_have_each_its_own_labels(ledger):
    ledger.log_predictions(pd.concat([predictions(1), predictions(1, model="other")]))
    both = pd.concat([outcomes("m", r0="fix"), outcomes("other", r0="yes")])
    assert ledger.log_outcomes(both) == 2
    assert ledger.log_outcomes(outcomes("other", r0="no").assign(known_at=START + 9 * HOUR)) == 1
    end = START + HOUR
    assert ledger.predictions("m", START, end)["label"].tolist() == ["fix"]
    assert ledger.predictions("other", START, end)["label"].tolist() == ["no"]
    ledger.log_predictions(predictions(1, model="third"))
    assert ledger.joined_share("third", START, end) == 0.0


def test_odd_texts_come_back_as_they_were(ledger):
    odd = ['a,"b"', "\\N", "", "line\nbreak", "ü 🦊"]
    frame = predictions(5).assign(prediction=odd, segment=[*odd[:4], None])
    ledger.log_predictions(frame)
    logged = ledger.predictions("m", START, START + 9 * HOUR)
    assert logged["prediction"].tolist() == odd
    assert logged["segment"].tolist() == [*odd[:4], None]


def test_a_prediction_that_cannot_be_is_refused_whole(ledger):
    with pytest.raises(UsageError, match="lies outside"):
        ledger.log_predictions(predictions().assign(confidence=2.0))
    assert len(ledger.predictions("m", START, START + 9 * HOUR)) == 0


def test_monitoring_reports_come_newest_first_and_are_replaced_when_computed_again(ledger):
    first = monitoring_report("m", START)
    second = monitoring_report("m", START + 6 * HOUR)
    for report in (second, first, replace(first, rows=7)):
        ledger.save_monitoring_report(report)
    assert ledger.monitoring_reports("m") == (second, replace(first, rows=7))
    assert ledger.monitoring_reports("m", limit=1) == (second,)
    assert ledger.monitoring_reports("other") == ()


def test_of_versions_that_reported_one_window_the_last_saved_comes_first(ledger):
    rules, ninth, tenth = (
        replace(monitoring_report("m", START), version=version)
        for version in ("rules@0123456789ab", "9", "10")
    )
    for report in (rules, ninth, tenth):
        ledger.save_monitoring_report(report)
    assert ledger.monitoring_reports("m") == (tenth, ninth, rules)
    ledger.save_monitoring_report(ninth)
    assert ledger.monitoring_reports("m") == (ninth, tenth, rules)
    later = monitoring_report("m", START + HOUR)
    ledger.save_monitoring_report(later)
    ledger.save_monitoring_report(rules)
    assert ledger.monitoring_reports("m", limit=2) == (later, rules)


def test_feedback_is_counted_by_model_since_a_moment(request, ledger):
    times = [("m", START), ("m", START + HOUR), ("other", START + HOUR)]
    if isinstance(ledger, InMemoryLedger):
        ledger.feedback += times
    else:
        engine = sa.create_engine(request.getfixturevalue("database_url"))
        with engine.begin() as connection:
            for number, (model, at) in enumerate(times):
                row = {"id": f"{number:032x}", "model": model, "at": at}
                connection.execute(sa.text(FEEDBACK), row)
        engine.dispose()
    assert ledger.feedback_count("m", START) == 1
    assert ledger.feedback_count("m", START - HOUR) == 2
    assert ledger.feedback_count("nobody", START - HOUR) == 0


FEEDBACK = """
INSERT INTO feedback (prediction_id, kind, once, at, received_at, model, row_id, user_id, key_id)
VALUES (CAST(:id AS uuid), 'rating', '', :at, :at, :model, 'r', 'u', 'k')
"""


def test_watched_windows_are_the_newest_each_once(ledger):
    for hours, version in ((0, "1"), (6, "1"), (6, "2"), (12, "2")):
        made = monitoring_report("m", START + hours * HOUR)
        ledger.save_monitoring_report(replace(made, version=version))
    ledger.save_monitoring_report(monitoring_report("other", START + 18 * HOUR))
    assert ledger.watched_windows("m", 9) == tuple(START + hours * HOUR for hours in (12, 6, 0))
    assert ledger.watched_windows("m", 2) == tuple(START + hours * HOUR for hours in (12, 6))
    assert ledger.watched_windows("none", 9) == ()
