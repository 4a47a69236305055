"""The examples and a fresh skeleton, installed beside the platform's wheel and run far from the repository.

A run costs a minute, most of it for the home, its databases and its feature tables: both models share one.
"""

import importlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_platform.adapters.sources.dispatch import SourceOptions
from ml_platform.cli.new_model import new_model
from ml_platform.errors import SourceError
from ml_platform_tests.plugins.histories import history
from ml_platform_tests.plugins.installing import ROOT, command, install, wheel_of

pytestmark = pytest.mark.timeout(1500)
GATED = ("PROMOTE", "HOLD", "REJECT")
EXAMPLE, SKELETON = MODELS = ("changed_again", "fresh_model")
"""The example model, and the skeleton as `new-model` writes it."""
TITLES = {EXAMPLE: "Changed again within a week", SKELETON: f"Active tomorrow ({SKELETON})"}
EVENT = {"user_id": "Ada", "tool": "editor", "operation": "save", "object_path": "a.txt"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the platform, both examples and a model that `new-model` has written."""
    folder = tmp_path_factory.mktemp("site")
    arguments = [SKELETON, "--directory", str(folder)]
    CliRunner().invoke(new_model, arguments, catch_exceptions=False)
    examples = ROOT / "examples"
    projects = [ROOT, examples / EXAMPLE, examples / "json_lines", folder / SKELETON]
    install([wheel_of(project, folder) for project in projects], folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder far from the repository, in which the home is made."""
    return tmp_path_factory.mktemp("far")


@pytest.fixture(scope="module")
def printed(site: Path, far: Path) -> Iterator[Callable[[str], dict]]:
    """What a command printed as JSON, by a name; the three need nothing of each other and run side by side."""
    source = f"git:{history(far / 'project', days=200)}"
    lines = [
        json.dumps({**EVENT, "event_id": str(n), "occurred_at": f"2026-05-{n + 1:02d}T09:00:00Z"})
        for n in range(9)
    ]
    (far / "events.jsonl").write_text("\n".join(lines) + "\n")
    commands = {
        "run": ("run", "--source", source, "--models", ",".join(MODELS), "--processes", "1"),
        "prove": ("gates", EXAMPLE, "--prove"),
        "ingest": ("ingest", "--home", "lines", "--source", "json-lines:events.jsonl"),
    }
    with ThreadPoolExecutor(len(commands)) as pool:
        started = {
            name: pool.submit(command, site, far, *arguments, "--json", seconds=1200)
            for name, arguments in commands.items()
        }
        yield lambda name: json.loads(started[name].result().stdout)


@pytest.fixture(scope="module")
def first(printed: Callable[[str], dict]) -> dict[str, dict[str, dict]]:
    """The run of the example and of the skeleton on a git history."""
    return printed("run")


@pytest.fixture(scope="module")
def listed(site: Path, far: Path, first: dict[str, dict[str, dict]]) -> dict[str, dict]:
    """The list of the models after the run."""
    return json.loads(command(site, far, "models", "--json").stdout)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_from_outside_has_a_gated_verdict(
    first: dict[str, dict[str, dict]], name: str
) -> None:
    model = first["models"][name]
    assert model["verdict"] in GATED, model["decided_by"]
    gates = {gate["name"]: gate for gate in model["gates"]}
    assert {gates[gate]["outcome"] for gate in ("schema", "leakage", "parity")} == {"PASS"}
    assert gates["over_rules"]["outcome"] == outcome_of_interval(gates["over_rules"])
    assert first["monitoring"][name]["rows"] > 0
    assert first["simulated"] is False


def outcome_of_interval(gate: dict) -> str:
    """What the interval of a gate with a lower limit says: the whole of it above, below, or across the limit."""
    if gate["low"] > gate["limit"]:
        return "PASS"
    return "FAIL" if gate["high"] <= gate["limit"] else "INSUFFICIENT"


def test_the_example_is_better_than_chance(first: dict[str, dict[str, dict]]) -> None:
    model = first["models"][EXAMPLE]
    assert model["metrics"]["accuracy"]["value"] > model["dummy"]["accuracy"]["value"]


@pytest.mark.parametrize("name", MODELS)
def test_it_has_a_page_and_stands_in_the_list(
    site: Path,
    far: Path,
    first: dict[str, dict[str, dict]],
    listed: dict[str, dict],
    name: str,
) -> None:
    page = Path(command(site, far, "report", name).stdout.strip().splitlines()[-1])
    assert page.is_relative_to(far / ".ml_platform")
    assert f"<title>{name.replace('_', ' ').capitalize()}: " in page.read_text()
    assert listed["models"][name]["title"] == TITLES[name]
    assert listed["models"][name]["verdict"] == first["models"][name]["verdict"]
    assert listed["left_out"] == []


def test_nothing_was_written_to_what_is_installed(site: Path, first: dict[str, object]) -> None:
    names = {path.name for path in site.rglob("*") if path.is_file()}
    assert not names & {"manifest.json", "dbt.log", "partial_parse.msgpack", ".user.yml"}


def test_each_gate_stops_its_fault(site: Path, far: Path, printed: Callable[[str], dict]) -> None:
    """The proof of the example is that of the skeleton too: it rests on task and gates, and these are the same."""
    proof = printed("prove")
    assert {gate["gate"] for gate in proof["gates"] if not gate["holds"]} == set()
    proved = [_limit(gate) for gate in proof["gates"]]
    asked = json.loads(command(site, far, "gates", SKELETON, "--json").stdout)
    assert [_limit(gate) for gate in asked["gates"] if _limit(gate) not in proved] == []


def _limit(gate: dict[str, object]) -> tuple[object, ...]:
    return tuple(gate.get(key) for key in ("gate", "kind", "fault", "metric", "bound", "limit"))


def test_a_source_from_outside_fills_the_lake(far: Path, printed: Callable[[str], dict]) -> None:
    lake = printed("ingest")
    assert lake["source"] == f"json-lines:{far / 'events.jsonl'}"
    assert lake["rows"]["events"] == 9


def test_a_line_that_a_source_from_outside_refuses_ends_the_command_in_one_line(
    site: Path, far: Path
) -> None:
    (far / "broken.jsonl").write_text("{}\n")
    wrong = ("ingest", "--home", str(far / "broken"), "--source", "json-lines:broken.jsonl")
    assert "Line 1 of" in command(site, far, *wrong, code=2).stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", "KeyError 'user_id'"),
        ("no JSON", "JSONDecodeError"),
        (json.dumps({**EVENT, "occurred_at": "yesterday"}), "ValueError"),
    ],
)
def test_a_line_that_is_no_event_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, reason: str
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "json_lines"))
    source_class = importlib.import_module("json_lines_source").JsonLinesSource
    good = json.dumps({**EVENT, "occurred_at": "2026-05-01T09:00:00Z"})
    (tmp_path / "events.jsonl").write_text(f"{good}\n{line}\n")
    options = SourceOptions(as_of=datetime(2026, 6, 1, tzinfo=UTC), seed=1, user_key=b"key")
    source = source_class(str(tmp_path / "events.jsonl"), options)
    with pytest.raises(SourceError, match=rf"Line 2 of .*: {reason}"):
        list(source.batches())
