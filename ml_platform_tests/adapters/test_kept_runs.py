"""Runs of a real MLflow server: what is removed is gone for good, with its files and its version."""

from datetime import UTC, datetime, timedelta

import pytest
from mlflow import MlflowClient

from ml_platform.adapters.kept_runs import KeptRuns, OwnStore
from ml_platform.retention.rules import Kind


@pytest.fixture
def client(mlflow_server):
    return MlflowClient(tracking_uri=mlflow_server, registry_uri=mlflow_server)


@pytest.fixture
def runs(client, tmp_path):
    """Two runs with a file each and a registered version each; an alias names the second version."""
    (tmp_path / "page.html").write_text("a page")
    experiment = client.create_experiment(f"kept {datetime.now(UTC).timestamp()}")
    client.create_registered_model(f"model {experiment}")
    made = []
    for _ in range(2):
        run = client.create_run(experiment)
        client.log_artifact(run.info.run_id, str(tmp_path / "page.html"))
        client.create_model_version(
            f"model {experiment}", source=run.info.artifact_uri, run_id=run.info.run_id
        )
        made.append(run.info)
    client.set_registered_model_alias(f"model {experiment}", "champion", "2")
    return made


def test_a_run_that_a_killed_retention_has_only_marked_is_collected_by_the_next(
    runs, client, mlflow_parts
):
    store = KeptRuns(mlflow_parts.url, OwnStore(mlflow_parts.database, mlflow_parts.artifacts))
    client.delete_run(runs[0].run_id)
    (marked,) = (item for item in store.items() if item.key == runs[0].run_id)
    store.remove([marked])
    assert runs[0].run_id not in {item.key for item in store.items()}


@pytest.mark.parametrize("ours", [True, False])
def test_what_is_removed_is_gone_with_its_version_and_the_other_is_whole(
    runs, client, mlflow_parts, ours
):
    own = OwnStore(mlflow_parts.database, mlflow_parts.artifacts) if ours else None
    store = KeptRuns(mlflow_parts.url, own)
    items = {item.key: item for item in store.items()}
    first, second = (items[run.run_id] for run in runs)
    assert (first.kind, first.bytes) == (Kind.MLFLOW_RUN, len("a page") if ours else 0)
    assert abs(first.at - datetime.now(UTC)) < timedelta(minutes=2)
    assert first.key not in store.named_by_aliases()
    assert "@champion names its files" in store.named_by_aliases()[second.key]

    store.remove([first])
    store.remove([])
    assert first.key not in {item.key for item in store.items()}
    folder = mlflow_parts.artifacts / runs[0].experiment_id
    files = [path for path in (folder / first.key).rglob("*") if path.is_file()]
    assert [path.name for path in files] == ([] if ours else ["page.html"])
    assert (folder / second.key / "artifacts" / "page.html").exists()
    versions = client.search_model_versions(f"name = 'model {runs[0].experiment_id}'")
    assert [version.run_id for version in versions] == [second.key]
