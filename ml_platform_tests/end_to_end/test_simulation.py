"""Events to a gated champion and its first report, on a small simulation, with every part real."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ml_platform_tests.end_to_end.command import AS_OF, ONE, call, nothing_left, told
from ml_platform_tests.end_to_end.shared_homes import fresh_home, opened, tune

pytestmark = pytest.mark.timeout(900)
SIMULATION = (*ONE, "--days", "14", "--users", "60", "--as-of", AS_OF)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A home after its first run, and what that told; a third of the trees earns the same place."""
    home = fresh_home(tmp_path_factory, tmp_path_factory.mktemp("simulation") / "home")
    tune(home, {"pattern_classifier": {"trees": 50}})
    return home, told(home, "run", *SIMULATION, seconds=800)


@pytest.fixture(scope="module")
def first(first_run: tuple[Path, Any]) -> Any:
    return first_run[1]


@pytest.fixture(scope="module")
def in_home(first_run: tuple[Path, Any]) -> Iterator[dg.DagsterInstance]:
    """Services and Dagster's instance of the home, in this process; commands meanwhile use the same services.

    None of them has left a process, nor anything half written, when these have ended; neither has the first run.
    """
    nothing_left(first_run[0])
    with opened(first_run[0]) as instance:
        yield instance
    nothing_left(first_run[0])


@pytest.fixture
def home(first_run: tuple[Path, Any], in_home: dg.DagsterInstance) -> Path:
    return first_run[0]


def launch_champion(instance: dg.DagsterInstance) -> str:
    """Launch the champion asset alone; empty if it went through, else what it said."""
    return launch(instance, "champion")


def launch(instance: dg.DagsterInstance, step: str) -> str:
    """Launch one asset of the classifier alone; empty if it went through, else what it said."""
    from ml_platform.defs.jobs import home_definitions

    job = home_definitions().resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["pattern_classifier", step])],
        raise_on_error=False,
    )
    failures = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    return " ".join(str(error.cause or error) for error in failures if error)


def test_a_candidate_earns_its_place_beside_baseline_and_ceiling(first: Any) -> None:
    model = first["models"]["pattern_classifier"]
    assert first["simulated"] is True
    assert model["verdict"] == "PROMOTE"
    assert model["version"] == model["in_production"] == 1
    metrics, baseline, ceiling = model["metrics"], model["baseline"], model["ceiling"]
    assert set(ceiling) < set(metrics) == set(baseline)
    for figures in (metrics, baseline, ceiling):
        for estimate in figures.values():
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert baseline["accuracy"]["high"] < metrics["accuracy"]["low"]
    assert metrics["accuracy"]["low"] > 0.85
    assert metrics["accuracy"]["value"] < ceiling["accuracy"]["high"]
    assert {gate["outcome"] for gate in model["gates"]} == {"PASS"}
    report = first["monitoring"]["pattern_classifier"]
    assert report["version"] == "1"
    assert report["light"] in ("GREEN", "INSUFFICIENT")


def test_the_same_again_is_the_same(first: Any, home: Path) -> None:
    before = told(home, "status")["models"]["pattern_classifier"]
    again = told(home, "run", *ONE)
    model = again["models"]["pattern_classifier"]
    assert again["fingerprints"] == first["fingerprints"]
    assert model["fingerprints"] == first["models"]["pattern_classifier"]["fingerprints"]
    assert (model["version"], model["in_production"]) == (1, 1)
    status = told(home, "status")["models"]["pattern_classifier"]
    assert [entry["status"] for entry in status["versions"]] == ["production"]
    assert (
        timedelta()
        < datetime.now(UTC) - datetime.fromisoformat(status["since"])
        < timedelta(days=1)
    )
    assert status["since"] == before["since"]
    checked = told(home, "verify")
    assert checked["ok"] is True


def test_retention_of_a_home_of_today_finds_nothing_and_of_later_only_what_nobody_needs(
    first: Any, home: Path
) -> None:
    planned = told(home, "retention")
    assert (planned["applied"], planned["without_rule"]) == (False, [])
    assert {removal["kind"] for removal in planned["removals"]} <= {"estimator's probabilities"}
    applied = told(home, "retention", "--apply")
    assert applied["removals"] == planned["removals"]
    assert told(home, "retention")["removals"] == []
    assert told(home, "verify")["ok"] is True
    assert call(home, "report", "pattern_classifier")[0]
    for step, names in (("hold", ("--reason", "a dispute")), ("lift", ())):
        call(home, "retention", step, "pattern_classifier", "1", *names)
    (held,) = told(home, "retention", "holds")["holds"]
    assert held["reason"] == "a dispute"


def test_another_source_in_the_same_home_is_refused(first: Any, home: Path) -> None:
    _, err = call(home, "run", "--source", "simulate", "--seed", "9", code=2)
    assert "choose another --home" in err
    assert len(err.strip().splitlines()) == 1


def test_links_lead_both_ways_and_the_alias_follows_the_ledger(first: Any, in_home: Any) -> None:
    from ml_platform.application.connections import Connections
    from ml_platform.settings import read_settings

    platform = Connections(read_settings())
    record = platform.ledger.version("pattern_classifier", 1)
    assert platform.tracking.alias("pattern_classifier", "champion") == record.mlflow_version
    from mlflow import MlflowClient

    run = MlflowClient(platform.tracking_url).get_run(record.mlflow_run_id)
    assert run.data.tags["training set"] == record.training_set_fingerprint
    assert run.data.metrics["accuracy_low"] > 0.85
    latest = in_home.get_latest_materialization_event(
        dg.AssetKey(["pattern_classifier", "evaluation_report"])
    )
    shown = latest.asset_materialization.metadata["MLflow run"].value.rsplit("/", 1)[1]
    linked = MlflowClient(platform.tracking_url).get_run(shown)
    assert linked.data.tags["dagster run"] == latest.run_id


