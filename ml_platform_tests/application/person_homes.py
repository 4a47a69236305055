"""A home in which one person stands in every place, filled by code; and a search that is not the platform's."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ml_platform import values
from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.database_urls import DatabaseUrls
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.training_set_files import RECORD_FILE, rows_path
from ml_platform.application.connections import Connections
from ml_platform.application.ingest import ingest_source
from ml_platform.application.online_state import OnlineState
from ml_platform.gates.decide import decide
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.registry.records import VersionRecord
from ml_platform.settings import Settings
from ml_platform.spec.artifact import Artifact
from ml_platform_tests.application.homes import AS_OF, DATA, ask
from ml_platform_tests.application.posting import completing, post, whole
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.registry.examples import RECORD
from ml_platform_tests.serving.examples import key_of

ANN, BOB = "ann.lee@example.org", "bob@example.org"
MODEL = "example"
OTHER_URL = "postgresql://somebody@elsewhere:5432"
START = pd.Timestamp("2026-04-20", tz="UTC")
_EVENTS = ("event_id", "user_id", "occurred_at", "tool", "operation", "object_path", "session_id")


def write_source(folder: Path) -> None:
    """An export of 40 events, one each three hours, of Ann and Bob in turns; each has one that cannot be used."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        (
            f"request-{number:04d}",
            (ANN, BOB)[number % 2],
            (START + pd.Timedelta(hours=3 * number)).isoformat(),
            "editor",
            "" if number in (20, 21) else "modify",
            f"src/part{number}.py",
            "the meeting" if number in (2, 3) else f"session-{number // 4}-{number % 2}",
        )
        for number in range(40)
    ]
    pd.DataFrame(rows, columns=_EVENTS).to_csv(folder / "events.csv", index=False)
    pd.DataFrame({"user_id": [ANN, BOB], "team": ["a", "b"]}).to_csv(
        folder / "users.csv", index=False
    )


def fill(folder: Path, ledger_url: str, *other_urls: str) -> Connections:
    """The home after a first run: Ann stands in every place that holds people."""
    write_source(folder / "source")
    platform = person_home(folder, ledger_url, *other_urls)
    ingest_source(platform, lambda line: None)
    record = _version(platform)
    ask(platform, record)
    _rows_of_ledger(platform)
    _files(platform, record)
    state = OnlineState(platform.settings)
    state.catch_up()
    state.keep()
    for url in other_urls:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE event_logs (id int, event text)"))
            event = sa.text("INSERT INTO event_logs VALUES (1, :text), (2, 'nobody')")
            connection.execute(event, {"text": f'{{"user": "{ANN}"}}'})
        engine.dispose()
    return platform


def person_home(folder: Path, ledger_url: str, *other_urls: str) -> Connections:
    """The home of `fill` as it is."""
    settings = Settings(folder / "home", OTHER_URL, None, None)
    if not (folder / "home" / "home.json").exists():
        source = SourceChoice(f"files:{folder / 'source'}")
        settings.home.mkdir(parents=True, exist_ok=True)
        write_home(settings, HomeState(source, AS_OF, AS_OF, settled=True))
    platform = Connections(settings)
    platform.ledger = PostgresLedger(ledger_url)
    platform.urls = DatabaseUrls(*other_urls, ledger_url)
    return platform


def row_ids_of(user: str) -> list[str]:
    """The ids of the events of Ann or of Bob, as the source has them."""
    return [f"request-{number:04d}" for number in range(0 if user == ANN else 1, 40, 2)]


def traces(folder: Path, text: str, *urls: str) -> list[str]:
    """Every file, inside of Parquet, zip and gzip as well, and every table with the text."""
    found = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(text.encode() in part for part in _contents(path))
    ]
    for url in urls:
        engine = sa.create_engine(url)
        tables = sa.text(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|info)'"
        )
        with engine.connect() as connection:
            for schema, table in connection.execute(tables).all():
                query = (
                    f'SELECT count(*) FROM "{schema}"."{table}" t WHERE strpos(t::text, :text) > 0'
                )
                if connection.scalar(sa.text(query), {"text": text}):
                    found.append(f"table {table}")
        engine.dispose()
    return found


def _contents(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield content
    if content[:4] == b"PAR1":
        yield str(pq.read_table(path, partitioning=None).to_pydict()).encode()
    elif content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)


