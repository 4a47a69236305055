"""One suite for MLflow and its twin in memory."""

import pytest

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.mlflow_tracking import MlflowTracking
from ml_platform.adapters.tracking import CHAMPION, RunState
from ml_platform.errors import ServiceError
from ml_platform.models.random_forest.artifact_kinds import RANDOM_FOREST
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import Classification

TASK = Classification()
RUN = {
    "name": "example aaaa",
    "parameters": {"trees": 100, "calibrated": True, "kind": "forest"},
    "metrics": {"accuracy": 0.9, "fold_1_accuracy": 0.89},
    "tags": {"fingerprint": "1" * 64, "decided by": "every gate passes"},
    "files": {"report.html": b"<p>good</p>", "plots/confusion.png": b"png"},
}


@pytest.fixture(params=["memory", "mlflow"])
def tracking(request):
    if request.param == "memory":
        return InMemoryTracking()
    return MlflowTracking(request.getfixturevalue("mlflow_server"))


@pytest.fixture
def model(request):
    """A name of its own for each test: they share one server."""
    return request.node.originalname.removeprefix("test_")[:40]


@pytest.fixture
def folder(tmp_path):
    artifact = Artifact(
        RANDOM_FOREST.name,
        ("docs", "fix"),
        {"hour": "number", "tool": "category", "path": "tokens"},
        {"model.onnx": b"graph", "encoding.json": b"{}"},
    )
    write_artifact(artifact, tmp_path / "artifact")
    return tmp_path / "artifact"


def test_a_run_is_logged_once(tracking, model):
    first = tracking.log_run(experiment=model, **RUN)
    assert tracking.log_run(experiment=model, **RUN) == first
    other = {**RUN, "tags": {**RUN["tags"], "fingerprint": "2" * 64}}
    assert tracking.log_run(experiment=model, **other) != first
    assert first in tracking.run_url(first)
    page = tracking.artifact_url(first, "report.html")
    assert page == f"{tracking.run_url(first)}/artifacts/report.html"


