"""Many rows at once, jobs, and the Open Inference Protocol."""

import asyncio
import os
import time

import pytest

from ml_platform.adapters.serving.job_files import FOLDER, KEPT_SECONDS, remove_old_jobs
from ml_platform_tests.api.services import FEATURES, MODEL
from ml_platform_tests.api.test_one_answer import in_service

BATCH, JOBS = "/api/ml/predict/batch", "/api/ml/predict/jobs"
ROWS = [{"features": FEATURES}, {"features": {"tool": 1, "operation": "x"}}, {"features": FEATURES}]


def test_a_batch_has_an_answer_or_a_problem_for_each_row(home):
    key = home.key()

    async def ask(service):
        return (await service.ask(key, {"model": MODEL, "rows": ROWS}, BATCH)).json()

    answers = in_service(home, ask)["answers"]
    assert [each.get("prediction") for each in answers] == ["a", None, "a"]
    assert answers[1]["problem"]["status"] == 422
    assert home.rows("origin") == [("batch",), ("batch",)]


@pytest.mark.parametrize(("rows", "status"), [(0, 422), (1_001, 422), (1_000, 200)])
def test_a_batch_is_bounded(home, rows, status):
    key = home.key()

    async def ask(service):
        return await service.ask(key, {"model": MODEL, "rows": [ROWS[0]] * rows}, BATCH)

    assert in_service(home, ask).status_code == status


def test_a_job_is_answered_meanwhile_and_only_its_key_sees_it(home):
    key, other = home.key("ada"), home.key("bob")

    async def ask(service):
        begun = await service.ask(key, {"model": MODEL, "rows": ROWS * 20}, JOBS)
        path = f"{JOBS}/{begun.json()['job_id']}"
        hidden = await service.client.get(path, headers={"Authorization": f"Bearer {other}"})
        for _ in range(100):
            shown = await service.client.get(path, headers={"Authorization": f"Bearer {key}"})
            if shown.json()["status"] != "running":
                break
            await asyncio.sleep(0.05)
        return begun, hidden, shown.json()

    begun, hidden, shown = in_service(home, ask)
    assert (begun.status_code, hidden.status_code) == (202, 404)
    assert (shown["status"], shown["done"], len(shown["answers"])) == ("done", 60, 60)


@pytest.mark.parametrize("name", ["x", "..%2f..%2fsecrets", "0" * 32, "%00", "a/b"])
def test_a_job_is_no_path(home, name):
    key = home.key()

    async def ask(service):
        headers = {"Authorization": f"Bearer {key}"}
        return await service.client.get(f"{JOBS}/{name}", headers=headers)

    assert in_service(home, ask).status_code == 404


def test_a_job_whose_worker_has_ended_has_failed(home):
    key = home.key()

    async def ask(service):
        begun = (await service.ask(key, {"model": MODEL, "rows": ROWS}, JOBS)).json()
        await asyncio.sleep(0.3)
        file = home.folder / "serving" / "jobs" / f"{begun['job_id']}.json"
        text = file.read_text().replace('"done"', '"running"', 1)
        file.write_text(text.replace(f'"worker":{begun["worker"]}', '"worker":999999999'))
        headers = {"Authorization": f"Bearer {key}"}
        return (await service.client.get(f"{JOBS}/{begun['job_id']}", headers=headers)).json()

    shown = in_service(home, ask)
    assert (shown["status"], shown["fault"]) == ("failed", "the worker that had it has ended")


def tensors(**columns):
    """A tensor a feature, of texts."""
    return {
        "inputs": [
            {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data}
            for name, data in columns.items()
        ]
    }


def test_the_open_inference_protocol(home):
    key = home.key()
    path = f"/v2/models/{MODEL}"

    async def ask(service):
        headers = {"Authorization": f"Bearer {key}"}
        declared = await service.client.get(path, headers=headers)
        asked = tensors(tool=["editor", None], operation=["save", "x"]) | {"id": "7"}
        return declared.json(), (await service.ask(key, asked, f"{path}/infer")).json()

    declared, answered = in_service(home, ask)
    assert sorted((each["name"], each["datatype"]) for each in declared["inputs"]) == [
        ("operation", "BYTES"),
        ("tool", "BYTES"),
    ]
    assert (answered["model_version"], answered["id"]) == ("1", "7")
    outputs = {each["name"]: each["data"] for each in answered["outputs"]}
    assert outputs["prediction"] == ["a", "a"]
    assert len(home.rows()) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"inputs": []}, 422),
        (tensors(tool=["a"], operation=["b", "c"]), 422),
        (tensors(tool=[1], operation=["b"]), 422),
        (tensors(tool=["a"]), 422),
        ({"inputs": "x"}, 422),
        (b"{", 400),
    ],
)
def test_tensors_that_cannot_be_used(home, body, status):
    key = home.key()

    async def ask(service):
        return await service.ask(key, body, f"/v2/models/{MODEL}/infer")

    assert in_service(home, ask).status_code == status


def test_old_jobs_go_and_others_stay(tmp_path):
    (tmp_path / FOLDER).mkdir()
    for name, age in (("old", KEPT_SECONDS + 60), ("new", 60)):
        path = tmp_path / FOLDER / f"{name}.json"
        path.write_text("{}")
        os.utime(path, times=(time.time() - age,) * 2)
    assert remove_old_jobs(tmp_path) == 1
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["new.json"]
