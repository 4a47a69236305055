"""MLflow shows what the ledger says: after every event, and after everything that people do to it by hand."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.home_files import remember_port
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.mlflow_tracking import MlflowTracking
from ml_platform.adapters.tracking import CHAMPION
from ml_platform.application.connections import DAGSTER_UI
from ml_platform.application.mirror import adopt, drop, mirror
from ml_platform.application.mirrored import CURRENT
from ml_platform.application.projection import Repair
from ml_platform.application.state_keys import rules_key
from ml_platform.errors import UsageError
from ml_platform.gates.decide import decide
from ml_platform.gates.outcome import Verdict
from ml_platform.models.rules import fit_rules
from ml_platform.reporting.registry_text import rules_name
from ml_platform.spec.task import Classification
from ml_platform.values import fingerprint
from ml_platform_tests.application.homes import SPEC, home
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.models.pattern_rows import training_set
from ml_platform_tests.registry.examples import AT, RECORD, permit_for
from ml_platform_tests.reporting.browser import browser, find_browser

ROWS = training_set(60)
RULES = fit_rules(ROWS)


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
def platform(tmp_path, tracking):
    platform = home(tmp_path)
    platform.tracking = tracking
    return platform


@pytest.fixture
def put_right(platform, model):
    """Compares and repairs, and gives what was done."""
    spec = replace(SPEC, name=model, task=Classification())
    return lambda **how: mirror(platform, model, spec=spec, **how)


def register(platform, model, letter, **fields):
    """A version with an artifact that can be loaded, whose run MLflow has."""
    artifact = fit_rules(ROWS, keys=(("tool",),) if letter == "a" else (("operation",),))
    write_artifact(artifact, platform.settings.artifacts / artifact.sha256)
    report = replace(good_report(), model=model, artifact_sha256=artifact.sha256)
    run_id = platform.tracking.log_run(
        name=f"{model} {letter}",
        experiment=model,
        parameters={},
        metrics={},
        tags={"fingerprint": fingerprint(report)},
        files={},
    )
    return platform.ledger.register(
        replace(
            RECORD,
            model=model,
            artifact_sha256=artifact.sha256,
            artifact_path=f"artifacts/{artifact.sha256}",
            report_id=platform.ledger.save_report(report),
            mlflow_run_id=run_id,
            decision=decide(report, POLICY, good_evidence()),
            input_schema=dict(artifact.features),
            feature_versions=dict.fromkeys(artifact.features, "v1"),
            classes=artifact.classes,
            **fields,
        )
    )


def promote(platform, record, revision):
    platform.ledger.promote(
        record.model,
        record.version,
        expected_revision=revision,
        permit=permit_for(record),
        at=AT,
        actor="test",
    )


def told(repairs):
    return [(str(repair), repair.by_hand) for repair in repairs]


def test_the_projection_follows_the_ledger(platform, model, put_right):
    first, second = register(platform, model, "a"), register(platform, model, "b")
    assert told(put_right()) == [
        (f"{model} 1: registered as MLflow's version 1", False),
        (f"{model} 2: registered as MLflow's version 2", False),
        (f"{model}: alias challenger on MLflow's version 2", False),
        (f"{model}: description", False),
    ]
    assert put_right() == ()
    promote(platform, first, 0)
    assert told(put_right()) == [
        (f"{model} 1: status production", False),
        (f"{model} 1: description", False),
        (f"{model}: alias champion on MLflow's version 1", False),
        (f"{model}: description", False),
    ]
    promote(platform, second, 1)
    assert told(put_right()) == [
        (f"{model} 1: status archived", False),
        (f"{model} 1: description", False),
        (f"{model} 2: status production", False),
        (f"{model} 2: description", False),
        (f"{model}: alias champion on MLflow's version 2", False),
        (f"{model}: alias challenger removed from MLflow's version 2", False),
        (f"{model}: alias previous on MLflow's version 1", False),
        (f"{model}: description", False),
    ]
    assert platform.tracking.alias(model, CHAMPION) == "2"
    assert put_right() == ()


def test_the_tags_and_texts_are_of_the_newest_evaluation(platform, model, put_right):
    record = register(platform, model, "a")
    put_right()
    held = replace(record.decision, verdict=Verdict.HOLD, row="not shown either way")
    platform.ledger.register(replace(record, decision=held))
    assert told(put_right()) == [
        (f"{model} 1: verdict hold, decided by not shown either way", False),
        (f"{model} 1: description", False),
    ]
    (version,) = platform.tracking.registered(model)
    assert "HOLD: not shown either way" in version.description
    assert "0.900 [0.890, 0.910]" in version.description


def test_links_to_dagster_lead_to_where_its_pages_were_opened(platform, model, put_right):
    record = register(platform, model, "a", dagster_run_id="0123")
    put_right()
    (version,) = platform.tracking.registered(model)
    assert "Dagster run" not in version.description, "nobody knows where its pages are"
    remember_port(platform.settings.home, DAGSTER_UI, 3111)
    assert told(put_right()) == [(f"{model} 1: description", False)]
    (version,) = platform.tracking.registered(model)
    link = f"[Dagster run](http://127.0.0.1:3111/runs/{record.dagster_run_id})"
    assert link in version.description
    platform.settings = replace(platform.settings, ui_hosts=("models.example:443",))
    assert platform.dagster_run_address("7") == "https://models.example/runs/7"
    assert platform.dagster_run_address("") == ""


def test_the_rules_in_use_are_a_model_of_their_own(platform, model, put_right):
    record = register(platform, model, "a")
    write_artifact(RULES, platform.settings.artifacts / RULES.sha256)
    platform.ledger.set_state(rules_key(model), {"sha256": RULES.sha256})
    put_right()
    name = rules_name(model)
    assert platform.tracking.alias(name, CURRENT) == "1"
    platform.ledger.set_state(rules_key(model), {"sha256": record.artifact_sha256})
    assert told(put_right()) == [
        (f"{model} rules {record.artifact_sha256[:12]}: registered as MLflow's version 2", False),
        (f"{name}: alias {CURRENT} on MLflow's version 2", False),
    ]


def test_what_is_changed_by_hand_is_put_right_and_told_apart(platform, model, put_right):
    first, second = register(platform, model, "a"), register(platform, model, "b")
    promote(platform, first, 0)
    put_right()
    tracking = platform.tracking
    tracking.set_alias(model, CHAMPION, "2")
    tracking.tag_version(model, "2", {"verdict": "reject", "mine": "stays"})
    tracking.describe_version(model, "1", "the best")
    tracking.describe_model(model, "all mine")
    promote(platform, second, 1)
    assert told(put_right()) == [
        (f"{model} 1: status archived", False),
        (f"{model} 1: description", True),
        (f"{model} 2: verdict promote, status production", True),
        (f"{model} 2: description", False),
        (f"{model}: alias challenger removed from MLflow's version 2", False),
        (f"{model}: alias previous on MLflow's version 1", False),
        (f"{model}: description", True),
    ]
    tracking.remove_alias(model, CHAMPION)
    assert told(put_right()) == [(f"{model}: alias champion on MLflow's version 2", True)]
    assert tracking.registered(model)[1].tags["mine"] == "stays"
    assert put_right() == ()


def test_what_is_changed_by_hand_is_recorded_and_sent_as_one_alert(
    platform, model, put_right, caplog
):
    register(platform, model, "a")
    put_right()
    assert platform.ledger.alerts(model) == ()
    platform.tracking.tag_version(model, "1", {"verdict": "reject"})
    platform.tracking.describe_model(model, "all mine")
    put_right()
    (alert,) = platform.ledger.alerts(model)
    assert alert.title == f"{model}: MLflow was changed by hand, and put right"
    assert alert.causes == (f"{model} 1: verdict promote", f"{model}: description")
    assert alert.title in caplog.text


def test_a_text_of_a_person_is_adopted_on_their_word(platform, model, put_right):
    register(platform, model, "a")
    put_right()
    tracking = platform.tracking
    with pytest.raises(
        UsageError, match=f"No text of a person has been found on the page of {model} in"
    ):
        adopt(platform, model, None)
    ours = tracking.registry(model)[model].description
    tracking.describe_model(model, f"{ours}\n\nask Ann")
    tracking.describe_version(model, "1", "see the wiki")
    put_right()
    assert tracking.registry(model)[model].description == ours
    assert adopt(platform, model, None) == "ask Ann"
    assert adopt(platform, model, 1) == "see the wiki"
    put_right()
    shown = tracking.registry(model)[model]
    assert shown.description == f"{ours}\n\nask Ann"
    assert shown.versions[0].description.endswith("\n\nsee the wiki")
    assert put_right() == ()
    tracking.describe_model(model, "")
    put_right()
    assert tracking.registry(model)[model].description == f"{ours}\n\nask Ann"


def test_an_adopted_text_is_dropped_and_can_be_adopted_again(platform, model, put_right):
    register(platform, model, "a")
    put_right()
    tracking = platform.tracking

    def shown():
        page = tracking.registry(model)[model]
        return page.description, page.versions[0].description

    ours = shown()
    for number in (None, 1):
        with pytest.raises(UsageError, match="No text of a person stands on the page of"):
            drop(platform, model, number)
    tracking.describe_model(model, f"{ours[0]}\n\nask Ann")
    tracking.describe_version(model, "1", f"{ours[1]}\n\nsee the wiki")
    put_right()
    adopt(platform, model, None)
    adopt(platform, model, 1)
    put_right()
    assert drop(platform, model, None) == "ask Ann"
    assert told(put_right()) == [(f"{model}: description", False)]
    assert shown() == (ours[0], f"{ours[1]}\n\nsee the wiki")
    assert drop(platform, model, 1) == "see the wiki"
    assert told(put_right()) == [(f"{model} 1: description", False)]
    assert shown() == ours
    assert adopt(platform, model, None) == "ask Ann"


def test_an_alias_that_the_ledger_does_not_know_goes(platform, model, put_right):
    register(platform, model, "a")
    put_right()
    platform.tracking.set_alias(model, CHAMPION, "1")
    platform.tracking.set_alias(model, "somebodys", "1")
    assert told(put_right()) == [(f"{model}: alias champion removed from MLflow's version 1", True)]
    assert platform.tracking.alias(model, "somebodys") == "1"


def test_a_deleted_version_is_made_again_and_named_by_its_alias(platform, model, put_right):
    record = register(platform, model, "a")
    promote(platform, record, 0)
    put_right()
    platform.tracking.delete_version(model, "1")
    assert told(put_right()) == [
        (f"{model} 1: registered as MLflow's version 2", True),
        (f"{model}: alias champion on MLflow's version 2", True),
    ]
    (version,) = platform.tracking.registered(model)
    assert version.aliases == (CHAMPION,)
    assert version.tags["status"] == "production"
    assert "accuracy" in version.description.lower()
    assert put_right(thorough=True) == ()


def test_a_model_with_another_name_gets_its_own_back(platform, model, put_right):
    register(platform, model, "a")
    put_right()
    platform.tracking.rename_model(model, f"{model} mine")
    assert told(put_right()) == [(f"{model}: had been renamed to {model} mine", True)]
    assert len(platform.tracking.registered(model)) == 1
    assert put_right() == ()


def test_a_damaged_artifact_is_not_registered_again(platform, model, put_right):
    record = register(platform, model, "a")
    put_right()
    platform.tracking.delete_version(model, "1")
    (platform.settings.home / record.artifact_path / "rules.json").write_bytes(b"{}")
    repairs = put_right()
    assert f"{model} 1 is not in MLflow: " in repairs[0].words
    assert "rules.json has SHA-256" in repairs[0].words
    assert repairs[0].by_hand
    assert [repair.by_hand for repair in put_right()] == [False], "it is an alert once"
    assert platform.tracking.registered(model) == ()


def test_a_version_whose_package_is_gone_is_named(platform, model):
    register(platform, model, "a")
    words = f"{model} 1 is not in MLflow: no package that is installed here brings the model"
    assert mirror(platform, model) == (Repair(model, words, False),)


@pytest.fixture
def client(mlflow_server):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=mlflow_server, registry_uri=mlflow_server)


@pytest.fixture
def collect_garbage(mlflow_parts):
    """Runs `mlflow gc`, which deletes for good what is marked as deleted."""
    command = [str(Path(sys.executable).with_name("mlflow")), "gc"]
    store = ["--backend-store-uri", mlflow_parts.database]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow_parts.url}
    return lambda: subprocess.run(
        [*command, *store], env=environment, check=True, capture_output=True
    )


@pytest.mark.parametrize("tracking", ["mlflow"], indirect=True)
class TestByMlflowsOwnClient:
    @pytest.fixture
    def champion(self, platform, model, put_right):
        record = register(platform, model, "a")
        promote(platform, record, 0)
        put_right()
        return platform.ledger.version(model, 1)

    @pytest.fixture
    def answers(self, mlflow_server, model):
        """What the champion answers when it is loaded by its alias."""
        import mlflow

        mlflow.set_tracking_uri(mlflow_server)

        def loaded():
            found = mlflow.pyfunc.load_model(f"models:/{model}@{CHAMPION}")
            return found.predict(ROWS.test)

        return loaded

    def test_a_deleted_model_is_made_again(self, champion, client, model, put_right, answers):
        before = answers()
        client.delete_registered_model(model)
        assert [repair.by_hand for repair in put_right()] == [True, True, True]
        assert answers().equals(before)
        assert put_right(thorough=True) == ()

    def test_a_deleted_run_is_restored(self, champion, client, model, put_right, answers):
        client.delete_run(champion.mlflow_run_id)
        assert told(put_right()) == [(f"{model} 1: its run had been deleted", True)]
        assert client.get_run(champion.mlflow_run_id).info.lifecycle_stage == "active"
        answers()

    def test_what_gc_has_removed_is_made_again(
        self, champion, client, model, put_right, answers, collect_garbage
    ):
        before = answers()
        client.delete_run(champion.mlflow_run_id)
        collect_garbage()
        with pytest.raises(Exception, match="Could not find an"):
            answers()
        repairs = put_right()
        assert told(repairs)[0] == (f"{model} 1: registered as MLflow's version 2", True)
        assert answers().equals(before)
        made = client.get_model_version_by_alias(model, CHAMPION)
        assert made.run_id != champion.mlflow_run_id
        run = client.get_run(made.run_id)
        assert run.info.run_name == "version 1: PROMOTE"
        assert run.data.metrics["accuracy"] == 0.90
        assert put_right(thorough=True) == ()

    def test_a_deleted_experiment_and_gc(
        self, champion, client, model, put_right, answers, collect_garbage
    ):
        before = answers()
        client.delete_experiment(client.get_run(champion.mlflow_run_id).info.experiment_id)
        collect_garbage()
        put_right()
        assert answers().equals(before)

    def test_files_that_are_gone_are_written_again(
        self, champion, client, model, put_right, answers, mlflow_parts
    ):
        (folder,) = mlflow_parts.artifacts.glob(f"*/{champion.mlflow_run_id}/artifacts/model_*")
        shutil.rmtree(folder)
        assert told(put_right()) == [(f"{model} 1: its files had been deleted", True)]
        answers()

    def test_its_pages_open_for_model_training_and_lead_to_run_and_report(
        self, champion, client, mlflow_server, model
    ):
        executable = find_browser()
        if executable is None:
            pytest.skip("there is no Chromium on this machine")
        experiment = client.get_experiment_by_name(model).experiment_id
        with browser(executable) as opened:
            page = opened.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(f"{mlflow_server}/#/experiments/{experiment}")
            page.get_by_text(f"{model} a").first.wait_for()
            assert f"/experiments/{experiment}/runs?workflowType=machine_learning" in page.url
            page.goto(f"{mlflow_server}/#/models/{model}/versions/1")
            link = page.get_by_role("link", name="report", exact=True)
            link.wait_for()
            run = f"#/experiments/{experiment}/runs/{champion.mlflow_run_id}"
            assert link.get_attribute("href") == f"{run}/artifacts/report.html"
            assert page.get_by_role("link", name="MLflow run").get_attribute("href") == run
