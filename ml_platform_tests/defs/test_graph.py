"""The graph as it stands: its edges, groups, checks, and what runs by itself."""

import dagster as dg
import pytest

from ml_platform.defs.build import build_definitions
from ml_platform.gates.policy import gate_names
from ml_platform.models.catalogue import MODELS
from ml_platform.stages import STAGES

CHAIN = {
    "pattern_classifier/training_set": {"features/pattern_features"},
    "pattern_classifier/candidate": {"pattern_classifier/training_set"},
    "pattern_classifier/evaluation_report": {
        "pattern_classifier/training_set",
        "pattern_classifier/candidate",
    },
    "pattern_classifier/registered_version": {
        "pattern_classifier/training_set",
        "pattern_classifier/candidate",
        "pattern_classifier/evaluation_report",
    },
    "pattern_classifier/champion": {
        "pattern_classifier/training_set",
        "pattern_classifier/evaluation_report",
        "pattern_classifier/registered_version",
    },
    "pattern_classifier/predictions": {
        "features/pattern_features",
        "pattern_classifier/champion",
    },
    "pattern_classifier/monitoring_report": {"pattern_classifier/predictions"},
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions):
    return definitions.resolve_asset_graph()


def test_the_chain_of_a_model_is_the_one_that_was_drawn(graph) -> None:
    edges = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
        if key.path[0] == "pattern_classifier"
    }
    assert edges == CHAIN


def test_a_code_server_can_load_every_job(definitions: dg.Definitions) -> None:
    definitions.get_repository_def().load_all_definitions()


def test_there_is_no_cycle_and_features_come_from_the_lake(graph) -> None:
    order = [key.to_user_string() for key in graph.toposorted_asset_keys]
    assert len(order) == len(graph.get_all_asset_keys())
    assert order.index("lake/events") < order.index("features/pattern_features")
    assert order.index("features/pattern_features") < order.index("pattern_classifier/champion")


def test_groups_are_stages_and_every_asset_says_what_it_is(graph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name in {stage.name for stage in STAGES}, key
        assert len(node.description or "") > 20, key


def test_the_lineage_reads_in_the_order_of_the_stages(graph) -> None:
    """No edge leads back to an earlier group, or the UI would draw the groups in another order."""
    order = [stage.name for stage in STAGES]
    for key in graph.get_all_asset_keys():
        for parent in graph.get(key).parent_keys:
            before, after = graph.get(parent).group_name, graph.get(key).group_name
            assert order.index(before) <= order.index(after), f"{parent} -> {key}"


def test_each_gate_is_one_check_and_only_integrity_blocks(graph) -> None:
    for spec in MODELS:
        asset = dg.AssetKey([spec.name, "evaluation_report"])
        checks = {
            key.name: graph.get_check_spec(key)
            for key in graph.asset_check_keys
            if key.asset_key == asset
        }
        assert set(checks) == set(gate_names(spec.policy))
        quality = {gate.name for gate in spec.policy.quality} | {"sample_size"}
        assert {name for name, check in checks.items() if not check.blocking} == quality


def test_monitoring_is_on_by_default_every_six_hours(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def("six_hourly_monitoring")
    assert schedule.cron_schedule == "0 */6 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    for sensor in repository.sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING, sensor.name


def test_the_self_test_of_monitoring_is_weekly_and_off_until_it_is_turned_on(
    definitions: dg.Definitions, graph
) -> None:
    schedule = definitions.get_repository_def().get_schedule_def("weekly_self_test")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    job = definitions.resolve_job_def(schedule.job_name)
    key = dg.AssetKey("monitoring_self_test")
    assert job.asset_layer.selected_asset_keys == {key}
    assert [check.name for check in graph.get_check_keys_for_assets({key})] == ["objective_holds"]
    assert dg.AssetKey(["features", "pattern_features"]) in graph.get(key).parent_keys
