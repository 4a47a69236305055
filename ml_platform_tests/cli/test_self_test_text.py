"""The self-test of monitoring as text: the power curve, and the size from which on nearly all shifts are found."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.cli.self_test_text import show_self_test
from ml_platform.monitoring.self_test.looks import WatchedMonth
from ml_platform.monitoring.self_test.planted import Power
from ml_platform.monitoring.self_test.result import ModelSelfTest, SelfTest

MONTH = WatchedMonth(False, 30.0, 121, 0, 0, 0, 0, ())


def shown(
    curve: tuple[Power, ...], capsys: pytest.CaptureFixture[str], month: WatchedMonth = MONTH
) -> list[str]:
    model = ModelSelfTest("scorer", (month,), (), power=curve)
    show_self_test(SelfTest(datetime(2026, 1, 5, tzinfo=UTC), True, "p", 0, (model,)), Path("kept"))
    return capsys.readouterr().out.splitlines()


def test_power_is_shown_by_size(capsys: pytest.CaptureFixture[str]) -> None:
    curve = tuple(
        Power(times, 20, found) for times, found in ((0.5, 9), (1.0, 17), (1.5, 19), (2.0, 20))
    )
    lines = shown(curve, capsys)
    assert lines[5] == "scorer     45%     85%     95%    100%  x1.5"
    assert lines[4].split() == ["model", "x0.5", "x1", "x1.5", "x2", "95", "%", "from"]


def test_a_curve_that_never_gets_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown((Power(1.0, 20, 2),), capsys)
    assert lines[5] == "scorer       -     10%       -       -  more than x1", (
        "nothing larger was planted"
    )


def test_nothing_planted_shows_no_curve(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("x0.5" in line for line in shown((), capsys))


def test_a_model_of_which_no_look_could_tell_has_no_rate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown((), capsys)[2].split()[5:7] == ["0.00", "3.00"]
    blind = shown((), capsys, replace(MONTH, insufficient=MONTH.looks))
    assert blind[2].split()[5:7] == ["-", "-"]
    assert blind[3] == "  no look could tell: most features were INSUFFICIENT in each"
