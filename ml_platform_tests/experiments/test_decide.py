"""The verdict over the whole table: every combination of signals, beside a second telling of the rules."""

from dataclasses import fields, replace
from itertools import product

from ml_platform.experiments.decide import EXPERIMENT_TABLE, ExperimentSignals, Verdict

NAMES = [field.name for field in fields(ExperimentSignals)]
ALL = [
    ExperimentSignals(**dict(zip(NAMES, values, strict=True)))
    for values in product((False, True), repeat=len(NAMES))
]


NOTHING = ExperimentSignals(*[False] * len(NAMES))


def expected(s: ExperimentSignals) -> Verdict:
    if s.guardrail_broken:
        return Verdict.REJECT
    if s.too_little_data:
        return Verdict.ITERATE
    if s.shown_worse or s.shown_too_small:
        return Verdict.REJECT
    return Verdict.PROMOTE if s.criterion_met and not s.guardrail_unclear else Verdict.ITERATE


def test_the_table_is_total_and_says_what_the_rules_say() -> None:
    assert len(ALL) == 128
    for signals in ALL:
        assert EXPERIMENT_TABLE.first_match(signals).outcome is expected(signals), signals


def test_every_row_fires_for_some_signals() -> None:
    assert {EXPERIMENT_TABLE.first_match(signals) for signals in ALL} == set(EXPERIMENT_TABLE)


def test_only_what_is_shown_promotes() -> None:
    for signals in ALL:
        if EXPERIMENT_TABLE.first_match(signals).outcome is Verdict.PROMOTE:
            assert replace(NOTHING, criterion_met=True, promising=signals.promising) == signals
