"""To MLflow's own tools a version is an ordinary model, and answers as the platform does, to the bit."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artifact_files import load_scorer, write_artifact
from ml_platform.adapters.mlflow_tracking import MlflowTracking
from ml_platform.adapters.processes import free_port
from ml_platform.adapters.tracking import CHAMPION
from ml_platform.models import artifact_kinds as kinds
from ml_platform.prediction_log.scoring import answers_of, scores_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform_tests.conformance.scorer_examples import Example, example

KINDS = tuple(kind.name for kind in kinds.artifact_kinds())
TASKS: Mapping[str, Task] = {
    "random_forest": Classification(),
    "classification_rules": Classification(),
    "gradient_boosting": ProportionRegression(),
    "proportion_rules": ProportionRegression(),
    "isolation_forest": Detection(),
    "detection_rules": Detection(),
    "start_time": OffPolicyChoice(),
    "start_time_rules": OffPolicyChoice(),
    "matrix_factorisation": Ranking(),
    "ease": Ranking(k=3),
    "popularity": Ranking(),
    "ngram": SequencePrediction(),
    "sequence_network": SequencePrediction(),
}
COMMAND = str(Path(sys.executable).with_name("mlflow"))


@pytest.fixture
def mlflow(mlflow_server: str) -> Any:
    import mlflow

    mlflow.set_tracking_uri(mlflow_server)
    return mlflow


def registered(url: str, folder: Path, name: str, artifact: Artifact, task: Task) -> str:
    """Register the artifact as the champion of a model of this name, and return its URI."""
    tracking = MlflowTracking(url)
    write_artifact(artifact, folder / "artifact")
    tags = {"fingerprint": artifact.sha256}
    run = {"parameters": {}, "metrics": {}, "files": {}}
    run_id = tracking.log_run(name=name, experiment=name, tags=tags, **run)
    number = tracking.register_version(name, run_id, folder / "artifact", task=task, tags=tags)
    tracking.set_alias(name, CHAMPION, number)
    return f"models:/{name}@{CHAMPION}"


def platform_answers(given: Example, task: Task, folder: Path) -> pd.DataFrame:
    """What the platform answers, by the artifact as it is stored."""
    scorer = load_scorer(folder / "artifact", given.artifact.sha256)
    scores = scores_of(scorer, given.rows)
    answers = answers_of(task, scorer, scores)
    table = pd.DataFrame(scores, columns=list(scorer.classes))
    table.insert(0, "prediction", list(answers.texts))
    table.insert(1, "confidence", answers.confidence)
    return table


def assert_same_bits(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found.columns) == list(expected.columns)
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    numbers = [name for name in expected.columns if name != "prediction"]
    assert found[numbers].to_numpy(np.float64).tobytes() == expected[numbers].to_numpy().tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_loaded_by_alias_and_answers_as_the_platform(
    kind: str, mlflow: Any, mlflow_server: str, tmp_path: Path
) -> None:
    given, task = example(kind), TASKS[kind]
    uri = registered(mlflow_server, tmp_path, kind, given.artifact, task)
    model = mlflow.pyfunc.load_model(uri)
    names = [spec.name for spec in model.metadata.signature.inputs]
    assert names == sorted(given.artifact.features)
    assert_same_bits(model.predict(given.rows), platform_answers(given, task, tmp_path))
    answers = model.predict(model.input_example)
    assert len(answers) == 2, "a made-up row, and one in which every value is missing"
    shown = [spec.name for spec in model.metadata.signature.outputs]
    assert shown == list(answers.columns)
    assert np.isfinite(answers["confidence"]).all()


def test_a_frame_of_the_stored_features_is_taken_as_it_is_read(
    mlflow: Any, mlflow_server: str, tmp_path: Path
) -> None:
    given, task = example("random_forest"), TASKS["random_forest"]
    uri = registered(mlflow_server, tmp_path, "stored_features", given.artifact, task)
    given.rows[list(given.artifact.features)].to_parquet(tmp_path / "part.parquet")
    stored = pd.read_parquet(tmp_path / "part.parquet")
    answers = mlflow.pyfunc.load_model(uri).predict(stored)
    assert_same_bits(answers, platform_answers(given, task, tmp_path))


def test_a_feature_that_is_not_sent_is_named(
    mlflow: Any, mlflow_server: str, tmp_path: Path
) -> None:
    given = example("random_forest")
    uri = registered(mlflow_server, tmp_path, "not_sent", given.artifact, Classification())
    model = mlflow.pyfunc.load_model(uri)
    with pytest.raises(Exception, match=r"The rows lack 1 feature\(s\): size\."):
        model.predict(given.rows.drop(columns="size"))


def test_a_class_may_have_the_name_of_a_column(
    mlflow: Any, mlflow_server: str, tmp_path: Path
) -> None:
    rules = example("classification_rules").artifact
    named = Artifact(rules.kind, ("prediction", "confidence", "write"), rules.features, rules.files)
    uri = registered(mlflow_server, tmp_path, "odd_classes", named, Classification())
    answers = mlflow.pyfunc.load_model(uri).predict(example("classification_rules").rows)
    assert list(answers.columns) == [
        "prediction_",
        "confidence_",
        "prediction",
        "confidence",
        "write",
    ]


def test_one_changed_byte_in_any_file_is_refused_in_one_line(mlflow: Any, tmp_path: Path) -> None:
    from ml_platform.adapters.mlflow_model import write_mlflow_model

    given = example("random_forest")
    write_artifact(given.artifact, tmp_path / "a")
    write_mlflow_model(tmp_path / "a", "0" * 32, Classification())
    refused = 0
    for file in sorted((tmp_path / "a").iterdir()):
        content = file.read_bytes()
        # The last letter or digit: a change there leaves YAML and JSON readable.
        place = max(i for i, byte in enumerate(content) if chr(byte).isalnum())
        if file.name == "MLmodel":
            place = content.index(b"confidence")
        file.write_bytes(content[:place] + b"\x37" + content[place + 1 :])
        with pytest.raises(Exception, match=r"(?s)Remedy: ") as error:
            mlflow.pyfunc.load_model(str(tmp_path / "a"))
        assert len(str(error.value).splitlines()) == 1
        assert type(error.value).__name__ == "IntegrityError"
        file.write_bytes(content)
        refused += 1
    assert refused >= 8
    mlflow.pyfunc.load_model(str(tmp_path / "a"))
    (tmp_path / "a" / "checksums.json").unlink()
    with pytest.raises(Exception, match="checksums"):
        mlflow.pyfunc.load_model(str(tmp_path / "a"))


def test_nothing_in_a_version_is_a_pickle_or_code(tmp_path: Path) -> None:
    from ml_platform.adapters.mlflow_model import write_mlflow_model

    given = example("random_forest")
    write_artifact(given.artifact, tmp_path / "a")
    write_mlflow_model(tmp_path / "a", "0" * 32, Classification())
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(
        {
            *given.artifact.files,
            "MLmodel",
            "checksums.json",
            "input_example.json",
            "manifest.json",
            "requirements.txt",
            "serving_input_example.json",
        }
    )
    assert "loader_module: ml_platform.adapters.mlflow_loader" in (
        tmp_path / "a" / "MLmodel"
    ).read_text().replace("\n ", "")


def test_the_commands_predict_and_serve_answer_as_the_platform(
    mlflow_server: str, tmp_path: Path
) -> None:
    """Serving is also what Spark's functions do on their workers, with this very client."""
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    given, task = example("random_forest"), TASKS["random_forest"]
    uri = registered(mlflow_server, tmp_path, "commands", given.artifact, task)
    rows = given.rows[list(given.artifact.features)]
    data = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    sent = {"dataframe_split": {"columns": list(rows.columns), "data": data}}
    (tmp_path / "rows.json").write_text(json.dumps(sent))
    # As in an activated environment: MLflow starts uvicorn by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow_server, "PATH": path}
    port = free_port(None)
    serving = [COMMAND, "models", "serve", "-m", uri, "--env-manager", "local", "-p", str(port)]
    predicting = [COMMAND, "models", "predict", "-m", uri, "--env-manager", "local"]
    files = ["-i", str(tmp_path / "rows.json"), "-o", str(tmp_path / "answers.json")]
    expected = platform_answers(given, task, tmp_path)
    with closing(Background(serving, environment, tmp_path / "serve.log")) as server:
        subprocess.run(
            [*predicting, *files], env=environment, check=True, capture_output=True, timeout=120
        )
        told = json.loads((tmp_path / "answers.json").read_text())["predictions"]
        assert_same_bits(pd.DataFrame(told), expected)
        client = ScoringServerClient("127.0.0.1", port)
        client.wait_server_ready(timeout=90, scoring_server_proc=server.process)
        assert_same_bits(client.invoke(rows).get_predictions(), expected)


class Background:
    """A command that runs until it is closed, with what it started."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log.open("w")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
        self._log.close()
