"""What `ml-platform models show` says of the guard of a rollout."""

from datetime import UTC, datetime

import pytest

from ml_platform.application.last_look import GuardedRollout, GuardrailReading
from ml_platform.cli.model_views import _show_guard
from ml_platform.registry.rollout.last_look import Observed, StepSeen

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
SEEN = StepSeen(412, 1_000, 6.5, 24.0)
ERRORS = GuardrailReading(
    "errors", "suspected", NOON, Observed(0.031, 0.01), 50.0, 20.0, 1 / 0.0015, 0.02
)
METRIC = GuardrailReading("metric", "blind", NOON, None, None, 20.0, 1 / 0.0017, None)


def test_each_guardrail_has_a_line_with_its_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    guard = GuardedRollout(
        2, 3, 4, 0.5, 0.5, False, SEEN, NOON, "wait", "harm is suspected: errors", (ERRORS, METRIC)
    )
    _show_guard(guard)
    assert capsys.readouterr().out.splitlines() == [
        "    it has seen 412 of 1,000 answers and 6.5 of 24 hours",
        "    last look of its guard 2026-05-02 12:00:00 UTC: wait (harm is suspected: errors)",
        "    errors       suspected  0.031, others 0.01; evidence of harm 50, rolled back from 667",
        "    metric       blind      nothing to compare with",
    ]


def test_before_the_first_look_it_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    _show_guard(GuardedRollout(2, 0, 4, 0.0, 0.0, False, SEEN, None, None, "", ()))
    assert "its guard has not looked yet: that takes a running service" in capsys.readouterr().out
