"""The short summary of a run: a line a gate that did not pass, and one for all that lack the same."""

import pytest

from ml_platform.application.summarise_run import GateSummary, ModelSummary, RunSummary
from ml_platform.cli.run_text import show

REASON = "no skill to lose is shown: accuracy less that of the dummy scorer is 0 on 9 rows"


def gate(name: str, value: float | None, explanation: str = "") -> GateSummary:
    outcome, words = ("FAIL", "FAIL") if value else ("INSUFFICIENT", "INSUFFICIENT (not defined)")
    return GateSummary(name, outcome, words, value, None, None, 0.5, explanation)


def test_gates_that_lack_the_same_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    undefined = [
        gate(name, None, f"robustness.{name} is not defined on these 9 test rows: {REASON}")
        for name in ("overconfidence", "newest_half")
    ]
    other = gate("soon_f1", None, "soon_f1 is not defined on these 9 test rows: no runs")
    models = {
        "ngram": ModelSummary(
            "REJECT", "a limit is missed", gates=[gate("accuracy", 0.25), *undefined, other]
        ),
        "forest": ModelSummary("REJECT", "a limit is missed", gates=[gate("f1", 0.125)]),
    }
    summary = RunSummary("files:exports", False, "2026-05-01", "mission", models, {}, {}, "mlruns")
    show(summary, verbose=False)
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("Gates that did not pass (--verbose shows the others):") + 1
    assert lines[first : first + 4] == [
        "ngram   FAIL                        accuracy                     0.25, limit 0.5",
        f"ngram   INSUFFICIENT (not defined)  overconfidence, newest_half  {REASON}",
        "ngram   INSUFFICIENT (not defined)  soon_f1                      no runs",
        "forest  FAIL                        f1                           0.125, limit 0.5",
    ]
