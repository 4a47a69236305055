"""A champion whose features are gone is retired, and the rules answer; one that can be compared is not."""

from dataclasses import replace

import pytest

from ml_platform.application.change_version import asked
from ml_platform.application.retire import retire
from ml_platform.application.state_keys import rules_key
from ml_platform.errors import UsageError
from ml_platform.registry.records import Status
from ml_platform.spec.feature import Kind
from ml_platform_tests.application.homes import SPEC, ask, home, promotable


def with_features(**kinds: Kind):
    """The model's declaration with these features alone."""
    some = SPEC.table.features[0]
    features = tuple(replace(some, name=name, kind=kind) for name, kind in kinds.items())
    part = replace(SPEC.table.parts[0], features=features)
    return replace(SPEC, table=replace(SPEC.table, parts=(part,)))


@pytest.fixture
def platform(tmp_path):
    platform = home(tmp_path)
    record = promotable(
        platform,
        b"1",
        input_schema={"x": "number", "tool": "category"},
        feature_versions={"x": "0" * 12, "tool": "1" * 12},
    )
    ask(platform, record)
    platform.ledger.set_state(rules_key("example"), {"sha256": "f" * 64})
    return platform


def of_ada(platform):
    return asked(platform, "ada", "the source has lost them")


@pytest.mark.parametrize(
    ("kinds", "gone"),
    [({"x": Kind.NUMBER}, "tool"), ({"tool": Kind.NUMBER}, "tool, x")],
)
def test_the_rules_answer_and_the_reason_names_what_is_gone(platform, kinds, gone):
    done = retire(platform, with_features(**kinds), of_ada(platform))
    assert (done.left, done.answers) == (1, "the rules")
    history = platform.ledger.history("example")
    assert history.life(1).status is Status.HELD
    assert f"the source has lost them (gone: {gone})" in str(history.events[-1].evidence)
    with pytest.raises(UsageError, match="No version of example is in production"):
        retire(platform, with_features(**kinds), of_ada(platform))


def test_a_champion_that_can_be_compared_is_not_retired(platform):
    whole = with_features(x=Kind.NUMBER, tool=Kind.CATEGORY)
    with pytest.raises(UsageError, match="Each of the 2 features of example 1 is still there"):
        retire(platform, whole, of_ada(platform))
    assert platform.ledger.production("example").version == 1