def test_mlflow_loads_champion_and_rules_by_alias_and_answers_as_the_platform(
    first: Any, in_home: Any
) -> None:
    import mlflow

    from ml_platform.adapters.artifact_files import load_scorer
    from ml_platform.adapters.plugins import spec_named
    from ml_platform.application.connections import Connections
    from ml_platform.application.predict import feature_rows, in_production
    from ml_platform.application.rules_in_use import rules_of
    from ml_platform.prediction_log.scoring import predicted
    from ml_platform.settings import read_settings

    platform, spec = Connections(read_settings()), spec_named("pattern_classifier")
    end = platform.home.as_of
    rows = feature_rows(platform, spec, end - timedelta(days=2), end)
    parts = platform.published_features(spec.table.name).rglob("*.parquet")
    stored = pd.concat(pd.read_parquet(path) for path in parts)
    stored = stored.set_index("row_id").loc[rows["row_id"]]
    sha256 = rules_of(platform, spec.name)
    rules = load_scorer(platform.settings.artifacts / sha256, sha256)
    mlflow.set_tracking_uri(platform.tracking_url)
    for name, scorer in (
        ("pattern_classifier@champion", in_production(platform, spec.name)[1]),
        ("pattern_classifier.rules@current", rules),
    ):
        answers = mlflow.pyfunc.load_model(f"models:/{name}").predict(stored)
        scores = scorer.predict_proba(rows)
        assert answers[list(scorer.classes)].to_numpy().tobytes() == scores.tobytes()
        logged = predicted(spec.task, scorer, rows)
        assert answers["prediction"].tolist() == logged["predicted"].tolist()
        assert answers["confidence"].tolist() == logged["confidence"].tolist()


def test_a_backup_restored_elsewhere_and_moved_is_the_same_home(
    first: Any, home: Path, tmp_path: Path
) -> None:
    call(home, "backup", str(tmp_path / "home.tar"))
    call(tmp_path / "restored", "restore", str(tmp_path / "home.tar"))
    moved = tmp_path / "deep" / "moved"
    moved.parent.mkdir()
    nothing_left(tmp_path / "restored")
    (tmp_path / "restored").rename(moved)
    with opened(moved):
        assert told(moved, "verify")["ok"] is True
        repairs = told(moved, "mirror")["repairs"]
        assert {repair["words"].rsplit(": ")[-1] for repair in repairs} == {"description"}
        assert not any(repair["by_hand"] for repair in repairs)
        assert told(moved, "mirror") == {"repairs": [], "adopted": "", "dropped": ""}
        now, then = (
            told(place, "status")["models"]["pattern_classifier"] for place in (moved, home)
        )
    assert now["versions"] == then["versions"]
    nothing_left(moved)


def test_a_changed_byte_of_the_artifact_is_refused(first: Any, home: Path, in_home: Any) -> None:
    sha256 = first["models"]["pattern_classifier"]["fingerprints"]["artifact"]
    with changed_byte(home / "artifacts" / sha256 / "model.onnx"):
        assert "has changed: its SHA-256 is" in launch_champion(in_home)
    assert launch_champion(in_home) == ""


def test_a_changed_data_file_is_refused(first: Any, home: Path, in_home: Any) -> None:
    fingerprint = first["models"]["pattern_classifier"]["fingerprints"]["training_set"]
    path = home / "training_sets" / "pattern_classifier" / fingerprint / "rows.parquet"
    with changed_byte(path):
        assert "the data file of training set" in launch_champion(in_home)


def test_no_check_and_a_stale_check_are_refused(first: Any, in_home: Any) -> None:
    with dg.DagsterInstance.ephemeral() as empty:
        assert "checks have not been run: artifact_hash" in launch_champion(empty)
    report = dg.AssetKey(["pattern_classifier", "evaluation_report"])
    in_home.report_runless_asset_event(dg.AssetMaterialization(report))
    assert "is stale: it was about another materialisation" in launch_champion(in_home)
    assert launch(in_home, "evaluation_report") == "", (
        "checks of its own for the tests after this one"
    )


def test_why_tells_of_the_refusals_and_verify_names_a_changed_byte(
    first: Any, home: Path, in_home: Any
) -> None:
    sha256 = first["models"]["pattern_classifier"]["fingerprints"]["artifact"]
    with changed_byte(home / "artifacts" / sha256 / "model.onnx"):
        assert "has changed" in launch_champion(in_home)
    out, _ = call(home, "why", "pattern_classifier")
    assert "PROMOTE: every gate passes" in out
    assert "refused at" in out
    with changed_byte(home / "artifacts" / sha256 / "encoding.json"):
        checked = told(home, "verify", code=1)
    faults = [finding["subject"] for finding in checked["findings"] if not finding["ok"]]
    assert faults == ["pattern_classifier 1 artifact"]


def test_a_second_window_is_watched_on_request(first: Any, home: Path) -> None:
    _, err = call(home, "monitor", "--window-end", "2026-08-01T00:00Z", code=2)
    assert "they end from 2026-09-01T00:00Z" in err
    reports = told(home, "monitor")
    assert reports["pattern_classifier"]["window"][1].startswith("2026-09-01T00:00")


class changed_byte:  # noqa: N801 - reads like a word in a with statement
    """A file with one byte flipped in its middle, for as long as the block runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.content = self.path.read_bytes()
        middle = len(self.content) // 2
        flipped = bytes([self.content[middle] ^ 1])
        self.path.write_bytes(self.content[:middle] + flipped + self.content[middle + 1 :])

    def __exit__(self, *_: object) -> None:
        self.path.write_bytes(self.content)
