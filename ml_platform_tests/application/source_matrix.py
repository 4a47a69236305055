"""Every kind of source, small, and the outcome of every model on one of them, by the use cases in this process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, cycle
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.warehouse import lay_out_kept_parts
from ml_platform.application.asked_features import built_from
from ml_platform.application.assess_readiness import Readiness, assess_readiness
from ml_platform.application.build_features import publish_features
from ml_platform.application.build_training_set import build_training_set
from ml_platform.application.connections import Connections
from ml_platform.application.evaluate import evaluate_candidate
from ml_platform.application.ingest import ingest_source
from ml_platform.application.settle_home import settle_home
from ml_platform.application.train import train_candidate
from ml_platform.errors import InsufficientData
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.gates.decide import decide
from ml_platform.settings import Settings
from ml_platform.spec.model import ModelSpec
from ml_platform_tests.events.repositories import (
    commit,
    commit_at_odd_times,
    fast_import,
    git,
    repository,
)
from ml_platform_tests.features.compiled_features import CompiledFeatures

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)
FOUR = ("events", "workflow_executions", "suggestions", "users")


@dataclass(frozen=True)
class SmallSource:
    """A source and its options, as `settle_home` takes them."""

    text: str
    days: int | None = None
    users: int | None = None
    map_file: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The verdict on a model with the row that decided, or INSUFFICIENT with its reason."""

    model: str
    verdict: str
    reason: str


def opened(home: Path, source: SmallSource) -> Connections:
    """A home whose lake holds the source; nothing is started for it."""
    platform = Connections(Settings(home, None, None, None))
    settle_home(
        platform.settings,
        source_text=source.text,
        as_of=f"{AS_OF:%Y-%m-%dT%H:%MZ}" if source.text == "simulate" else None,
        days=source.days,
        users=source.users,
        map_file=source.map_file,
    )
    platform.ledger = InMemoryLedger()
    ingest_source(platform, lambda _: None)
    return platform


def prepared(
    platform: Connections, specs: Sequence[ModelSpec], compiled: CompiledFeatures
) -> dict[str, Readiness]:
    """What each model lacks; where one of them can be trained, the features are built."""
    ready = {item.model: item for item in assess_readiness(platform, specs)}
    if any(item.will_run for item in ready.values()):
        settings = platform.settings
        lay_out_kept_parts(PLATFORM_PROJECT, settings.features, settings.warehouse, {})
        compiled.build(settings.lake, settings.warehouse, platform.home.as_of)
        present = built_from(platform, PLATFORM_PROJECT)
        publish_features(platform, PLATFORM_PROJECT, present, lambda _: None)
    return ready


def outcome(platform: Connections, spec: ModelSpec, readiness: Readiness) -> Outcome:
    """The outcome of one model: that of a run, but for registry and monitoring."""
    if not readiness.will_run:
        return Outcome(spec.name, "INSUFFICIENT", readiness.reason)

    def quiet(_: str) -> None: ...

    try:
        training_set = build_training_set(platform, spec, quiet).record
        candidate = train_candidate(platform, spec, training_set, quiet)
    except InsufficientData as error:
        return Outcome(spec.name, "INSUFFICIENT", error.message)
    evaluated = evaluate_candidate(spec, platform, training_set, candidate, quiet)
    decision = decide(evaluated.report, spec.policy, evaluated.evidence)
    return Outcome(spec.name, decision.verdict.value.upper(), decision.row)


def subsets(folder: Path) -> Iterator[tuple[str, SmallSource]]:
    """Files with each subset of the four tables that has events, of one small simulation."""
    tables = _simulated_tables()
    for count in range(len(FOUR)):
        for others in combinations(FOUR[1:], count):
            name = "files: " + ", ".join(("events", *others))
            place = folder / f"files-{'-'.join(others) or 'events'}"
            place.mkdir(parents=True)
            for table in ("events", *others):
                pq.write_table(tables[table], place / f"{table}.parquet")
            yield name, SmallSource(f"files:{place}")


def others(folder: Path) -> Iterator[tuple[str, SmallSource]]:
    """All kinds of sources but files: a simulation, process logs, git histories, an export of a company."""
    folder.mkdir(parents=True, exist_ok=True)
    yield "simulate, small", SmallSource("simulate", days=24, users=12)
    yield "process log, CSV", SmallSource(f"process-log:{_log(folder / 'desk.csv', _csv_log)}")
    yield "process log, XES", SmallSource(f"process-log:{_log(folder / 'desk.xes', _xes_log)}")
    yield "git, one commit", SmallSource(f"git:{_one_commit(folder / 'one')}")
    yield "git, merges only", SmallSource(f"git:{_merges(folder / 'merges')}")
    yield "git, thousands", SmallSource(f"git:{fast_import(folder / 'thousands', 2_000)}")
    yield "git, missing objects", SmallSource(f"git:{_without_blobs(folder / 'missing')}")
    yield "git, broken dates", SmallSource(f"git:{_broken_dates(folder / 'broken')}")
    yield "German export", german_export(folder / "export")


