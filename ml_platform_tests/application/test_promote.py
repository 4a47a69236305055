"""A promotion replaces the champion that its candidate was compared with, and no other."""

import pytest

from ml_platform.errors import PermitRefused
from ml_platform.registry.records import Action, ProductionState
from ml_platform_tests.application.homes import ask, evaluation_record_of, home, promotable


def test_a_champion_that_came_after_the_comparison_is_not_replaced(tmp_path):
    platform = home(tmp_path)
    first, second = promotable(platform, b"1"), promotable(platform, b"2")
    judged_before = evaluation_record_of(platform, second)
    ask(platform, first)
    with pytest.raises(PermitRefused) as refused:
        ask(platform, second, judged_before)
    assert refused.value.reasons == (
        "evaluated against champion none (revision 0), now 1 (revision 1)",
    )
    assert platform.ledger.production("example") == ProductionState("example", 1, 1)
    assert platform.ledger.events()[-1].action is Action.REFUSED
    ask(platform, second, evaluation_record_of(platform, second))
    assert platform.ledger.production("example") == ProductionState("example", 2, 2)


def test_the_same_promotion_asked_for_again_changes_nothing(tmp_path):
    platform = home(tmp_path)
    record = promotable(platform, b"1")
    evaluation = evaluation_record_of(platform, record)
    ask(platform, record, evaluation)
    before = platform.ledger.events()
    ask(platform, record, evaluation)
    ask(platform, record, evaluation_record_of(platform, record))
    assert platform.ledger.events() == before
