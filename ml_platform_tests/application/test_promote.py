"""A promotion replaces the champion that its candidate was compared with, and no other."""

from dataclasses import replace

import pytest

from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.tracking import RegisteredVersion
from ml_platform.application.connections import Connections
from ml_platform.application.mirrored import fingerprint_of
from ml_platform.application.promote import settle_champion
from ml_platform.errors import PermitRefused, ServiceError
from ml_platform.registry.changes import Request, hold
from ml_platform.registry.records import Action, ProductionState, VersionRecord
from ml_platform_tests.application.homes import (
    CHECKS,
    SPEC,
    ask,
    evaluation_record_of,
    home,
    promotable,
    training_set_of,
)


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


def test_what_mlflow_shows_of_another_model_is_left_to_the_steps_of_that_model(tmp_path):
    """Both wrote the tags of both, and MLflow refused the step that came second in the same moment."""
    platform = home(tmp_path)
    platform.tracking = tracking = InMemoryTracking()
    record = shown_in_mlflow(platform, promotable(platform, b"1"))
    other = replace(record, model="other", version=0)
    other = shown_in_mlflow(platform, platform.ledger.register(other))
    judged = evaluation_record_of(platform, record)
    state = settle_champion(
        platform,
        SPEC,
        training_set_of(record),
        judged,
        record,
        CHECKS,
        run_id="dagster",
        progress=lambda _: None,
    )
    assert state.answers == "version 1"
    assert tags_of(tracking.registered("example"))["status"] == "production"
    assert tags_of(tracking.registered("other")) == {"fingerprint": fingerprint_of(other)}


def shown_in_mlflow(platform: Connections, record: VersionRecord) -> VersionRecord:
    """The version, registered with MLflow as its step does, before any tag of its state."""
    tags = {"fingerprint": fingerprint_of(record)}
    run_id = platform.tracking.log_run(
        name=record.model, experiment=record.model, parameters={}, metrics={}, tags=tags, files={}
    )
    folder = platform.settings.home / record.artifact_path
    number = platform.tracking.register_version(
        record.model, run_id, folder, task=SPEC.task, tags=tags
    )
    platform.ledger.set_mlflow_version(record.model, record.version, number)
    return platform.ledger.version(record.model, record.version)


def tags_of(versions: tuple[RegisteredVersion, ...]) -> dict[str, str]:
    (version,) = versions
    return version.tags


class SilentTracking(InMemoryTracking):
    """MLflow that does not answer."""

    def alias(self, model: str, alias: str) -> str | None:
        raise ServiceError("MLflow does not answer.", remedy="start it")


def settle(platform: Connections, record: VersionRecord, run_id: str = "dagster"):
    judged = evaluation_record_of(platform, record)
    return settle_champion(
        platform,
        SPEC,
        training_set_of(record),
        judged,
        record,
        CHECKS,
        run_id=run_id,
        progress=lambda _: None,
    )


def test_nothing_is_promoted_while_mlflow_does_not_answer(tmp_path):
    platform = home(tmp_path)
    platform.tracking = SilentTracking()
    record = promotable(platform, b"1")
    with pytest.raises(ServiceError):
        settle(platform, record)
    assert platform.ledger.production("example") == ProductionState("example", None, 0)
    assert len(platform.ledger.events()) == 1


def test_what_is_held_waits_in_its_own_run_and_is_refused_when_asked_for(tmp_path):
    platform = home(tmp_path)
    platform.tracking = InMemoryTracking()
    record = shown_in_mlflow(platform, promotable(platform, b"1"))
    request = Request("ada", "not before Monday", record.registered_at)
    platform.ledger.change("example", lambda history: hold(history, 1, request))
    state = settle(platform, record)
    assert state.production.version is None
    assert "version 1 is held since" in state.waits
    assert "by ada (not before Monday)" in state.waits
    with pytest.raises(PermitRefused, match="is held since"):
        settle(platform, record, run_id="another")
    assert platform.ledger.events()[-1].action is Action.REFUSED
