"""The examples and a fresh skeleton, installed beside the platform's wheel and run far from the repository."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_platform.cli.new_model import new_model
from ml_platform_tests.plugins.histories import history
from ml_platform_tests.plugins.installing import ROOT, command, install, wheel_of

pytestmark = pytest.mark.timeout(1500)
GATED = ("PROMOTE", "HOLD", "REJECT")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the platform, both examples and a model that `new-model` has written."""
    folder = tmp_path_factory.mktemp("site")
    arguments = ["fresh_model", "--directory", str(folder)]
    CliRunner().invoke(new_model, arguments, catch_exceptions=False)
    examples = ROOT / "examples"
    projects = [ROOT, examples / "changed_again", examples / "json_lines", folder / "fresh_model"]
    install([wheel_of(project, folder) for project in projects], folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder far from the repository, in which the home is made."""
    return tmp_path_factory.mktemp("far")


@pytest.fixture(scope="module")
def first(site: Path, far: Path) -> dict[str, object]:
    """The run of the example on a git history, as one JSON object."""
    source = f"git:{history(far / 'project', days=200)}"
    run = ("run", "--source", source, "--models", "changed_again", "--json")
    told: dict[str, object] = json.loads(command(site, far, *run, seconds=1200).stdout)
    return told


def test_the_example_has_a_gated_verdict(first: dict[str, dict[str, dict]]) -> None:
    model = first["models"]["changed_again"]
    assert model["verdict"] in GATED, model["decided_by"]
    outcomes = {gate["name"]: gate["outcome"] for gate in model["gates"]}
    assert {outcomes[name] for name in ("schema", "leakage", "parity")} == {"PASS"}
    assert outcomes["over_rules"] in ("PASS", "FAIL")
    assert model["metrics"]["accuracy"]["value"] > model["dummy"]["accuracy"]["value"]
    assert first["monitoring"]["changed_again"]["rows"] > 0


def test_it_has_a_page_and_stands_in_the_list(
    site: Path, far: Path, first: dict[str, dict[str, dict]]
) -> None:
    page = Path(command(site, far, "report", "changed_again").stdout.strip().splitlines()[-1])
    assert page.is_relative_to(far / ".ml_platform")
    assert "changed_again" in page.read_text()
    listed = json.loads(command(site, far, "models", "--json").stdout)
    assert (
        listed["models"]["changed_again"]["verdict"] == first["models"]["changed_again"]["verdict"]
    )
    assert listed["left_out"] == []


def test_nothing_was_written_to_what_is_installed(site: Path, first: dict[str, object]) -> None:
    made = {path.name for path in site.rglob("*") if path.is_file()}
    assert not made & {"manifest.json", "dbt.log", "partial_parse.msgpack", ".user.yml"}


@pytest.mark.parametrize("model", ["changed_again", "fresh_model"])
def test_each_gate_stops_its_fault(site: Path, far: Path, model: str) -> None:
    proof = json.loads(command(site, far, "gates", model, "--prove", "--json", seconds=900).stdout)
    assert {gate["gate"] for gate in proof["gates"] if not gate["holds"]} == set()


def test_a_model_that_was_just_written_works_as_it_is(site: Path, far: Path) -> None:
    home = ("--home", str(far / "simulated"))
    size = ("--days", "63", "--users", "30", "--as-of", "2026-09-01T00:00Z")
    run = ("run", *home, *size, "--models", "fresh_model", "--json")
    told = json.loads(command(site, far, *run, seconds=1200).stdout)
    model = told["models"]["fresh_model"]
    assert model["verdict"] in GATED, model["decided_by"]
    assert told["simulated"] is True
    assert told["monitoring"]["fresh_model"]["rows"] > 0
    assert Path(command(site, far, "report", "fresh_model", *home).stdout.split()[-1]).is_file()


def test_a_source_from_outside_fills_the_lake(site: Path, far: Path) -> None:
    event = {"user_id": "Ada", "tool": "editor", "operation": "save", "object_path": "a.txt"}
    lines = [
        json.dumps({**event, "event_id": str(n), "occurred_at": f"2026-05-{n + 1:02d}T09:00:00Z"})
        for n in range(9)
    ]
    (far / "events.jsonl").write_text("\n".join(lines) + "\n")
    ingest = (
        "ingest",
        "--home",
        str(far / "lines"),
        "--source",
        "json-lines:events.jsonl",
        "--json",
    )
    told = json.loads(command(site, far, *ingest).stdout)
    assert "json-lines:" in json.dumps(told)
    (far / "broken.jsonl").write_text("{}\n")
    wrong = ("ingest", "--home", str(far / "broken"), "--source", "json-lines:broken.jsonl")
    said = command(site, far, *wrong, code=2).stderr.strip().splitlines()[-1]
    assert "Line 1" in said
