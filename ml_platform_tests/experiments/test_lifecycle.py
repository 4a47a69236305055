"""Where an experiment stands, and how long it is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.experiments.lifecycle import (
    RETENTION,
    ExperimentEvent,
    Happening,
    Status,
    references,
    retention,
    status,
)
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform_tests.experiments.examples import AT, experiment
from ml_platform_tests.registry.examples import RECORD

EXPERIMENT = experiment()


def event(happening: Happening, days: int = 0) -> ExperimentEvent:
    return ExperimentEvent("faster", happening, AT + timedelta(days=days))


@pytest.mark.parametrize(
    ("happened", "alive", "expected"),
    [
        ((), False, Status.DEFINED),
        (("defined",), False, Status.DEFINED),
        (("defined", "started"), True, Status.RUNNING),
        (("defined", "started"), False, Status.CUT_OFF),
        (("defined", "refused"), False, Status.REFUSED),
        (("defined", "refused", "started"), True, Status.RUNNING),
        (("defined", "started", "done"), True, Status.DONE),
        (("defined", "started", "done", "logged"), False, Status.DONE),
        (("defined", "started", "done", "pruned"), False, Status.PRUNED),
    ],
)
def test_status_follows_from_the_log(
    happened: tuple[str, ...], alive: bool, expected: Status
) -> None:
    events = [event(Happening(name)) for name in happened]
    assert status(events, lambda _: alive) is expected


def test_ninety_days_after_its_end_it_goes_and_not_before() -> None:
    events = (event(Happening.DEFINED), event(Happening.DONE, days=10))

    def kept(days: float, *, running: bool = False, names: tuple[str, ...] = ()):
        now = AT + timedelta(days=days)
        return retention(EXPERIMENT, events, now=now, running=running, references=names)

    assert timedelta(days=90) == RETENTION
    assert not kept(100).prune
    assert kept(100.01).prune
    assert not kept(500, running=True).prune
    assert kept(500, names=("toy version 1 has its parameters",)).why.startswith("toy version 1")


def test_what_refers_to_an_experiment() -> None:
    def names_of_references(**changes: object) -> tuple[str, ...]:
        arguments = {"finished_at": AT, "versions": (), "events": (), "adopted_hash": "", **changes}
        return references(EXPERIMENT, **arguments)

    assert names_of_references() == ()
    assert "fitted with its parameters" in names_of_references(adopted_hash=EXPERIMENT.hash)[0]
    variant = {**EXPERIMENT.definition.variant.parameters, "columns": 2}
    of_variant = replace(RECORD, model="toy", version=4, parameters=variant)
    assert names_of_references(versions=(of_variant,)) == ("toy version 4 has its parameters",)
    assert names_of_references(versions=(of_variant,), finished_at=None) == ()
    of_default = replace(of_variant, parameters=EXPERIMENT.definition.baseline.parameters)
    assert names_of_references(versions=(of_default,)) == ()
    named = PromotionEvent(
        7, "toy", 4, Action.PROMOTED, None, AT, "a", {"experiment": EXPERIMENT.hash}, "", ""
    )
    assert names_of_references(events=(named,)) == ("event 7 of toy names it",)
