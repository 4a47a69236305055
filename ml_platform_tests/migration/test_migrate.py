"""A home of the release before opens after `ml-platform migrate`, keeps its events, and archives its history."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.database_urls import connect
from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.ledger.archive import put_aside
from ml_platform.adapters.manifest import MANIFEST_FILE, Manifest
from ml_platform.adapters.services import services
from ml_platform.application.archive import archived_rows, verify_archives
from ml_platform.application.connections import Connections
from ml_platform.application.migrate import migrate, withdraw
from ml_platform.application.verify import verify_home
from ml_platform.cli.main import cli
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.events.schema import TABLES
from ml_platform.home import FORMAT, read_home, stored_format, user_key
from ml_platform.registry.chain import content_hash
from ml_platform.registry.changes import Request, hold
from ml_platform.settings import Settings
from ml_platform.spec.task import Classification
from ml_platform_tests.migration.homes_of_old import HOMES, restored

pytestmark = pytest.mark.timeout(600)

COMMANDS = {
    "run": (),
    "up": (),
    "serve": (),
    "predict": ("trigger_predictor",),
    "ingest": (),
    "models": (),
    "status": (),
    "monitor": (),
    "alerts": ("list",),
    "verify": (),
    "online": (),
    "skew": (),
    "retention": (),
    "forget": ("somebody",),
    "keys": ("list",),
    "mirror": (),
    "backup": ("home.tar",),
    "report": ("trigger_predictor",),
    "why": ("trigger_predictor",),
    "tune": ("trigger_predictor",),
    "experiment": ("list",),
    "policy": ("show",),
    "plan": (),
}
"""Every command that opens a home, and what else it must be given."""
ASKED = ("--reason", "why")
OF_MODELS = {
    "list": (),
    "show": ("trigger_predictor",),
    "compare": ("trigger_predictor", "1", "2"),
    "impact": ("trigger_predictor",),
    "shadow": ("trigger_predictor",),
    "promote": ("trigger_predictor",),
    "rollback": ("trigger_predictor", *ASKED),
    "retire": ("trigger_predictor", *ASKED),
    "approve": ("trigger_predictor", "1", *ASKED),
    "hold": ("trigger_predictor", "1", *ASKED),
    "resume": ("trigger_predictor", "1", *ASKED),
    "at": ("trigger_predictor", "2026-05-01"),
    "history": ("trigger_predictor",),
    "diff": ("trigger_predictor", "2026-05-01", "2026-05-02"),
}
"""The same of the commands of the group `models`."""
TRIED = [
    *((command, *words) for command, words in COMMANDS.items()),
    *(("models", command, *words) for command, words in OF_MODELS.items()),
]


STEPS = (
    "ledger exported",
    "archived",
    "ledger: begun",
    "Dagster's runs: begun",
    "events",
    "MLflow",
)
"""How the lines that a migration says begin, in their order."""


class Interrupted(Exception):
    """What stands for the kill of a process."""


def interrupted_at(step: str) -> Callable[[str], None]:
    """A progress that ends the migration when the line of this step is said."""

    def progress(line: str) -> None:
        if line.startswith(step):
            raise Interrupted(line)

    return progress


def settings_of(home: Path) -> Settings:
    return Settings(home, None, None, None)


def write_home_json(home: Path, **content: Any) -> Settings:
    home.mkdir(exist_ok=True)
    stored = json.loads((HOMES / "format-1" / "home.json").read_bytes())
    (home / "home.json").write_text(json.dumps(stored | content))
    return settings_of(home)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_commands_that_open_a_home_are_all_tried() -> None:
    context = click.Context(cli)
    assert set(cli.list_commands(context)) - set(COMMANDS) <= {
        "doctor",
        "gates",
        "map",
        "migrate",
        "new-model",
        "restore",
    }
    models = cli.get_command(context, "models")
    assert isinstance(models, click.Group)
    assert set(models.commands) == set(OF_MODELS)


@pytest.mark.parametrize("words", TRIED, ids=" ".join)
def test_an_older_home_is_refused_in_one_line_that_says_what_to_type(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", "")
    write_home_json(tmp_path / "home")
    with pytest.raises(UsageError) as refused:
        cli.main([*words, "--home", str(tmp_path / "home")], standalone_mode=False)
    assert str(refused.value) == (
        f"The home {tmp_path / 'home'} has format 1; this release reads format {FORMAT}. Remedy: "
        f"`ml-platform migrate --home {tmp_path / 'home'}` keeps its events, and archives "
        "what of its history this release cannot read"
    )
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["home.json"]


def test_a_home_of_a_newer_release_is_refused_by_all_and_left_alone(tmp_path: Path) -> None:
    settings = write_home_json(tmp_path, format=FORMAT + 1)
    for refuse in (lambda: read_home(settings), lambda: migrate(settings, print)):
        with pytest.raises(UsageError, match="use the newer release"):
            refuse()


def test_a_home_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "home.json").write_text("{")
    with pytest.raises(IntegrityError, match=r"home\.json cannot be read"):
        read_home(settings_of(tmp_path))


def test_a_home_without_a_run_has_nothing_to_migrate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing has been run"):
        migrate(settings_of(tmp_path), print)


def test_a_migration_that_is_killed_after_any_step_ends_the_same_when_started_again(
    tmp_path: Path,
) -> None:
    settings = settings_of(restored(1, tmp_path / "home"))
    before = hashes(settings.home)
    (day,) = (settings.lake / "events").glob("day=*/rows.parquet")
    events = pq.read_table(day, partitioning=None).rename_columns(TABLES["events"].names)
    for step in STEPS:
        with pytest.raises(Interrupted, match=step):
            migrate(settings, interrupted_at(step))
        assert stored_format(settings) == 1
    migrate(settings, print)
    assert stored_format(settings) == FORMAT

    lake = ParquetLake(settings.lake, settings.quarantine)
    assert lake.rows("events").equals(events.cast(TABLES["events"]))
    assert lake.counts()["events"] == len(events) > 0
    assert lake.counts()["ceilings"] == 0
    assert user_key(settings) == b"a key of thirty-two bytes, fixed"
    assert read_home(settings) is not None

    archive = settings.archive / "format-1"
    after = hashes(archive)
    for folder in ("artifacts", "training_sets", "records"):
        moved = {name: digest for name, digest in before.items() if name.startswith(folder)}
        assert moved
        assert moved.items() <= after.items()
        assert not (settings.home / folder).exists()
    (report,) = archived_rows(archive, "evaluation_reports")
    assert hashlib.sha256(report["body"].encode()).hexdigest() == report["id"]
    for event in archived_rows(archive, "promotion_events"):
        assert content_hash(event["body"]) == event["hash"]

    with services(settings, tracking=False):
        platform = Connections(settings)
        findings = {finding.subject: finding for finding in verify_home(platform)}
        assert [subject for subject, finding in findings.items() if not finding.ok] == []
        assert findings["archive format-1 chain"].detail == "1 events, unbroken"
        assert platform.ledger.models() == ()
        platform.ledger.close()
    assert migrate(settings, print).archives == (archive,)
    assert hashes(archive) == after


@pytest.mark.parametrize("source", ["git:/src/project", "files:/exports", "simulate"])
def test_the_lake_of_a_real_source_is_kept_and_what_a_simulation_knows_is_made_again(
    source: str, tmp_path: Path
) -> None:
    settings = settings_of(restored(1, tmp_path / "home"))
    stored = json.loads((settings.home / "home.json").read_bytes())
    write_home_json(settings.home, source=stored["source"] | {"text": source})
    (settings.quarantine / "events").mkdir(parents=True)
    (settings.quarantine / "events" / "rejected.parquet").write_bytes(b"rejected rows")
    Manifest(settings.home).adopt(settings.lake)  # a lake of format 1 has no manifest to count by
    before = ParquetLake(settings.lake, settings.quarantine).counts()
    assert before["known_anomalies"] > 0
    migrate(settings, lambda line: None)
    dropped = {"ceilings": 0, "known_anomalies": 0} if source == "simulate" else {}
    assert ParquetLake(settings.lake, settings.quarantine).counts() == before | dropped
    assert (settings.quarantine / "events" / "rejected.parquet").read_bytes() == b"rejected rows"


def test_features_of_format_2_are_published_anew_and_all_else_stays(tmp_path: Path) -> None:
    settings = settings_of(restored(2, tmp_path / "home"))
    before = hashes(settings.home)
    assert {name for name in before if name.startswith("features/")} == {
        "features/adoption_snapshots.parquet",
        "features/step_features.parquet",
    }
    manifest = Manifest(settings.home)
    manifest.require_folder(settings.features)
    with pytest.raises(Interrupted, match="features"):
        migrate(settings, interrupted_at("features"))
    assert stored_format(settings) == 2
    assert migrate(settings, lambda line: None).format == FORMAT
    assert manifest.stored(settings.features) == {}
    manifest.require_folder(settings.features)
    kept = {
        name: digest
        for name, digest in before.items()
        if not name.startswith("features/") and name not in ("home.json", MANIFEST_FILE)
    }
    after = hashes(settings.home)
    assert {name: after[name] for name in kept} == kept
    assert after.keys() - kept.keys() == {"home.json", MANIFEST_FILE}
    assert read_home(settings) is not None


def test_a_home_of_format_3_verifies_after_its_upgrade_and_its_versions_go_on(
    tmp_path: Path,
) -> None:
    settings = settings_of(restored(3, tmp_path / "home"))
    before = hashes(settings.home / "artifacts") | hashes(settings.training_sets)
    probabilities = settings.home / "estimator_probabilities"
    probabilities.mkdir(exist_ok=True)
    (probabilities / "longer.npz").write_bytes(b"ids and float64")
    with pytest.raises(Interrupted, match="chain"):
        migrate(settings, interrupted_at("chain"))
    assert stored_format(settings) == 3
    assert migrate(settings, lambda line: None).format == FORMAT
    assert hashes(settings.home / "artifacts") | hashes(settings.training_sets) == before
    assert not probabilities.exists(), "the next run makes them again, in their shorter form"
    with services(settings, tracking=False):
        platform = Connections(settings)
        faults = [finding for finding in verify_home(platform) if not finding.ok]
        assert faults == []
        (event,) = platform.ledger.events()
        assert event.recorded_at is None
        request = Request("ada", "not before Monday", event.at)
        model = event.model
        platform.ledger.change(model, lambda history: hold(history, 1, request))
        assert platform.ledger.events()[-1].recorded_at is not None
        assert [finding for finding in verify_home(platform) if not finding.ok] == []
        platform.ledger.close()


def test_whatever_is_changed_in_an_archive_is_named(tmp_path: Path) -> None:
    settings = settings_of(restored(1, tmp_path / "home"))
    migrate(settings, lambda line: None)
    archive = settings.archive / "format-1"
    chain = archive / "ledger" / "promotion_events.jsonl"
    chain.write_text(chain.read_text().replace("trigger_predictor", "trigger_predicter"))
    (archive / "home.json").unlink()
    (archive / "added").touch()
    details = {finding.subject: finding.detail for finding in verify_archives(settings)}
    assert details == {
        "archive format-1 files": "home.json is missing; added is not in the manifest; "
        "ledger/promotion_events.jsonl was changed",
        "archive format-1 chain": "event 1 has been changed: its hash does not match",
    }


def test_mlflow_is_told_that_archived_versions_are_no_champions(tmp_path: Path) -> None:
    tracking = InMemoryTracking()
    for number, model in enumerate(("a", "a", "b", "later")):
        run = tracking.log_run(
            name="run",
            experiment=model,
            parameters={},
            metrics={},
            tags={"fingerprint": f"run {number}"},
            files={},
        )
        tracking.register_version(
            model, run, tmp_path, task=Classification(), tags={"fingerprint": str(number)}
        )
        tracking.set_alias(model, "champion", "1")
    withdraw(tracking, {"a": {1: "1", 2: "2"}, "b": {1: "1"}, "never there": {1: "9"}}, "format-1")
    assert [tracking.alias(model, "champion") for model in ("a", "b", "later")] == [None, None, "1"]
    tags = [version.tags.get("status") for version in tracking.registered("a")]
    assert tags == ["archived", "archived"]
    assert tracking.registered("later")[0].tags.get("status") is None


def test_tables_are_put_aside_once_and_stay_readable(database_url: str) -> None:
    connection = connect(database_url)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO home_state VALUES ('key', 'old')")
    assert put_aside(database_url, "format_9")
    assert not put_aside(database_url, "format_9")
    cursor.execute("SELECT value FROM format_9.home_state")
    assert cursor.fetchall() == [("old",)]
    cursor.execute("SELECT to_regclass('public.home_state')")
    assert cursor.fetchall() == [(None,)]
    connection.close()
    with pytest.raises(ValueError, match="no plain name"):
        put_aside(database_url, 'x"; DROP SCHEMA public')
