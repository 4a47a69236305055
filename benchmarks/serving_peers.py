"""The servers of `benchmarks.serving`: ours and the peers, of one artifact, each with its command and its requests.

A peer is only taken where it is installed, in an interpreter that also has MLflow and what this package needs. Each
peer loads the same artifact by MLflow's ``python_function``, since that is what its user would do; BentoML and
MLServer get a service of a few lines for it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.http_load import ROOT, Requests
from ml_platform.adapters.processes import free_port

COMMAND = Path(sys.executable).with_name("ml-platform")
PEERS = ("mlflow", "bentoml", "mlserver")
_KEY_RATE = 1_000_000
"""Requests a second that the one key may make: it is limited as any key is, out of reach."""
_DOES_NOT = 'no key, no canary, no log; unknown fields, and "0.1" and true for a number, are taken'
_LOAD = '''
import json
import mlflow.pyfunc
import pandas as pd
from mlflow.types import DataType


class Model:
    """The version as a pyfunc; missing numbers are NaN, as its signature needs them."""

    def __init__(self):
        self.pyfunc = mlflow.pyfunc.load_model(MODEL)
        columns = self.pyfunc.metadata.get_input_schema().inputs
        self.numbers = [each.name for each in columns if each.type == DataType.double]

    def predict(self, row):
        frame = pd.DataFrame([row])
        frame[self.numbers] = frame[self.numbers].astype("float64")
        return self.pyfunc.predict(frame).iloc[0].to_dict()
'''
_BENTOML = """
import bentoml


@bentoml.service(workers=1)
class Peer:
    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api
    def predict(self, row: dict) -> dict:
        return self.model.predict(row)
"""
_MLSERVER = """
from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceResponse


class Peer(MLModel):
    async def load(self):
        self.model = Model()
        return True

    async def predict(self, payload):
        row = json.loads(StringCodec.decode_input(payload.inputs[0])[0])
        answer = StringCodec.encode_output("answer", [json.dumps(self.model.predict(row))])
        return InferenceResponse(model_name=self.name, outputs=[answer])
"""


@dataclass(frozen=True)
class Rows:
    """The rows that every server is asked for."""

    model: str
    features: Sequence[Mapping[str, Any]]
    users: Sequence[str]


@dataclass(frozen=True)
class Server:
    """A server that is to be started, and what it is asked."""

    name: str
    release: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    requests: Requests
    prediction: Callable[[Any], str]
    """Reads what was predicted out of the JSON of an answer."""
    does_not: str
    """What ours does with each request, and this one does not."""


def ours(home: Path, rows: Rows, workers: int) -> Server:
    """The service of the platform, asked with a key that is made in the home for it."""
    key = ["keys", "create", "--user", "benchmark", "--scope", "predict", "--scope", "act_for"]
    home = home.resolve()
    made = subprocess.run(
        [COMMAND, *key, "--home", home, "--json"], stdout=subprocess.PIPE, check=True
    )
    port = free_port()
    served = ("serve", "--home", str(home), "--port", str(port), "--workers", str(workers))
    limit = ("--rate", str(_KEY_RATE))
    return Server(
        name="ours",
        release="",
        command=(str(COMMAND), *served, *limit),
        environment=_environment(sys.executable),
        requests=Requests(
            f"http://127.0.0.1:{port}/api/ml/predict",
            our_bodies(rows),
            {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"},
        ),
        prediction=lambda answer: str(answer["prediction"]),
        does_not="",
    )


def our_bodies(rows: Rows) -> list[str]:
    """The rows as our service takes them."""
    return [
        json.dumps({"model": rows.model, "features": features, "user_id": user})
        for features, user in zip(rows.features, rows.users, strict=True)
    ]


def peers(
    names: Sequence[str], interpreters: Sequence[str], model: Path, rows: Rows
) -> tuple[list[Server], list[str]]:
    """The peers that are installed, in the first interpreter that has each, and the names of the others.

    Args:
        names: Of `PEERS`.
        interpreters: Paths of Python interpreters.
        model: Folder of the version as a model of MLflow; services are written to folders beside it.
        rows: What is asked.
    """
    make = {"mlflow": _mlflow, "bentoml": _bentoml, "mlserver": _mlserver}
    servers, missing = [], []
    for name in names:
        found = ((python, _release(python, name)) for python in interpreters)
        python, release = next(((each, text) for each, text in found if text), ("", ""))
        if release:
            servers.append(make[name](python, release, model, rows))
        else:
            missing.append(name)
    return servers, missing


def _release(python: str, package: str) -> str:
    """The version of a package that an interpreter finds; empty if it finds none."""
    code = (
        "import importlib.metadata as m, importlib.util as u, sys; name = sys.argv[1]; "
        "print(m.version(name) if u.find_spec(name) else '')"
    )
    asked = subprocess.run(
        [python, "-c", code, package], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def _environment(python: str) -> dict[str, str]:
    """This process's environment with the tools of an interpreter first, and no telemetry."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "true",
    }


