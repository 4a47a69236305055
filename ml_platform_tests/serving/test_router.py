"""Who answers whom while a version is rolled out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ml_platform.assignment.split import Arm, grown_to
from ml_platform.serving.router import ServedArm, rollout_salt, route
from ml_platform.serving.table import ServedModel, ServedRollout, ServedVersion

NOW = datetime(2026, 5, 2, tzinfo=UTC)
CHAMPION, CANDIDATE, RULES = (
    ServedVersion(name, "f" * 64, "artifacts/f") for name in ("1", "2", "rules@123456789012")
)
ROLLOUT = ServedRollout(CANDIDATE, 0.1, 0.05, NOW + timedelta(minutes=5))
MODEL = ServedModel("m", CHAMPION, RULES, ROLLOUT, 1)
SPLIT = grown_to(rollout_salt("m", "2"), 0.1, 0.05)


def user_in(arm: Arm) -> str:
    return next(user for user in map(str, range(1_000)) if SPLIT.arm_of(user) is arm)


def test_whoever_answers_a_user_of_the_control_answers_as_the_control() -> None:
    """The rules answered a control's user as any other where the champion had failed: its errors were not seen."""
    chosen = route(MODEL, user_in(Arm.CONTROL), NOW).chosen
    assert chosen == ((CHAMPION, ServedArm.CONTROL), (RULES, ServedArm.CONTROL))
    without = route(replace(MODEL, champion=None), user_in(Arm.CONTROL), NOW).chosen
    assert without == ((RULES, ServedArm.CONTROL),)


def test_the_treatment_gets_the_version_first_and_strangers_what_stands() -> None:
    standing = ((CHAMPION, ServedArm.CHAMPION), (RULES, ServedArm.RULES))
    treated = route(MODEL, user_in(Arm.TREATMENT), NOW)
    assert treated.chosen == ((CANDIDATE, ServedArm.CANARY), *standing)
    assert treated.shadow is None
    assert route(MODEL, user_in(Arm.NEITHER), NOW).chosen == standing


def test_without_a_lease_nobody_is_in_an_arm_and_in_shadow_everybody_is_asked_for() -> None:
    later = NOW + timedelta(minutes=5)
    standing = ((CHAMPION, ServedArm.CHAMPION), (RULES, ServedArm.RULES))
    for arm in (Arm.TREATMENT, Arm.CONTROL):
        lapsed = route(MODEL, user_in(arm), later)
        assert (lapsed.chosen, lapsed.shadow) == (standing, None)
    shadow = replace(MODEL, rollout=replace(ROLLOUT, share=0.0))
    assert route(shadow, "ann", NOW).shadow == CANDIDATE