def test_a_version_is_registered_once(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    tags = {"fingerprint": "3" * 64, "verdict": "promote"}
    assert tracking.registered(model) == ()
    number = tracking.register_version(model, run_id, folder, task=TASK, tags=tags)
    assert number == "1"
    assert tracking.register_version(model, run_id, folder, task=TASK, tags=tags) == "1"
    other = {**tags, "fingerprint": "4" * 64}
    assert tracking.register_version(model, run_id, folder, task=TASK, tags=other) == "2"
    assert [version.number for version in tracking.registered(model)] == ["1", "2"]
    assert tracking.registered(model)[0].tags == tags
    assert model in tracking.version_url(model, number)


def test_an_alias_names_one_version_at_a_time(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    for digit in "56":
        tracking.register_version(
            model, run_id, folder, task=TASK, tags={"fingerprint": digit * 64}
        )
    assert tracking.alias(model, CHAMPION) is None
    tracking.set_alias(model, CHAMPION, "1")
    tracking.set_alias(model, CHAMPION, "2")
    assert tracking.alias(model, CHAMPION) == "2"
    assert [version.aliases for version in tracking.registered(model)] == [(), (CHAMPION,)]
    tracking.remove_alias(model, CHAMPION)
    assert tracking.alias(model, CHAMPION) is None
    assert tracking.alias("no such model", CHAMPION) is None


def test_texts_are_shown_and_changed(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    tags = {"fingerprint": "9" * 64}
    tracking.register_version(model, run_id, folder, task=TASK, tags=tags, description="**first**")
    assert tracking.registered(model)[0].description == "**first**"
    tracking.describe_version(model, "1", "second")
    tracking.describe_model(model, "the model")
    shown = tracking.registry(model)[model]
    assert (shown.description, shown.versions[0].description) == ("the model", "second")
    assert shown.versions[0].run_id == run_id
    assert shown.versions[0].path == f"model_{'9' * 12}"


def test_a_model_keeps_its_versions_and_aliases_under_another_name(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    tracking.register_version(model, run_id, folder, task=TASK, tags={"fingerprint": "a" * 64})
    tracking.set_alias(model, CHAMPION, "1")
    tracking.rename_model(model, f"{model} renamed")
    assert tracking.registry(model) == {}
    shown = tracking.registry()[f"{model} renamed"]
    assert shown.aliases == {CHAMPION: "1"}
    assert len(shown.versions) == 1


def test_a_version_that_is_deleted_takes_its_alias_with_it(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    for digit in "bc":
        tags = {"fingerprint": digit * 64}
        tracking.register_version(model, run_id, folder, task=TASK, tags=tags)
    tracking.set_alias(model, CHAMPION, "1")
    tracking.delete_version(model, "1")
    assert [version.number for version in tracking.registered(model)] == ["2"]
    assert tracking.alias(model, CHAMPION) is None


def test_a_run_tells_whether_it_is_there_and_what_files_it_has(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    assert tracking.run_state(run_id) is RunState.ACTIVE
    assert tracking.run_state("0" * 32) is RunState.GONE
    assert not tracking.has_files(run_id, "model_dddddddddddd")
    tracking.write_files(run_id, "model_dddddddddddd", folder, TASK)
    assert tracking.has_files(run_id, "model_dddddddddddd")


def test_what_is_not_there_is_a_service_error(tracking, folder):
    with pytest.raises(ServiceError):
        tracking.register_version(
            "example", "0" * 32, folder, task=TASK, tags={"fingerprint": "7" * 64}
        )
    with pytest.raises(ServiceError):
        tracking.tag_version("no such model", "1", {"a": "b"})
    with pytest.raises(ServiceError):
        tracking.set_alias("no such model", CHAMPION, "1")


def test_a_half_logged_run_is_completed_and_its_page_is_whole(mlflow_server, model, folder):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=mlflow_server)
    experiment = client.create_experiment(model)
    begun = client.create_run(experiment, tags=RUN["tags"])
    client.log_param(begun.info.run_id, "trees", 100)
    run_id = MlflowTracking(mlflow_server).log_run(experiment=model, **RUN)
    assert run_id == begun.info.run_id
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"trees": "100", "calibrated": "True", "kind": "forest"}
    assert run.data.metrics == RUN["metrics"]
    assert len(client.get_metric_history(run_id, "accuracy")) == 1
    assert {file.path for file in client.list_artifacts(run_id)} == {"report.html", "plots"}


def test_a_run_is_shown_with_its_name_and_note_in_the_classic_view(mlflow_server, model):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=mlflow_server)
    client.create_experiment(model)  # by an earlier release
    tracking = MlflowTracking(mlflow_server)
    run_id = tracking.log_run(experiment=model, note="**good**", **RUN)
    tracking.name_run(run_id, "version 1: PROMOTE")
    run = client.get_run(run_id)
    assert run.info.run_name == "version 1: PROMOTE"
    assert run.data.tags["mlflow.note.content"] == "**good**"
    experiment = client.get_experiment(run.info.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_deleted_run_is_restored_with_its_experiment(mlflow_server, model):
    from mlflow import MlflowClient

    client, tracking = MlflowClient(tracking_uri=mlflow_server), MlflowTracking(mlflow_server)
    run_id = tracking.log_run(experiment=model, **RUN)
    client.delete_run(run_id)
    client.delete_experiment(client.get_run(run_id).info.experiment_id)
    assert tracking.run_state(run_id) is RunState.DELETED
    tracking.restore_run(run_id)
    assert tracking.run_state(run_id) is RunState.ACTIVE
    assert tracking.log_run(experiment=model, **RUN) == run_id


def test_the_registry_knows_the_signature(mlflow_server, model, folder):
    import urllib.request

    from mlflow.models import Model

    tracking = MlflowTracking(mlflow_server)
    run_id = tracking.log_run(experiment=model, **RUN)
    tracking.register_version(model, run_id, folder, task=TASK, tags={"fingerprint": "8" * 64})
    url = f"{mlflow_server}/model-versions/get-artifact?name={model}&version=1&path=MLmodel"
    with urllib.request.urlopen(url) as response:
        text = response.read().decode()
    stored = folder.with_name("read") / "MLmodel"
    stored.parent.mkdir()
    stored.write_text(text)
    signature = Model.load(str(stored)).signature
    assert signature.inputs.input_names() == ["hour", "path", "tool"]
    assert signature.outputs.input_names() == ["prediction", "confidence", "docs", "fix"]


def test_a_server_that_is_down_is_said_so_soon():
    with pytest.raises(ServiceError, match="refused or did not answer"):
        MlflowTracking("http://127.0.0.1:9").registered("example")
