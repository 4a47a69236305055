"""A second run makes what has changed, down to the step, and nothing else: the same as --force would."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform import resources
from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.clock import parse_boundary
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.values import file_sha256
from ml_platform_tests.end_to_end.command import AS_OF, HERE, call, forked, told
from ml_platform_tests.end_to_end.shared_homes import copied, fresh_home, opened, tune

pytestmark = pytest.mark.timeout(900)
MODELS = ("--models", "suggestion_scorer,sequence_ngram")
"""One that scikit-learn fits, and one that it does not; both take seconds."""
AFTER_EVALUATION = ("evaluation_report", "registered_version", "champion")
TRAINING = ("training_set", "candidate", *AFTER_EVALUATION)
STARTED = re.compile(r"^ *\d+\.\d s  (\S+) +start$", re.MULTILINE)


def steps(model: str, names: tuple[str, ...]) -> set[str]:
    return {f"{model}/{name}" for name in names}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a small simulation, as files that can grow."""
    folder = tmp_path_factory.mktemp("exports")
    source = SimulateSource(as_of=parse_boundary("AS_OF", AS_OF), days=40, users=20, seed=4)
    tables: dict[str, list[pa.Table]] = {}
    for name, rows in source.batches():
        if name != "ceilings":
            tables.setdefault(name, []).append(rows)
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def first_run(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home after its first run, which is only copied, and what that told."""
    home = fresh_home(tmp_path_factory, tmp_path_factory.mktemp("nothing-twice") / "home")
    source = ("--source", f"files:{exports}", "--as-of", AS_OF)
    return home, call(home, "run", *MODELS, *HERE, *source, seconds=800)[1]


@pytest.fixture(scope="module")
def home(first_run: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home after its first run, whose database runs meanwhile, for plans; whoever changes it changes it back."""
    place = copied(first_run[0], tmp_path_factory.mktemp("unchanged") / "home")
    with opened(place, tracking=False):
        yield place


@pytest.fixture
def own_home(first_run: tuple[Path, str], tmp_path: Path) -> Iterator[Path]:
    """A home after its first run, whose servers run meanwhile, for a test that runs something in it."""
    place = copied(first_run[0], tmp_path / "home")
    with opened(place):
        yield place


@pytest.fixture
def changed_copy(tmp_path: Path) -> Path:
    """A copy of the platform that a test may edit."""
    package = Path(resources.__file__).parent
    ignored = shutil.ignore_patterns("target", "*.duckdb")
    shutil.copytree(package, tmp_path / "ml_platform", ignore=ignored)
    shutil.copytree(resources.dbt_project(), tmp_path / "dbt_project", ignore=ignored)
    return tmp_path


def planned(home: Path, code: Path | None = None) -> Any:
    """What `ml-platform plan` says, with the code of another folder in front of ours."""
    ended = forked(home, "plan", *MODELS, "--json", pythonpath=str(code) if code else "")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def add_line(path: Path, line: str) -> None:
    assert path.is_file()
    path.write_text(path.read_text() + line + "\n")


def test_a_first_run_watches_each_model_once_its_champion_is_settled(
    first_run: tuple[Path, str],
) -> None:
    started = STARTED.findall(first_run[1])
    places = {step: started.index(step) for step in started}
    assert len(places) == len(started), "no step twice"
    for model in MODELS[1].split(","):
        assert places[f"{model}/champion"] < places[f"{model}/predictions"]


def test_nothing_has_changed(first_run: tuple[Path, str], tmp_path: Path) -> None:
    home = copied(first_run[0], tmp_path / "home")
    port = home / "run" / "mlflow.port"
    written_by_run = port.stat().st_mtime_ns
    assert planned(home) == {"source": False, "reasons": {}, "assets": []}
    assert port.stat().st_mtime_ns == written_by_run, "a plan asks MLflow nothing"
    out, err = call(home, "run", *MODELS, *HERE)
    assert "Nothing new: features, candidates and verdicts are as they were" in err
    assert STARTED.findall(err) == []
    assert "sequence_ngram" in out, "the summary is that of the run that made it"


def test_a_line_of_the_code_of_intervals_evaluates_again(home: Path, changed_copy: Path) -> None:
    intervals = changed_copy / "ml_platform" / "evaluation" / "intervals"
    add_line(intervals / "bootstrap.py", "# another line")
    plan = planned(home, changed_copy)
    expected = {"suggestion_scorer/monitoring_report", "sequence_ngram/monitoring_report"}
    for model in ("suggestion_scorer", "sequence_ngram"):
        expected |= steps(model, AFTER_EVALUATION)
    assert set(plan["assets"]) == expected
    assert plan["reasons"]["sequence_ngram"] == "from evaluation_report on: its code has changed"


def test_the_sql_of_one_table_trains_the_models_of_that_table(
    home: Path, changed_copy: Path
) -> None:
    sql = changed_copy / "dbt_project" / "models" / "features" / "suggestion_features.sql"
    add_line(sql, "-- another line")
    plan = planned(home, changed_copy)
    assert plan["source"] is False
    models = {asset for asset in plan["assets"] if asset.startswith(("suggestion_", "sequence_"))}
    assert models == steps("suggestion_scorer", TRAINING)
    assert plan["reasons"]["features"] == "suggestion_features: its code has changed"
    assert "the definition of" in plan["reasons"]["suggestion_scorer"]


def test_a_feature_that_is_declared_otherwise_is_another_one(
    home: Path, changed_copy: Path
) -> None:
    declared = changed_copy / "ml_platform" / "features" / "suggestion_features.py"
    text = declared.read_text()
    reason = re.search(r'reason="([^"]+)"', text) or re.search(r'"([a-z][^"]{30,})"', text)
    assert reason is not None
    declared.write_text(text.replace(reason[1], reason[1] + " or so", 1))
    plan = planned(home, changed_copy)
    assert "suggestion_features: the definition of" in plan["reasons"]["features"]
    assert plan["reasons"]["suggestion_scorer"].startswith("from training_set on")
    assert "sequence_ngram/candidate" not in plan["assets"]


def test_another_scikit_learn_fits_again_what_it_fits(home: Path, tmp_path: Path) -> None:
    distribution = tmp_path / "scikit_learn-99.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: scikit-learn\nVersion: 99.0\n"
    )
    plan = planned(home, tmp_path)
    assert plan["source"] is False
    fitted = {asset for asset in plan["assets"] if asset.endswith("/candidate")}
    assert fitted == {"suggestion_scorer/candidate"}
    assert not any(asset.startswith(("features/", "lake/")) for asset in plan["assets"])
    assert plan["reasons"]["sequence_ngram"].startswith("from evaluation_report on")