def _version(platform: Connections) -> VersionRecord:
    """A version that was fitted to rows of Ann and Bob, and whose report shows a row of Ann's."""
    settings = platform.settings
    rows = io.BytesIO()
    users = [ANN, BOB] * 5
    pq.write_table(
        pa.table({"row_id": row_ids_of(ANN)[:5] + row_ids_of(BOB)[:5], "user_id": users}), rows
    )
    data = replace(DATA, rows_sha256=values.text_sha256(""), as_of=AS_OF)
    path = rows_path(settings.training_sets, data)
    manifest = Manifest(settings.home)
    manifest.write_bytes(path, rows.getvalue())
    data = replace(data, rows_sha256=values.file_sha256(path))
    manifest.write_text(path.parent / RECORD_FILE, values.to_json(data))
    artifact = Artifact("rules", ("a", "b"), {"x": "number"}, {"rules.json": b"{}"})
    write_artifact(artifact, settings.artifacts / artifact.sha256)
    report = replace(
        good_report(),
        artifact_sha256=artifact.sha256,
        training_set_fingerprint=data.fingerprint,
        source=f"request-0004 is 3, else 4; seen by {ANN}",
    )
    platform.ledger.save_report(report)
    platform.ledger.save_training_set(data)
    return platform.ledger.register(
        replace(
            RECORD,
            artifact_sha256=artifact.sha256,
            artifact_path=f"artifacts/{artifact.sha256}",
            training_set_fingerprint=data.fingerprint,
            report_id=values.fingerprint(report),
            decision=decide(report, POLICY, good_evidence()),
        )
    )


def _rows_of_ledger(platform: Connections) -> None:
    ledger = platform.ledger
    ids = row_ids_of(ANN) + row_ids_of(BOB)
    at = [START + pd.Timedelta(hours=number) for number in range(40)]
    ledger.log_predictions(
        pd.DataFrame(
            {
                "model": MODEL,
                "version": "1",
                "row_id": ids,
                "user_id": [ANN] * 20 + [BOB] * 20,
                "occurred_at": at,
                "predicted_at": at,
                "prediction": "fix",
                "confidence": 0.5,
            }
        )
    )
    ledger.log_outcomes(
        pd.DataFrame({"model": MODEL, "row_id": ids, "label": "fix", "known_at": at})
    )
    ledger.add_api_key(key_of(ANN, 0)[0])
    ledger.add_api_key(key_of(BOB, 1, by=ANN, name=f"with {ANN}")[0])
    event = {"occurred_at": START.isoformat(), "tool": "editor", "operation": "save"}
    post(
        ledger,
        whole("events", event_id="request-0100", user_id=ANN, **event),
        completing("events", row_ids_of(ANN)[0], ANN, workflow_category="fix"),
        whole("events", event_id="request-0101", user_id=BOB, **event),
    )
    ledger.save_baseline(MODEL, "1", f'"users such as {ANN}"')
    ledger.set_state("a key", {"last": ANN})


def _files(platform: Connections, record: VersionRecord) -> None:
    home, manifest = platform.settings.home, Manifest(platform.settings.home)
    two = pa.table({"row_id": ["request-0004", f"{ANN}@2026-04-21", "request-0005"]})
    two = two.append_column("user_id", pa.array([ANN, ANN, BOB]))
    for name in (
        "features/pattern_features/a.parquet",
        "reports/recommender/recommendations.parquet",
    ):
        with manifest.replacing(home / name) as (beside,):
            pq.write_table(two, beside, compression="zstd")
    manifest.write_text(
        home / "records" / "features__future.json", '{"example":"request-0006 is 1"}'
    )
    manifest.write_text(home / "reports" / "example.html", f"<p>ann.lee%40example.org {ANN}</p>")
    for name, text in {
        "logs/run.log": f"begin\n{ANN} has logged in\nend\n",
        "mlflow/1/run/artifacts/report.json": '{"example":"request-0006 is 1"}',
        "dagster/storage/compute.log": f"row of {ANN}",
        "warehouse/warehouse.duckdb": f"\0\1{ANN}{ANN}x\0",
        "run/backup.4194303.writing/home/events.csv": ANN,
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    answers = home / "estimator_probabilities"
    answers.mkdir()
    np.savez(answers / "new.npz", ids=np.array([1, 2]))
    sha256 = values.file_sha256(answers / "new.npz")
    (answers / "new.npz").rename(answers / f"{sha256}.npz")