def _mlflow(python: str, release: str, model: Path, rows: Rows) -> Server:
    port = str(free_port())
    columns = list(rows.features[0])
    bodies = [
        json.dumps({"dataframe_split": {"columns": columns, "data": [list(row.values())]}})
        for row in rows.features
    ]
    served = ("models", "serve", "-m", str(model), "-h", "127.0.0.1", "-p", port)
    return Server(
        name="mlflow models serve",
        release=release,
        command=(python, "-m", "mlflow", *served, "--env-manager", "local", "--workers", "1"),
        environment=_environment(python),
        requests=Requests(f"http://127.0.0.1:{port}/invocations", bodies),
        prediction=lambda answer: str(answer["predictions"][0]["prediction"]),
        does_not=_DOES_NOT,
    )


def _bentoml(python: str, release: str, model: Path, rows: Rows) -> Server:
    port = str(free_port())
    folder = _service(model, "bentoml", _BENTOML)
    served = ("serve", "service:Peer", "--working-dir", str(folder), "--host", "127.0.0.1")
    return Server(
        name="BentoML",
        release=release,
        command=(python, "-m", "bentoml", *served, "--port", port),
        environment={**_environment(python), "BENTOML_HOME": str(folder)},
        requests=Requests(
            f"http://127.0.0.1:{port}/predict", [json.dumps({"row": row}) for row in rows.features]
        ),
        prediction=lambda answer: str(answer["prediction"]),
        does_not=f"{_DOES_NOT}; what the signature refuses is a 500",
    )


def _mlserver(python: str, release: str, model: Path, rows: Rows) -> Server:
    folder = _service(model, "mlserver", _MLSERVER)
    port = free_port()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_endpoint": None,
        "parallel_workers": 0,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(
        json.dumps({"name": "peer", "implementation": "service.Peer"})
    )
    given = {"name": "row", "shape": [1], "datatype": "BYTES"}
    bodies = [
        json.dumps({"inputs": [{**given, "data": [json.dumps(row)]}]}) for row in rows.features
    ]
    return Server(
        name="MLServer",
        release=release,
        command=(str(Path(python).with_name("mlserver")), "start", str(folder)),
        environment=_environment(python),
        requests=Requests(f"http://127.0.0.1:{port}/v2/models/peer/infer", bodies),
        prediction=lambda answer: str(json.loads(answer["outputs"][0]["data"][0])["prediction"]),
        does_not=f"{_DOES_NOT}; what the signature refuses is a 500",
    )


def _service(model: Path, name: str, code: str) -> Path:
    """A folder with the module of a service that loads the model."""
    folder = model.with_name(name)
    folder.mkdir()
    (folder / "service.py").write_text(f"MODEL = {str(model)!r}\n{_LOAD}\n{code}")
    return folder