def test_parameters_that_a_search_has_found_fit_again(home: Path) -> None:
    tune(home, {"suggestion_scorer": {"learning_rate": 0.07}})
    try:
        plan = planned(home)
    finally:
        tune(home, {"suggestion_scorer": {}})
    reason = "from candidate on: its parameters have changed"
    assert plan["reasons"] == {"suggestion_scorer": reason}
    assert set(plan["assets"]) == steps("suggestion_scorer", TRAINING[1:])


def test_a_limit_of_the_policy_decides_again_and_measures_nothing(
    own_home: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('preset = "mission"\n[sequence_ngram.calibration]\nlimit = 0.06\n')
    call(own_home, "policy", "set", str(policy))
    plan = planned(own_home)
    assert set(plan["assets"]) == steps("sequence_ngram", AFTER_EVALUATION)
    _, err = call(own_home, "run", *MODELS, *HERE)
    assert set(STARTED.findall(err)) == set(plan["assets"])
    assert "measured before: the policy decides again on the same figures" in err
    assert call(own_home, "verify")[0].strip().endswith("none at fault")


def test_a_damaged_file_is_made_again(home: Path) -> None:
    (path,) = parquet_files(home / "features" / "suggestion_features")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        plan = planned(home)
    finally:
        path.write_bytes(content)
    told_why = "what is stored is not what was published"
    assert plan["reasons"]["features"] == f"suggestion_features: {told_why}"


def test_a_new_event_trains_nothing_and_who_asks_for_a_training_gets_the_one_that_force_makes(
    own_home: Path, exports: Path
) -> None:
    with one_event_more(exports):
        assert planned(own_home)["source"] is True
        _, err = call(own_home, "run", *MODELS, *HERE)
        started = set(STARTED.findall(err))
        assert {"lake", "warehouse", "sequence_ngram/monitoring_report"} <= started
        assert not any(step.endswith(TRAINING) for step in started)
        assert "There are newer rows than these were trained on (--retrain): sequence_ngram" in err
        made = hashes(own_home)

        ngram = ("--models", "sequence_ngram")
        out, err = call(own_home, "run", *ngram, "--retrain", "--json")
        after = json.loads(out)
        assert set(STARTED.findall(err)) >= steps("sequence_ngram", TRAINING)
        assert not {"lake", "warehouse"} & set(STARTED.findall(err))

        forced = told(own_home, "run", *MODELS, "--force", fresh=True)
        assert hashes(own_home) == made
        assert planned(own_home)["assets"] == []
    assert forced["fingerprints"] == after["fingerprints"]
    for field in ("fingerprints", "metrics", "baseline", "ceiling", "verdict", "version", "rows"):
        assert forced["models"]["sequence_ngram"][field] == after["models"]["sequence_ngram"][field]


@contextmanager
def one_event_more(exports: Path) -> Iterator[None]:
    """The exported events with a new one, for as long as the block runs."""
    path = exports / "events.parquet"
    events = pq.read_table(path)
    last = events.slice(events.num_rows - 1).to_pylist()[0]
    second = timedelta(seconds=1)
    new = last | {
        "event_id": "one-more",
        "occurred_at": last["occurred_at"] + second,
        "received_at": last["received_at"] + second,
    }
    grown = pa.concat_tables([events, pa.Table.from_pylist([new], schema=events.schema)])
    before = path.rename(exports.with_name("events-before.parquet"))
    try:
        pq.write_table(grown, path)
        yield
    finally:
        before.replace(path)


def hashes(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): file_sha256(path)
        for path in (home / "features").rglob("*")
        if path.is_file()
    }


def test_a_reading_whose_checks_failed_is_no_reading(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = fresh_home(tmp_path_factory, tmp_path / "home")
    choices = "--source simulate --days 4 --users 2 --seed 0 --as-of 2026-05-04T00:00Z"
    with opened(home):
        for _ in range(2):
            _, err = call(home, "run", *MODELS, *HERE, *choices.split(), code=1)
            assert "events_expectations: an integrity gate stops it. freshness" in err
