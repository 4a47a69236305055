"""`ml-platform experiment` on a home with a toy model: frozen, run, shown, verified, refused, pruned."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ml_platform import values
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.application import experiment as use_cases
from ml_platform.application.connections import Connections
from ml_platform.application.records import write_record
from ml_platform.application.state_keys import tuned_key
from ml_platform.application.verify import verify_home
from ml_platform.cli.main import cli
from ml_platform.errors import ConflictError, IntegrityError, PermitRefused, UsageError
from ml_platform.experiments.lifecycle import DefinedExperiment, ExperimentEvent, Happening, Status
from ml_platform_tests.application.homes import home
from ml_platform_tests.experiments.examples import AT, SPEC, definition, rows

TRAINING_SET = ("toy", "training_set")

NEW = (
    *("experiment", "new", "faster", "--model", "toy"),
    *("--hypothesis", "thirty times the learning rate learns the step"),
    *("--change", "learning_rate=0.3", "--metric", "r2", "--minimum-effect", "0.1"),
    *("--guardrail", "mae:0.3", "--guardrail", "r2:worse-by:0.0", "--guardrail", "size_mb:5"),
)


@pytest.fixture(params=["memory", "postgres"])
def platform(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A home whose present training set is that of the toys; nothing is started for it."""
    ledger: InMemoryLedger | PostgresLedger = InMemoryLedger()
    if request.param == "postgres":
        ledger = PostgresLedger(request.getfixturevalue("database_url"))
    test_home = home(tmp_path, ledger)
    test_home.tracking = InMemoryTracking()
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    write_record(test_home.settings, TRAINING_SET, rows().record)

    @contextmanager
    def running(*_: object, tracking: bool):
        yield

    def load(_: Path, record: object):
        return replace(rows(), record=record)

    monkeypatch.setattr("ml_platform.adapters.services.services", running)
    monkeypatch.setattr("ml_platform.adapters.training_set_files.load_training_set", load)
    monkeypatch.setattr(use_cases, "spec_named", lambda _: SPEC)
    monkeypatch.setattr(Connections, "ledger", ledger)
    monkeypatch.setattr(Connections, "tracking", test_home.tracking)
    yield test_home
    if isinstance(ledger, PostgresLedger):
        ledger.close()


only_memory = pytest.mark.parametrize("platform", ["memory"], indirect=True)


def call(*typed: str) -> Result:
    return CliRunner().invoke(cli, list(typed), catch_exceptions=False)


def output_of(*typed: str) -> dict:
    return json.loads(call(*typed, "--json").stdout)


def test_from_the_question_to_the_verdict_and_back(platform: Connections) -> None:
    new = call(*NEW)
    assert "faster on toy: DEFINED, frozen" in new.stdout
    assert "criterion   r2 (higher is better): improvement at least 0.1" in new.stdout
    run = call("experiment", "run", "faster")
    assert "arm 1/2, baseline: fitting on" in run.stderr
    assert "PROMOTE: better, and every guardrail holds" in run.stdout
    assert "HELD     mae at most 0.3" in run.stdout
    (logged,) = platform.tracking.runs.values()
    assert logged.tags["experiment hash"] == output_of("experiment", "show", "faster")["hash"]
    assert logged.tags["verdict"] == "promote"
    assert logged.parameters["learning_rate"] == "0.3"
    again = call("experiment", "run", "faster")
    assert "arm 1/2" not in again.stderr
    assert again.stdout == run.stdout
    shown = call("experiment", "show", "faster", "--verify")
    assert shown.exit_code == 0
    assert "computed again: PROMOTE" in shown.stdout
    listed = output_of("experiment", "list")["experiments"]
    assert [(e["name"], e["status"]) for e in listed] == [("faster", "DONE")]
    compared = call("experiment", "compare", "faster")
    assert "PROMOTE, stands (better, and every guardrail holds)" in compared.stdout
    assert {f.subject for f in verify_home(platform) if f.ok} >= {
        "experiment faster definition",
        "experiment faster verdict",
    }


@only_memory
def test_a_file_says_what_is_not_typed(platform: Connections, tmp_path: Path) -> None:
    file = tmp_path / "exp.toml"
    file.write_text(
        'model = "toy"\nhypothesis = "thirty times the learning rate learns the step"\n'
        'metric = "r2"\nminimum_effect = 0.1\nchange = { learning_rate = 0.3 }\n'
        'guardrail = ["mae:0.3", "r2:worse-by:0.0", "size_mb:5"]\n'
    )
    output = output_of("experiment", "new", "faster", "--file", str(file))
    assert output["hash"] == values.fingerprint(definition())
    with pytest.raises(UsageError, match=r"nowhere.toml cannot be read"):
        call("experiment", "new", "x", "--file", str(tmp_path / "nowhere.toml"))
    with pytest.raises(UsageError, match="The experiment's model: it is missing"):
        call("experiment", "new", "x")


def test_a_criterion_changed_after_the_run_is_refused(platform: Connections) -> None:
    call(*NEW)
    call("experiment", "run", "faster")
    before = output_of("experiment", "show", "faster")
    lenient = [*NEW, "--alpha", "0.2"]
    lenient[lenient.index("--minimum-effect") + 1] = "0.01"
    with pytest.raises(ConflictError, match="differs in minimum_effect, alpha") as caught:
        call(*lenient)
    assert "define a new experiment under another name" in str(caught.value)
    assert output_of("experiment", "show", "faster") == before


