"""Definitions from what is typed or written: resolved, frozen, and each mistake told by its field."""

import re
from dataclasses import replace

import pytest

from ml_platform.errors import UsageError
from ml_platform.experiments.definition import Definition, Kind, Place, differing, digest
from ml_platform.experiments.proposal import (
    Champion,
    Proposal,
    better,
    defined,
    merged,
    proposal_in,
)
from ml_platform.spec.metric import Direction
from ml_platform.values import from_json, to_json
from ml_platform_tests.experiments.examples import METRICS, PROPOSAL, SPEC, definition, rows

TOML = """
name = "faster"
model = "toy"
hypothesis = "thirty times the learning rate learns the step"
baseline = "default"
metric = "r2"
minimum_effect = 0.1
guardrail = ["mae:0.3", "r2:worse-by:0.0", "size_mb:5"]
[change]
learning_rate = 0.3
"""


def test_everything_is_resolved() -> None:
    resolved = definition()
    assert resolved.baseline.parameters == dict(SPEC.defaults)
    assert resolved.variant.parameters == {**SPEC.defaults, "learning_rate": 0.3}
    assert resolved.changed == {"learning_rate": "0.3"}
    assert resolved.training_set_fingerprint == "f" * 64
    assert (resolved.place, resolved.alpha, resolved.direction) == (
        Place.HOLDOUT,
        0.05,
        Direction.HIGHER,
    )
    assert [(g.measure, g.kind, g.limit) for g in resolved.guardrails] == [
        ("mae", Kind.VALUE, 0.3),
        ("r2", Kind.WORSE_BY, 0.0),
        ("size_mb", Kind.VALUE, 5.0),
    ]
    assert resolved.criterion == (
        "r2 (higher is better): improvement at least 0.1 by the lower bound of its paired 95% interval, p < 0.05"
    )


def test_a_file_says_the_same_as_the_command() -> None:
    written = proposal_in(TOML, "exp.toml")
    assert defined(written, SPEC, rows().record, METRICS, None) == definition()
    typed = merged(Proposal(name="other", alpha=0.05), replace(written, alpha=0.01))
    assert (typed.name, typed.alpha, typed.metric) == ("other", 0.05, "r2")


def test_it_comes_back_from_json_as_it_was_and_any_change_changes_its_hash() -> None:
    frozen = definition()
    assert from_json(Definition, to_json(frozen)) == frozen
    other = definition(minimum_effect=0.05)
    assert digest(other) != digest(frozen)
    assert differing(frozen, other) == ("minimum_effect",)
    assert digest(definition(hypothesis=f"  {PROPOSAL.hypothesis} ")) == digest(frozen)


def test_a_baseline_is_the_default_the_champion_or_chosen() -> None:
    champion = Champion(3, {"learning_rate": 0.2, "seed": 7, "columns": 2})
    resolved = defined(
        replace(PROPOSAL, baseline=("champion",)), SPEC, rows().record, METRICS, champion
    )
    assert resolved.baseline_is == "champion version 3"
    assert resolved.baseline.parameters == {**SPEC.defaults, "learning_rate": 0.2}
    chosen = definition(baseline=("learning_rate=0.1", "leaves=8"))
    assert chosen.baseline_is == "chosen"
    assert chosen.variant.parameters == {**SPEC.defaults, "learning_rate": 0.3, "leaves": 8}


def test_features_and_seed_can_be_what_is_changed() -> None:
    assert definition(change=("features=size",)).variant.without == ("noise",)
    assert definition(change=("features=-size",)).variant.without == ("size",)
    assert definition(change=("seed=11",)).variant.seed == 11


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a b"}, "name: 'a b'"),
        ({"hypothesis": " "}, "hypothesis: it is empty"),
        ({"change": ()}, "change: nothing is changed"),
        ({"change": ("learning_rate",)}, "change: 'learning_rate'"),
        ({"change": ("speed=1",)}, "change: toy has no parameter 'speed'"),
        ({"change": ("leaves=many",)}, "change leaves: 'many'"),
        ({"change": ("learning_rate=nan",)}, "change learning_rate: 'nan'"),
        ({"change": ("learning_rate=0.01",)}, "change: the variant is the baseline"),
        ({"change": ("seed=1", "seed=2")}, "change: seed is given twice"),
        ({"change": ("features=taste",)}, "change features: no features of toy: taste"),
        ({"change": ("features=size,noise",)}, "change features: 'size,noise'"),
        ({"change": ("features=size,-noise",)}, "change features: 'size,-noise'"),
        ({"baseline": ("champion",)}, "baseline: toy has no champion"),
        ({"metric": "f1"}, "metric: 'f1'"),
        ({"minimum_effect": None}, "minimum_effect: it is missing"),
        ({"minimum_effect": -0.1}, "minimum_effect: -0.1"),
        ({"alpha": 0.9}, "alpha: 0.9"),
        ({"direction": "up"}, "direction: 'up'"),
        ({"place": "train"}, "place: 'train'"),
        ({"guardrail": ("mae",)}, "guardrail: 'mae'"),
        ({"guardrail": ("speed:1",)}, "guardrail: there is no 'speed'"),
        ({"guardrail": ("mae:about:1",)}, "guardrail: 'mae:about:1'"),
        ({"guardrail": ("mae:low",)}, "guardrail mae: 'low'"),
    ],
)
def test_each_mistake_names_its_field(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"The experiment's {message}")) as caught:
        definition(**changes)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "exp.toml is no TOML"),
        ("speed = 1", "speed: exp.toml has it"),
        ("name = 1", "name: 1"),
        ("alpha = '0.05'", "alpha: '0.05'"),
        ("change = 3", "change: 3"),
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        proposal_in(text, "exp.toml")


def test_which_way_is_better() -> None:
    lower = ("mae", "log_loss", "soon_brier", "false_alarm_rate", "latency_ms", "size_mb")
    assert {better(name) for name in lower} == {Direction.LOWER}
    assert {better(name) for name in ("r2", "one_minus_mae", "mrr")} == {Direction.HIGHER}
