"""The page of a champion in Dagster follows what people do by command, and says the same as the asset itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.application.change_version import asked, change_version
from ml_platform.application.connections import Connections
from ml_platform.application.roll_back import roll_back
from ml_platform.defs.automation import mlflow_sensor
from ml_platform.defs.champion_page import LAST_CHANGE, follow_ledger
from ml_platform.defs.registry import champion_asset
from ml_platform.gates.outcome import Verdict
from ml_platform_tests.application.homes import (
    SPEC,
    ask,
    evaluation_record_of,
    home,
    promotable,
    training_set_of,
)
from ml_platform_tests.application.test_roll_back import UsersAlone

KEY = dg.AssetKey(["example", "champion"])
RUN = "00000000-0000-0000-0000-000000000001"


class Given(dg.IOManager):
    """Hands each input of the asset the record that the test has for it."""

    def __init__(self, records: dict[str, Any]) -> None:
        self.records = records

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Keep nothing."""

    def load_input(self, context: dg.InputContext) -> Any:
        """The record of the asset that is read."""
        return self.records[context.asset_key.path[-1]]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def platform(tmp_path) -> Connections:
    """A home whose first version is in production."""
    platform = home(tmp_path)
    platform.lake = UsersAlone(10)
    platform.tracking = InMemoryTracking()
    ask(platform, promotable(platform, b"1"))
    return platform


def materialise(platform: Connections, instance: dg.DagsterInstance) -> None:
    """The asset in the run that evaluated a candidate, which is held: production stays as it is."""
    version = platform.ledger.version("example", 1)
    judged = evaluation_record_of(platform, version)
    held = replace(
        judged, decision=replace(judged.decision, verdict=Verdict.HOLD), dagster_run_id=RUN
    )
    records = {
        "training_set": training_set_of(version),
        "evaluation_report": held,
        "registered_version": version,
    }
    given = Given(records)
    definitions = dg.Definitions(
        assets=[champion_asset(SPEC), *(dg.AssetSpec(["example", name]) for name in records)],
        resources={"platform": platform, "records": given, "io_manager": given},
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance, run_id=RUN).success


def pages(instance: dg.DagsterInstance) -> list[dg.AssetMaterialization]:
    """Everything that was recorded of the champion, the newest first."""
    records = instance.fetch_materializations(KEY, limit=10).records
    return [event for record in records if (event := record.asset_materialization)]


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    return {name: entry.value for name, entry in pages(instance)[0].metadata.items()}


def test_the_page_follows_a_rollback_by_command(platform, instance) -> None:
    materialise(platform, instance)
    (first,) = pages(instance)
    assert shown(instance)["in production"] == "version 1"
    assert follow_ledger(platform, instance, [SPEC]) == (), "nothing has changed"
    roll_back(platform, "example", asked(platform, "ada", "answers are wrong"))
    assert follow_ledger(platform, instance, [SPEC]) == ("example/champion: the rules answers",)
    now = shown(instance)
    assert now["in production"] == "the rules"
    assert now["why"] == "version 1 was rolled back (answers are wrong): the rules answer"
    back = platform.ledger.events("example")[-1]
    assert (now["since"], now["by"]) == (f"{back.wall:%Y-%m-%d %H:%M} UTC", "ada")
    assert now["revision"] == 2
    assert "models:/example.rules@current in MLflow" in now["read by"]
    option = f"--home {platform.settings.home}"
    assert now["way back"] == "version 1 is held; once that is lifted it can answer again"
    assert [value for name, value in now.items() if name.startswith("way back, command")] == [
        f"ml-platform models resume example 1 --reason WHY {option}",
        f"ml-platform models rollback example --to 1 --reason WHY {option}",
    ]
    newest, before = pages(instance)
    assert before == first
    assert newest.metadata.keys() - first.metadata.keys() == {"way back, command 2"}
    tags, were = dict(newest.tags or {}), dict(first.tags or {})
    assert tags.pop("dagster/data_version") == "the rules, revision 2"
    assert were.pop("dagster/data_version") == "version 1, revision 1"
    assert tags == were, "code and inputs keep their versions, so that nothing is made again"
    assert any("code_version" in tag for tag in tags)
    assert follow_ledger(platform, instance, [SPEC]) == (), "it is told once"
    assert len(pages(instance)) == 2


def test_a_hold_and_its_lifting_are_followed_and_what_only_looks_is_not(platform, instance) -> None:
    materialise(platform, instance)
    request = asked(platform, "ada", "a reason")
    platform.ledger.record_refusal("example", 1, reasons=("stale",), at=request.at, actor="test")
    assert follow_ledger(platform, instance, [SPEC]) == ()
    promotable(platform, b"2")
    assert follow_ledger(platform, instance, [SPEC]) == ()
    for change in ("hold", "resume"):
        change_version(platform, change, "example", 2, request)
        assert follow_ledger(platform, instance, [SPEC])
    assert shown(instance)[LAST_CHANGE] == platform.ledger.events("example")[-1].sequence
    assert shown(instance)["in production"] == "version 1"
    assert pages(instance)[0].tags["dagster/data_version"] == "version 1, revision 1"


def test_the_asset_and_the_sensor_say_the_same(platform, instance) -> None:
    materialise(platform, instance)
    roll_back(platform, "example", asked(platform, "ada", "answers are wrong"))
    follow_ledger(platform, instance, [SPEC])
    by_sensor = shown(instance)
    with dg.DagsterInstance.ephemeral() as other:
        materialise(platform, other)
        assert shown(other) == by_sensor


def test_a_champion_that_was_never_made_has_no_page(platform, instance) -> None:
    assert follow_ledger(platform, instance, [SPEC]) == ()
    assert pages(instance) == []


def test_the_sensor_does_it_while_mlflow_does_not_answer(platform, instance) -> None:
    materialise(platform, instance)
    roll_back(platform, "example", asked(platform, "ada", "answers are wrong"))
    sensor = mlflow_sensor([SPEC])
    with dg.build_sensor_context(instance=instance) as context:
        result = sensor(context, platform=platform)
    assert isinstance(result, dg.SensorResult)
    assert str(result.skip_reason.skip_message).startswith(
        "example/champion: the rules answers; MLf"
    )
    assert shown(instance)["in production"] == "the rules"
