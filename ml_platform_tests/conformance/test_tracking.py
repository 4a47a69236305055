"""One suite for MLflow and its twin in memory, and the projection of the ledger on both."""

from dataclasses import replace

import pytest

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.mlflow_server import start_mlflow
from ml_platform.adapters.reconcile import reconcile
from ml_platform.adapters.tracking import CHAMPION, MlflowTracking
from ml_platform.errors import ServiceError
from ml_platform.gates.outcome import Verdict
from ml_platform.models.random_forest.artifact_kinds import RANDOM_FOREST
from ml_platform.spec.artifact import Artifact
from ml_platform_tests.registry.examples import AT, another, permit_for

RUN = {
    "name": "example aaaa",
    "parameters": {"trees": 100, "calibrated": True, "kind": "forest"},
    "metrics": {"accuracy": 0.9, "fold_1_accuracy": 0.89},
    "tags": {"fingerprint": "1" * 64, "decided by": "every gate passes"},
    "files": {"report.html": b"<p>good</p>", "plots/confusion.png": b"png"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory, postgres):
    home = tmp_path_factory.mktemp("mlflow")
    running = start_mlflow(home, postgres.mlflow, home / "mlflow")
    running.wait()
    yield running.url
    running.stop()


@pytest.fixture(params=["memory", "mlflow"])
def tracking(request):
    if request.param == "memory":
        return InMemoryTracking()
    return MlflowTracking(request.getfixturevalue("server"))


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
    number = tracking.register_version(model, run_id, folder, tags=tags)
    assert number == "1"
    assert tracking.register_version(model, run_id, folder, tags=tags) == "1"
    other = {**tags, "fingerprint": "4" * 64}
    assert tracking.register_version(model, run_id, folder, tags=other) == "2"
    assert [version.number for version in tracking.registered(model)] == ["1", "2"]
    assert tracking.registered(model)[0].tags == tags
    assert model in tracking.version_url(model, number)


def test_an_alias_names_one_version_at_a_time(tracking, model, folder):
    run_id = tracking.log_run(experiment=model, **RUN)
    for digit in "56":
        tracking.register_version(model, run_id, folder, tags={"fingerprint": digit * 64})
    assert tracking.alias(model, CHAMPION) is None
    tracking.set_alias(model, CHAMPION, "1")
    tracking.set_alias(model, CHAMPION, "2")
    assert tracking.alias(model, CHAMPION) == "2"
    assert [version.aliases for version in tracking.registered(model)] == [(), (CHAMPION,)]
    tracking.remove_alias(model, CHAMPION)
    assert tracking.alias(model, CHAMPION) is None
    assert tracking.alias("no such model", CHAMPION) is None


def test_what_is_not_there_is_a_service_error(tracking, folder):
    with pytest.raises(ServiceError):
        tracking.register_version("example", "0" * 32, folder, tags={"fingerprint": "7" * 64})
    with pytest.raises(ServiceError):
        tracking.tag_version("no such model", "1", {"a": "b"})
    with pytest.raises(ServiceError):
        tracking.set_alias("no such model", CHAMPION, "1")


def register(ledger, tracking, record, folder):
    run_id = tracking.log_run(experiment=record.model, **RUN)
    stored = ledger.register(record)
    number = tracking.register_version(
        record.model, run_id, folder, tags={"fingerprint": record.artifact_sha256}
    )
    ledger.set_mlflow_version(record.model, stored.version, number)
    return ledger.version(record.model, stored.version)


def promote(ledger, record, revision):
    permit = permit_for(record)
    ledger.promote(
        record.model,
        record.version,
        expected_revision=revision,
        permit=permit,
        at=AT,
        actor="test",
    )


def test_the_projection_follows_the_ledger(tracking, model, folder):
    ledger = InMemoryLedger()
    first = register(ledger, tracking, another("a", model), folder)
    second = register(ledger, tracking, another("b", model), folder)
    assert reconcile(ledger, tracking) == (
        f"{model} 1: verdict promote, decided by every gate passes, status staged",
        f"{model} 2: verdict promote, decided by every gate passes, status staged",
    )
    assert reconcile(ledger, tracking) == ()
    promote(ledger, first, 0)
    assert reconcile(ledger, tracking) == (
        f"{model} 1: status production",
        f"{model}: alias champion on MLflow's version 1 (version 1)",
    )
    promote(ledger, second, 1)
    tracking.tag_version(model, "2", {"verdict": "reject"})
    assert reconcile(ledger, tracking) == (
        f"{model} 1: status archived",
        f"{model} 2: verdict promote, status production",
        f"{model}: alias champion on MLflow's version 2 (version 2)",
    )
    tracking.set_alias(model, CHAMPION, "1")
    reconcile(ledger, tracking)
    assert tracking.alias(model, CHAMPION) == "2"
    assert reconcile(ledger, tracking) == ()


def test_the_tags_are_of_the_newest_evaluation(tracking, model, folder):
    ledger = InMemoryLedger()
    record = register(ledger, tracking, another("a", model), folder)
    reconcile(ledger, tracking)
    held = replace(record.decision, verdict=Verdict.HOLD, row="not shown either way")
    ledger.register(replace(record, decision=held))
    assert reconcile(ledger, tracking) == (
        f"{model} 1: verdict hold, decided by not shown either way",
    )


def test_an_alias_that_the_ledger_does_not_know_goes(tracking, model, folder):
    ledger = InMemoryLedger()
    register(ledger, tracking, another("a", model), folder)
    tracking.set_alias(model, CHAMPION, "1")
    assert reconcile(ledger, tracking)[-1] == (
        f"{model}: alias champion removed from MLflow's version 1"
    )
    assert tracking.alias(model, CHAMPION) is None


def test_a_version_that_is_not_in_mlflow_is_named(tracking, model):
    ledger = InMemoryLedger()
    held = replace(another("a", model).decision, verdict=Verdict.HOLD)
    ledger.register(replace(another("a", model), decision=held))
    assert reconcile(ledger, tracking) == (
        f"{model} 1 is not in MLflow (no version yet): materialise {model}/registered_version",
    )


def test_a_half_logged_run_is_completed_and_its_page_is_whole(server, model, folder):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=server)
    experiment = client.create_experiment(model)
    begun = client.create_run(experiment, tags=RUN["tags"])
    client.log_param(begun.info.run_id, "trees", 100)
    run_id = MlflowTracking(server).log_run(experiment=model, **RUN)
    assert run_id == begun.info.run_id
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"trees": "100", "calibrated": "True", "kind": "forest"}
    assert run.data.metrics == RUN["metrics"]
    assert len(client.get_metric_history(run_id, "accuracy")) == 1
    assert {file.path for file in client.list_artifacts(run_id)} == {"report.html", "plots"}


def test_the_registry_knows_the_signature(server, model, folder):
    import urllib.request

    from mlflow.models import Model

    tracking = MlflowTracking(server)
    run_id = tracking.log_run(experiment=model, **RUN)
    tracking.register_version(model, run_id, folder, tags={"fingerprint": "8" * 64})
    url = f"{server}/model-versions/get-artifact?name={model}&version=1&path=MLmodel"
    with urllib.request.urlopen(url) as response:
        text = response.read().decode()
    stored = folder.with_name("read") / "MLmodel"
    stored.parent.mkdir()
    stored.write_text(text)
    signature = Model.load(str(stored)).signature
    assert signature.inputs.input_names() == ["hour", "path", "tool"]
    assert signature.outputs.input_names() == ["docs", "fix"]


def test_a_server_that_is_down_is_said_so_soon():
    with pytest.raises(ServiceError, match="refused or did not answer"):
        MlflowTracking("http://127.0.0.1:9").registered("example")