def german_export(folder: Path, rows: int = 1_500) -> SmallSource:
    """What a company exports: Latin-1, semicolons, local times, a decimal comma, our columns nowhere.

    Documents are filed by week and customer. Invoices, reminders and offers have an application, an action and a
    kind of file that is usual, each kept to three times of four; four clerks mostly stay with the kind they are at.
    """
    folder.mkdir(parents=True)
    lines = ["Vorgang-Nr;Zeitpunkt;Bearbeiter;Anwendung;Aktion;Dokument;Kategorie;Betrag"]
    random = Random(3)
    at = datetime(2026, 2, 2, 8)
    clerks = ("Müller", "Groß", "Özdemir", "Weiß")
    current = dict(zip(clerks, cycle(_EXPORTED_KINDS), strict=False))
    for number in range(rows):
        at += timedelta(minutes=random.choice((1, 3, 7, 45)))
        person = random.choice(clerks)
        if random.random() < 0.3:
            current[person] = random.choice(tuple(_EXPORTED_KINDS))
        kind = current[person]
        application, action, suffix = (_usual(random, kind, place) for place in range(3))
        lines.append(
            f"{number};{at:%d.%m.%Y %H:%M};{person};{application};{action};"
            f"Ablage/{at:%G-W%V}/Kunde-{random.randrange(100, 180)}/Beleg-{number}.{suffix};{kind};"
            f"{random.randrange(1, 9)}.{random.randrange(100, 999)},50"
        )
    (folder / "vorgaenge.csv").write_bytes("\r\n".join(lines).encode("latin-1"))
    return SmallSource(f"files:{folder}", map_file=str(folder / "columns.toml"))


_EXPORTED_KINDS = {
    "Rechnung": ("SAP", "gebucht", "pdf"),
    "Mahnung": ("Outlook", "geprüft", "msg"),
    "Angebot": ("Word", "geöffnet", "docx"),
}
"""Kinds of documents with the application, the action and the ending of the file that are usual."""


def _usual(random: Random, kind: str, place: int) -> str:
    return _EXPORTED_KINDS[kind if random.random() < 0.6 else random.choice(list(_EXPORTED_KINDS))][
        place
    ]


def _simulated_tables() -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = {}
    for table, rows in SimulateSource(days=24, users=12, seed=1, as_of=AS_OF).batches():
        parts.setdefault(table, []).append(rows)
    return {table: pa.concat_tables(rows) for table, rows in parts.items()}


def _log(path: Path, write: Callable[[Iterable[tuple[str, str, str]]], str]) -> Path:
    """A log of two hundred cases of three to eight steps in the same order."""
    steps = []
    random = Random(5)
    for case in range(200):
        at = datetime(2026, 1, 1, 8) + timedelta(hours=5 * case)
        for activity in ("open", "assign", "ask", "wait", "solve", "check", "ask", "close")[
            : random.randrange(3, 9)
        ]:
            at += timedelta(minutes=random.randrange(1, 40))
            steps.append((f"c{case}", activity, f"{at.isoformat()}Z"))
    path.write_text(write(steps))
    return path


def _csv_log(steps: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(["case,activity,timestamp", *map(",".join, steps)])


def _xes_log(steps: Iterable[tuple[str, str, str]]) -> str:
    traces: dict[str, list[str]] = {}
    for case, activity, time in steps:
        traces.setdefault(case, []).append(
            f'<event><string key="concept:name" value="{activity}"/>'
            f'<date key="time:timestamp" value="{time}"/></event>'
        )
    named = (
        f'<trace><string key="concept:name" value="{case}"/>{"".join(events)}</trace>'
        for case, events in traces.items()
    )
    return f"<log>{''.join(named)}</log>"


def _one_commit(path: Path) -> Path:
    repository(path)
    (path / "a.py").write_text("a")
    commit(path, "feat: one", "2026-01-02T03:04:05+0200")
    return path


def _merges(path: Path) -> Path:
    """One commit with a file, and twenty merges of empty branches upon it."""
    head = git(_one_commit(path), "rev-parse", "HEAD").strip()
    tree = git(path, "rev-parse", "HEAD^{tree}").strip()
    root = head
    for number in range(20):
        dates = {
            f"GIT_{who}_DATE": f"2026-01-03T03:{number:02d}:05+0200"
            for who in ("AUTHOR", "COMMITTER")
        }
        head = git(
            path, "commit-tree", tree, "-p", head, "-p", root, "-m", f"merge {number}", **dates
        ).strip()
    git(path, "update-ref", "refs/heads/main", head)
    return path


def _without_blobs(path: Path) -> Path:
    """A history of thirty renames with a change each; a third of their contents is gone."""
    repository(path)
    for number in range(30):
        (path / f"a{number}.py").write_text("".join(f"{number} {line}\n" for line in range(30)))
        (path / f"a{number - 1}.py").unlink(missing_ok=True)
        commit(path, "fix: rename", f"2026-01-02T{number // 4:02d}:{number % 4 * 10:02d}:05+0200")
    listed = git(path, "rev-list", "--objects", "--all").splitlines()
    blobs = sorted(line.split()[0] for line in listed if line.endswith(".py"))
    for blob in blobs[::3]:
        (path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    return path


def _broken_dates(path: Path) -> Path:
    """Three commits of which git knows no date, or one in a far future, and twenty good ones."""
    _one_commit(path)
    commit_at_odd_times(path, ("99999999999999999999", "soon", "9223372036854775807"))
    for number in range(20):
        (path / "a.py").write_text(f"a{number}")
        commit(path, "fix: more", f"2026-01-03T03:{number:02d}:05+0200")
    return path
