"""Everything lies exactly at the end of what a row looks at: a microsecond less, or a step, and bytes differ."""

from datetime import datetime
from pathlib import Path

import pytest

from ml_platform.application import asked_features
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.day_by_day import GrowingHome, Lake, from_scratch
from ml_platform_tests.features.growing_lakes import DAY, HOUR, MOMENT, run_at, steps
from ml_platform_tests.features.lakes import START

pytestmark = pytest.mark.usefixtures("parts_of_twelve_rows")
MIDNIGHT = START + 60 * DAY
DAY_LONG = 86_400_000_000
"""A day in microseconds."""


def grown_as_scratch(
    folder: Path, compiled: CompiledFeatures, *lakes: tuple[Lake, datetime]
) -> bool:
    """Whether a home that was built of each of the lakes in turn has the bytes of a build of the last one."""
    home = GrowingHome(folder / "grown", compiled)
    for lake, as_of in lakes:
        asked = home.build(lake, as_of)
    assert asked, "the last build was one of everything"
    return home.published() == from_scratch(folder / "scratch", compiled, *lakes[-1])


@pytest.mark.parametrize(
    "cut",
    [
        None,
        ("int_user_counts", 30),
        ("int_user_counts", 7),
        ("int_place_counts", 30),
    ],
)
def test_counts_look_back_on_a_month_or_a_week_and_not_a_microsecond_less(
    cut: tuple[str, int] | None, compiled: CompiledFeatures, tmp_path: Path
) -> None:
    filler = [MIDNIGHT - (20 - n) * HOUR for n in range(20)]
    before = steps(MIDNIGHT - 30 * DAY, MIDNIGHT - 7 * DAY) + steps(*filler, user="v")
    after = before + steps(MIDNIGHT)
    clock = MIDNIGHT + HOUR
    if cut:
        model, days = cut
        compiled = compiled.edited(model, f"*/ - {days * DAY_LONG}", f"*/ - {days * DAY_LONG - 1}")
    lakes = ({"events": before}, MIDNIGHT), ({"events": after}, clock)
    assert grown_as_scratch(tmp_path, compiled, *lakes) == (cut is None)


@pytest.mark.parametrize("cut", [False, True])
def test_steps_look_back_on_a_run_99_steps_ago(
    cut: bool, compiled: CompiledFeatures, tmp_path: Path
) -> None:
    asked = MIDNIGHT - DAY
    past = [asked - (150 - n) * HOUR / 10 for n in range(150)]
    runs = [run_at(past[-99] + MOMENT), run_at(past[3])]
    before = {"events": steps(*past, asked), "workflow_executions": runs}
    after = before | {"events": steps(*past, asked, MIDNIGHT)}
    if cut:
        compiled = compiled.edited("step_features", "first_place - 100", "first_place - 99")
    lakes = (before, MIDNIGHT), (after, MIDNIGHT + HOUR)
    assert grown_as_scratch(tmp_path, compiled, *lakes) != cut


@pytest.mark.parametrize("cut", [False, True])
def test_the_label_of_a_step_looks_ahead_on_three_steps_half_an_hour_apart(
    cut: bool,
    compiled: CompiledFeatures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The step is the last of its day; the third after it comes at the clock of the first build."""
    step, pause = MIDNIGHT - MOMENT, HOUR / 2
    filler = [MIDNIGHT - 5 * DAY + n * HOUR for n in range(24)]
    last_day = [MIDNIGHT - (20 - n) * HOUR for n in range(14)]
    stretch = [step + n * pause for n in range(4)]
    lake = {
        "events": steps(*filler, *last_day, *stretch),
        "workflow_executions": [run_at(filler[0])],
    }
    if cut:
        reach = asked_features.STEP_REACH - MOMENT
        monkeypatch.setattr(asked_features, "STEP_REACH", reach)
    lakes = (lake, stretch[-1]), (lake, MIDNIGHT + DAY)
    assert grown_as_scratch(tmp_path, compiled, *lakes) != cut


def test_a_run_that_comes_in_late_changes_the_steps_of_its_day(
    compiled: CompiledFeatures, tmp_path: Path
) -> None:
    filler = [MIDNIGHT - 5 * DAY + n * HOUR for n in range(24)]
    last_days = [MIDNIGHT - (40 - n) * HOUR for n in range(40)]
    before = {
        "events": steps(*filler, *last_days, MIDNIGHT),
        "workflow_executions": [run_at(filler[0])],
    }
    late = run_at(last_days[3] + MOMENT)
    after = before | {"workflow_executions": [*before["workflow_executions"], late]}
    lakes = (before, MIDNIGHT + HOUR), (after, MIDNIGHT + 2 * HOUR)
    assert grown_as_scratch(tmp_path, compiled, *lakes)