@only_memory
def test_a_definition_that_was_changed_in_its_place_does_not_run(platform: Connections) -> None:
    call(*NEW)
    other = definition(minimum_effect=0.0)
    kept = platform.ledger._experiments
    kept["faster"] = DefinedExperiment(
        other, values.fingerprint(other), values.fingerprint(other), AT
    )
    with pytest.raises(IntegrityError, match="experiment faster definition: SHA-256 is"):
        call("experiment", "run", "faster")
    shown = CliRunner().invoke(
        cli, ["experiment", "show", "faster", "--verify"], standalone_mode=False
    )
    assert shown.return_value == 1
    assert "FAULT  experiment faster definition" in shown.stdout


@only_memory
def test_on_other_rows_it_is_refused_and_marked(platform: Connections) -> None:
    call(*NEW)
    other = replace(rows().record, fingerprint="0" * 64)
    write_record(platform.settings, TRAINING_SET, other)
    with pytest.raises(UsageError, match="define a new experiment on the present data"):
        call("experiment", "run", "faster")
    assert output_of("experiment", "list")["experiments"][0]["status"] == Status.REFUSED
    write_record(platform.settings, TRAINING_SET, rows().record)
    assert output_of("experiment", "run", "faster")["status"] == Status.DONE


@only_memory
def test_what_a_killed_run_left_is_marked_and_run_again(platform: Connections) -> None:
    call(*NEW)
    gone = {"pid": "4194303", "pid_started": "1.0", "hash": ""}
    platform.ledger.record_experiment_event(ExperimentEvent("faster", Happening.STARTED, AT, gone))
    assert "CUT OFF" in call("experiment", "list").stdout
    assert output_of("experiment", "run", "faster")["status"] == Status.DONE


@only_memory
def test_a_run_killed_before_mlflow_is_completed_without_a_fit(
    platform: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(*NEW)

    class Killed(Exception):
        """Stands for the end of the process: nothing catches it."""

    def killed(**_: object):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(platform.tracking, "log_run", killed)
        with pytest.raises(Killed):
            call("experiment", "run", "faster")
    assert platform.tracking.runs == {}
    run = call("experiment", "run", "faster")
    assert "arm 1/2" not in run.stderr
    assert len(platform.tracking.runs) == 1


@only_memory
def test_a_promoted_variant_may_reach_the_next_candidate(platform: Connections) -> None:
    call(*NEW)
    with pytest.raises(PermitRefused, match="the verdict of faster is still open"):
        call("experiment", "adopt", "faster")
    call("experiment", "run", "faster")
    call("experiment", "adopt", "faster")
    kept = platform.ledger.state(tuned_key("toy"))
    assert kept is not None
    assert kept["parameters"]["learning_rate"] == 0.3
    text, statistics = platform.ledger._results["faster"]
    platform.ledger._results["faster"] = (text, statistics[:-1] + b"?")
    with pytest.raises(PermitRefused, match="statistics: SHA-256 is"):
        call("experiment", "adopt", "faster")


@only_memory
def test_seed_and_features_are_not_adopted(platform: Connections) -> None:
    call(*NEW, "--change", "seed=8")
    call("experiment", "run", "faster")
    with pytest.raises(PermitRefused, match="features and seed belong to the model's code"):
        call("experiment", "adopt", "faster")


def test_after_ninety_days_it_goes_unless_something_refers_to_it(platform: Connections) -> None:
    call(*NEW)
    call("experiment", "run", "faster")
    call(*NEW[:2], "spare", *NEW[3:])
    now = use_cases.wall_clock()
    at = (now + timedelta(days=91)).isoformat()
    early = output_of("experiment", "prune", "--as-of", (now + timedelta(days=89)).isoformat())
    assert [kept["prune"] for kept in early["experiments"]] == [False, False]
    call("experiment", "adopt", "faster")
    dry = output_of("experiment", "prune", "--as-of", at, "--dry-run")
    assert [(kept["name"], kept["prune"]) for kept in dry["experiments"]] == [
        ("faster", False),
        ("spare", True),
    ]
    assert "spare: pruned (91 of 90 days old)" in call("experiment", "prune", "--as-of", at).stdout
    assert platform.ledger.experiment_names() == ("faster",)
    with pytest.raises(UsageError, match=r"'spare' has been pruned \(there are: faster\)"):
        call("experiment", "show", "spare")
    with pytest.raises(ConflictError, match="was pruned"):
        call(*NEW[:2], "spare", *NEW[3:])


@only_memory
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("show", "nobody"), r"'nobody' is not defined \(there are: faster\)"),
        (("run", "nobody"), "'nobody' is not defined"),
        (("compare", "faster"), "faster is DEFINED, it has no result"),
        (("prune", "--as-of", "soon"), "--as-of 'soon' is not a time"),
    ],
)
def test_what_is_typed_wrong_is_one_line(
    platform: Connections, typed: tuple[str, ...], message: str
) -> None:
    call(*NEW)
    with pytest.raises(UsageError, match=message) as caught:
        call("experiment", *typed)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@only_memory
def test_without_any_there_is_a_line(platform: Connections) -> None:
    assert call("experiment", "list").stdout == "There are no experiments.\n"
    assert call("experiment", "prune").stdout == "There are no experiments.\n"
