"""Routes that read: models, health, figures of the service; the ledger that is away or slow."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import MOST_WAITING, Reading
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.report import FeatureDrift, Light, Severity
from ml_platform.registry.records import VersionRecord
from ml_platform.values import fingerprint
from ml_platform_tests.api.routes.small_service import RULES, SmallHome, SmallService, Story
from ml_platform_tests.application.homes import SPEC, promotable
from ml_platform_tests.conformance.monitoring_reports import monitoring_report

Run = Callable[[Story], None]
END = datetime(2026, 5, 2, tzinfo=UTC)


def test_a_model_says_what_answers_since_when_and_by_whom(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        response = await service.get("/api/ml/models", small.person("ann"))
        assert response.status_code == 200
        first, second = response.json()["models"]
        assert (first["model"]["answers"], first["model"]["title"]) == ("version 1", SPEC.title)
        assert first["model"]["by"] == "champion asset"
        assert first["model"]["since"].startswith(f"{datetime.now(UTC):%Y-%m-%d}")
        assert first["model"]["verdict"] == "PROMOTE"
        assert first["schema_at"] == "/api/ml/models/example"
        assert (second["model"]["answers"], second["model"]["version"]) == ("nothing", None)

    run(story)


def test_the_details_name_the_lineage_and_a_row_that_fits_the_schema(
    small: SmallHome, run: Run
) -> None:
    record = small.platform.ledger.version("example", 1)

    async def story(service: SmallService) -> None:
        response = await service.get("/api/ml/models/example", small.person("ann"))
        found = response.json()
        assert found["classes"] == list(record.classes)
        lineage = found["versions"][0]["lineage"]
        assert lineage["artifact_sha256"] == record.artifact_sha256
        assert lineage["training_set_fingerprint"] == record.training_set_fingerprint
        assert lineage["report_id"] == record.report_id
        assert found["input_schema"]["required"] == list(record.input_schema)
        assert found["example"].keys() == record.input_schema.keys()
        assert {gate["outcome"] for gate in found["gates"]} == {"PASS"}

    run(story)


def test_the_metrics_are_those_of_the_stored_report_with_their_intervals(
    small: SmallHome, run: Run
) -> None:
    async def story(service: SmallService) -> None:
        response = await service.get("/api/ml/metrics/example", small.person("ann"))
        found = response.json()
        assert found["candidate"]["metrics"]["accuracy"] == {
            "value": 0.9,
            "low": 0.89,
            "high": 0.91,
        }
        assert found["baseline"]["metrics"]["accuracy"] == {"value": 0.7, "low": 0.68, "high": 0.72}
        assert (found["version"], found["in_production"], found["rows"]) == (1, True, 5_000)

    run(story)


def test_the_evaluation_is_that_of_the_newest_version_and_the_metrics_are_the_champion_s(
    small: SmallHome, run: Run
) -> None:
    second = promotable(small.platform, RULES.replace(b"0.75", b"0.70"))

    async def story(service: SmallService) -> None:
        key = small.person("ann")
        evaluation = (await service.get("/api/ml/evaluate/example", key)).json()
        assert (evaluation["version"], evaluation["report_id"]) == (2, second.report_id)
        assert (await service.get("/api/ml/metrics/example", key)).json()["version"] == 1

    run(story)


def test_the_advice_is_what_the_cost_dimension_has_stored(small: SmallHome, run: Run) -> None:
    with_cost(small)

    async def story(service: SmallService) -> None:
        key = small.person("ann")
        found = (await service.get("/api/ml/optimize/prediction", key)).json()
        assert found["without"] == ["untrained"]
        (advice,) = found["models"]
        assert advice["advice"] == ["Ask in batches."]
        assert advice["measures"]["cache_hit_rate"]["value"] == 0.12
        of_one = await service.get("/api/ml/optimize/prediction", key, model="untrained")
        assert of_one.json() == {"models": [], "without": ["untrained"]}

    run(story)


def with_cost(small: SmallHome) -> None:
    """A second evaluation of the champion whose report has a cost dimension."""
    ledger = small.platform.ledger
    record: VersionRecord = ledger.version("example", 1)
    report = ledger.report(record.report_id)
    assert report is not None
    hits = Estimate(0.12, 0.12, 0.12)
    cost = Dimension(
        "cost", "Cost", "?", "fast", {"cache_hit_rate": hits}, advice=("Ask in batches.",)
    )
    examined = replace(report, dimensions=(cost,), seed=8)
    ledger.save_report(examined)
    again = replace(record.decision, row="asked again")
    ledger.register(replace(record, report_id=fingerprint(examined), decision=again))


def test_the_trend_lists_reports_from_the_newest_on(small: SmallHome, run: Run) -> None:
    for place in range(3):
        small.platform.ledger.save_monitoring_report(
            monitoring_report("example", END + timedelta(hours=6 * place))
        )

    async def story(service: SmallService) -> None:
        found = await service.get("/api/ml/trend/example", small.person("ann"), limit=2)
        ends = [each["window_end"] for each in found.json()["reports"]]
        assert ends == ["2026-05-02T12:00:00Z", "2026-05-02T06:00:00Z"]
        assert found.json()["reports"][0]["light"] == "green"

    run(story)


@pytest.mark.parametrize(("light", "status"), [(Light.GREEN, "ok"), (Light.RED, "degraded")])
def test_a_red_light_degrades_the_model_and_the_service(
    small: SmallHome, run: Run, light: Light, status: str
) -> None:
    drift = FeatureDrift("x", "ks", 0.4, 0.0, 0.0, 0.31, 0.4, 0.0, 0.0, 1.0, Severity.SIGNIFICANT)
    report = replace(monitoring_report("example", END), light=light, features=(drift,))
    small.platform.ledger.save_monitoring_report(report)

    async def story(service: SmallService) -> None:
        key = small.person("ann")
        whole = (await service.get("/api/ml/health", key)).json()
        assert whole["status"] == status
        one = (await service.get("/api/ml/health/example", key)).json()
        assert (one["status"], one["ledger"]["light"]) == (status, light.value)
        trend = (await service.get("/api/ml/trend/example", key)).json()
        assert trend["reports"][0]["features"][0]["psi"] == 0.31

    run(story)


def test_a_worker_that_has_not_followed_a_change_of_production_says_so(
    small: SmallHome, run: Run
) -> None:
    async def story(service: SmallService) -> None:
        key = small.person("ann")
        await service.follow()
        assert (await service.get("/api/ml/health/example", key)).json()["follows"] is True
        model = service.worker.answering.models["example"]
        service.worker.answering.models["example"] = replace(model, revision=model.revision - 1)
        assert (await service.get("/api/ml/health/example", key)).json()["follows"] is False
        reasons = (await service.get("/api/ml/health", key)).json()["reasons"]
        assert reasons == ["example has not followed the newest change of production yet"]

    run(story)


def test_health_answers_without_a_ledger_and_the_rest_says_503(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        key = small.person("ann")
        await service.follow()
        nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
        service.worker.state = replace(service.worker.state, database=nowhere)
        health = await service.get("/api/ml/health", key)
        assert health.status_code == 200
        assert health.json()["status"] == "degraded"
        assert health.json()["reasons"] == ["the ledger does not answer"]
        assert health.json()["models"][0]["answers_with"] == "1"
        metrics = await service.get("/api/ml/system/metrics", key)
        assert (metrics.status_code, metrics.json()["answers"]) == (200, [])
        models = await service.get("/api/ml/models", key)
        assert (models.status_code, models.headers["retry-after"]) == (503, "2")
        assert "nobody" not in models.text

    run(story)


def test_the_figures_of_the_service_count_what_was_answered(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        key = small.person("ann")
        for _ in range(3):
            await service.predict(key)
        found = (await service.get("/api/ml/system/metrics", key)).json()
        assert [(each["hours"], each["answers"]) for each in found["answers"]] == [(1, 3), (24, 3)]
        assert found["answers"][0]["p50_ms"] <= found["answers"][0]["p99_ms"]
        assert found["log"]["committed"] == 3
        assert (found["cache"]["hits"], found["cache"]["misses"]) == (2, 1)
        assert (found["models_loaded"], found["hashes_checked"]) == (1, 1)
        assert [each["answers_this"] for each in found["processes"]].count(True) == 1

    run(story)


def test_a_slow_read_is_given_up_and_too_many_are_refused(
    small: SmallHome,
) -> None:
    async def whole() -> None:
        reads = Reading(small.platform.settings, lambda: small.state.database, seconds=0.2)
        began = time.monotonic()
        asked = [
            asyncio.create_task(reads.ask(lambda _: time.sleep(0.5))) for _ in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await reads.ask(lambda _: None)
        assert refused.value.kind is Kind.UNAVAILABLE
        assert time.monotonic() - began < 0.2
        given_up = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, Refused) for each in given_up)
        assert time.monotonic() - began < 0.45
        reads.close()

    asyncio.run(whole())


def test_the_routes_bring_neither_pandas_nor_dagster_into_a_worker() -> None:
    code = (
        "import sys, ml_platform.api.worker, ml_platform.api.routes, ml_platform.adapters.ledger.postgres;"
        "import ml_platform.adapters.serving.answer_reader, ml_platform.evaluation.report;"
        "print(*{'pandas', 'torch', 'sklearn', 'dagster', 'mlflow', 'duckdb'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
