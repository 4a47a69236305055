"""The same loop on a git repository that the test makes, and on a process log that has no labels."""

import random
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ml_platform_tests.end_to_end.command import HERE, call, in_process, nothing_left, told
from ml_platform_tests.end_to_end.shared_homes import fresh_home, opened
from ml_platform_tests.end_to_end.test_simulation import launch_champion
from ml_platform_tests.events.repositories import git, repository

pytestmark = pytest.mark.timeout(900)
KINDS = {
    "docs": ("docs/guide_{}.md", "docs/images/{}.png"),
    "test": ("tests/test_{}.py", "src/core/part_{}.py"),
    "fix": ("src/core/part_{}.py", "src/web/view_{}.ts"),
    "feat": ("src/web/view_{}.ts", "src/core/part_{}.py"),
    "ci": (".github/workflows/job_{}.yml", "Makefile.{}"),
}


def history(path: Path, commits: int, start: int = 1_700_000_000) -> Path:
    """A repository in which the kind of a commit shows in its paths, though not always; two authors and a bot."""
    drawn = random.Random(7)
    repository(path)
    lines = []
    for number in range(commits):
        kind = drawn.choice(list(KINDS))
        author = drawn.choice(["Ada <ada@example.org>", "Bo <bo@example.org>"])
        if number % 10 == 9:
            kind, author = "docs", "renovate[bot] <bot@example.org>"
        # One commit in four touches what another kind would.
        shown = drawn.choice(list(KINDS)) if drawn.random() < 0.25 else kind
        moment = f"{start + number * 5400} +0100"
        message = f"{kind}: change {number}\n"
        lines += [
            "commit refs/heads/main",
            f"author {author} {moment}",
            f"committer {author} {moment}",
        ]
        lines += [f"data {len(message)}", message.rstrip("\n"), ""]
        for pattern in KINDS[shown][: drawn.randint(1, 2)]:
            content = f"{number}\n"
            lines.append(f"M 100644 inline {pattern.format(drawn.randint(0, 30))}")
            lines += [f"data {len(content)}", content.rstrip("\n"), ""]
    git(path, "fast-import", "--quiet", stdin=("\n".join(lines) + "\n").encode())
    return path


MODELS = (
    "pattern_classifier",
    "sequence_ngram",
    "suggestion_scorer",
    "trigger_predictor",
    "workflow_recommender",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh_home(tmp_path_factory, tmp_path_factory.mktemp("git") / "home")


@pytest.fixture(scope="module")
def first(home: Path) -> Any:
    project = history(home.parent / "project", 1500)
    return told(
        home, "run", "--source", f"git:{project}", "--models", ",".join(MODELS), *HERE, seconds=800
    )


def test_a_history_is_judged_honestly(first: Any, home: Path) -> None:
    model = first["models"]["pattern_classifier"]
    assert first["simulated"] is False
    assert model["ceiling"] is None
    assert model["verdict"] in ("HOLD", "REJECT")
    failed = [gate["name"] for gate in model["gates"] if gate["outcome"] != "PASS"]
    assert "accuracy" in failed, "one commit in four is out of reach"
    assert model["in_production"] is None
    assert model["metrics"]["accuracy"]["low"] > model["dummy"]["accuracy"]["high"]
    assert set(model["metrics"]) >= {"change_set_accuracy", "change_set_macro_f1"}
    assert first["monitoring"]["pattern_classifier"]["version"].startswith("rules@")
    assert first["as_of"].startswith("2024-02"), "the boundary after the newest commit"
    nothing_left(home)


def test_models_whose_tables_it_lacks_are_left_out_and_say_so(first: Any) -> None:
    for name, lacking in (
        ("suggestion_scorer", "no suggestions in this source"),
        ("trigger_predictor", "no workflow_executions in this source"),
        ("workflow_recommender", "no workflow_executions in this source"),
    ):
        model = first["models"][name]
        assert model["verdict"] == "INSUFFICIENT", name
        assert lacking in model["decided_by"], name
        assert first["monitoring"][name] is None
    steps = first["models"]["sequence_ngram"]
    assert steps["verdict"] == "INSUFFICIENT"
    assert "next_step is 'end' in 100.0%" in steps["decided_by"], "sessions of one commit"


def test_authors_are_nowhere_in_clear(first: Any, home: Path) -> None:
    for path in home.rglob("*"):
        if path.is_file() and "postgres" not in path.relative_to(home).parts:
            assert b"ada@example.org" not in path.read_bytes(), path


def test_the_champion_launched_alone_after_a_failed_gate_is_refused(first: Any, home: Path) -> None:
    with opened(home) as instance:
        refusal = launch_champion(instance)
        report = dg.AssetKey(["pattern_classifier", "evaluation_report"])
        assert instance.get_latest_materialization_event(report) is not None
    assert "gates did not pass: " in refusal
    assert "check accuracy did not pass" in refusal
    out, _ = call(home, "why", "pattern_classifier", "1")
    assert "refused at" in out


def test_a_process_log_without_labels_is_insufficient_and_no_failure(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = fresh_home(tmp_path_factory, tmp_path / "home")
    log = tmp_path / "log.csv"
    rows = ["case,activity,timestamp,resource"]
    for case in range(60):
        for step, activity in enumerate(("open", "assign", "close")):
            rows.append(
                f"c{case},{activity},2026-03-{1 + case % 28:02d}T{8 + step:02d}:00:00Z,agent{case % 3}"
            )
    log.write_text("\n".join(rows) + "\n")
    models = ("--models", "pattern_classifier,sequence_ngram")
    source = ("--source", f"process-log:{log}")
    printed = told(home, "run", *source, *models, *HERE, seconds=800)
    model = printed["models"]["pattern_classifier"]
    assert model["verdict"] == "INSUFFICIENT"
    assert "workflow_category" in model["decided_by"]
    assert printed["monitoring"]["pattern_classifier"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "nonsense"), "There is no source 'nonsense'"),
        (("--source", "files:/no/such/folder"), "There is no folder /no/such/folder"),
        (("--source", "git:/no/such/repository"), "/no/such/repository"),
        (("--as-of", "yesterday"), "--as-of 'yesterday' is not a time"),
        (("--as-of", "2999-01-01"), "lies after the last six-hour boundary"),
        (("--days", "0"), "'--days'"),
    ],
)
def test_what_is_typed_wrong_is_one_line_and_exit_code_two(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = in_process(tmp_path / "home", "ingest", *arguments)
    assert ended.code == 2
    err = ended.err
    last = err.strip().splitlines()[-1]
    assert message in last
    assert "Traceback" not in err
