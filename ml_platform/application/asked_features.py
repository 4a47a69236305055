"""From which moment on the rows of each feature table may differ from those that are published.

Features look at the past alone, so a row can only differ from its published one where something at or before it
has changed: in the lake, or because the clock has moved on. How far labels look ahead stands in `_reaches`. A table
is built whole wherever that is not sure: after other code, other SQL, a clock that was set back, a part that is
damaged, and always where `_reaches` does not name it, since its labels depend on the whole history.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ml_platform import values
from ml_platform.adapters.feature_parts import MOMENTS
from ml_platform.adapters.imported_code import imported_code, library_version
from ml_platform.application.asked_sessions import (
    EVENTS,
    SESSIONS,
    asked_sessions,
    read_from,
)
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import FEATURES_BUILT_KEY
from ml_platform.events.schema import TABLES

if TYPE_CHECKING:
    from ml_platform.adapters.dbt_project import DbtProject

STEP_REACH = timedelta(minutes=90)
"""How far the labels of a step look ahead: three steps of a stretch, in which no pause exceeds half an hour, or
half an hour after its last one."""
_ROWS_BY_TIME = ("pattern_features", "step_features")
"""Feature tables of which a row differs only where something at, or little after, its moment does."""
_MODULES = (
    "ml_platform.application.asked_features",
    "ml_platform.application.asked_sessions",
    "ml_platform.adapters.published_moments",
    "ml_platform.adapters.step_facts",
    "ml_platform.adapters.warehouse",
    "ml_platform.adapters.feature_parts",
    "ml_platform.adapters.dbt_run",
)
"""The modules of ours that decide what is published of a lake."""


@dataclass(frozen=True)
class BuiltFrom:
    """What published features were built from."""

    code: str
    """The hash of the dbt project, of the code around it and of the libraries that run it."""
    as_of: datetime
    cases: bool
    """Whether the lake has cases of a process log."""
    runs: bool
    """Whether it has runs that steps lead to."""
    days: Mapping[str, Mapping[str, str]]
    """The SHA-256 of each file of the lake, by table and path in it; empty where a killed write left two."""
    published: Mapping[str, str]
    """The version of each feature table that was published."""


def built_from(platform: Connections, project: "DbtProject") -> BuiltFrom:
    """What a build at this moment reads; nothing is published of it yet.

    Raises:
        IntegrityError: a file of the lake is broken.
    """
    from ml_platform.adapters.step_facts import step_facts

    as_of = platform.home.as_of
    facts = step_facts(platform.settings.lake, as_of)
    return BuiltFrom(
        _code_version(project), as_of, facts.cases, facts.runs, _files(platform), published={}
    )


def asked_from(
    platform: Connections, project: "DbtProject", present: BuiltFrom
) -> dict[str, datetime]:
    """The moment from which on each table is to be built, and events are read; those not named are built whole.

    It is where a part ends, so that published parts before it and what is built make the table together.
    """
    from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
    from ml_platform.adapters.feature_parts import kept_parts

    previous = _previous(platform)
    if previous is None or previous.code != present.code or present.as_of < previous.as_of:
        return {}
    if _plugins_read(project, PLATFORM_PROJECT.models_of_asked_rows()):
        return {}
    features, moments = platform.settings.features, dict[str, datetime]()
    for table, reach in _reaches(previous, present).items():
        kept = kept_parts(features / table, reach) if _is_right(platform, previous, table) else ()
        if kept:
            moments[table] = kept[-1].end
    changed = _first_change(previous, present, ("events",))
    if (
        changed is not None
        and not (present.cases or previous.cases)
        and all(_is_right(platform, previous, table) for table in (SESSIONS, MOMENTS))
    ):
        moments = _with_sessions(platform, present, changed, moments)
        if _plugins_read(project, PLATFORM_PROJECT.models_of_read_events()):
            moments.pop(EVENTS, None)
    return moments


def remember_build(platform: Connections, present: BuiltFrom, published: Mapping[str, str]) -> None:
    """Keep what the features, published as these versions, were built from."""
    stored = BuiltFrom(**{**vars(present), "published": dict(published)})
    platform.ledger.set_state(FEATURES_BUILT_KEY, {"built_from": values.to_json(stored)})


def forget_build(platform: Connections) -> None:
    """Let the next build be one of everything."""
    platform.ledger.set_state(FEATURES_BUILT_KEY, {})


def _reaches(previous: BuiltFrom, present: BuiltFrom) -> dict[str, datetime]:
    """The moment before which no row of a table differs; tables that may differ anywhere are not named."""
    reaches = dict[str, datetime]()
    events = _first_change(previous, present, ("events",))
    if events is not None:
        reaches["pattern_features"] = events
    steps = _first_change(previous, present, ("events", "workflow_executions"))
    if (
        steps is not None
        and not (present.cases or previous.cases)
        and present.runs == previous.runs
    ):
        reaches["step_features"] = steps - STEP_REACH
    return reaches


def _first_change(
    previous: BuiltFrom, present: BuiltFrom, tables: Iterable[str]
) -> datetime | None:
    """The first moment of which something in ``tables`` is otherwise; ``None`` where that cannot be told.

    That is at the latest where the clock stood: what lies beyond it was not read.
    """
    first = previous.as_of
    for table in tables:
        before, now = previous.days.get(table, {}), present.days[table]
        for path in before.keys() | now.keys():
            if before.get(path) == now.get(path) != "":
                continue
            day = path.partition("/")[0]
            if not day.startswith("day="):
                return None
            first = min(first, datetime.fromisoformat(day.removeprefix("day=")).replace(tzinfo=UTC))
    return first


def _with_sessions(
    platform: Connections,
    present: BuiltFrom,
    changed: datetime,
    moments: Mapping[str, datetime],
) -> dict[str, datetime]:
    """The moments with those of sessions, and, if nothing is built whole, that from which on events are read."""
    from ml_platform.adapters.published_moments import published_moments

    settings, as_of = platform.settings, present.as_of
    with published_moments(settings.features, settings.lake, changed, as_of) as published:
        sessions = asked_sessions(settings.features, published, changed)
        if sessions is None:
            return dict(moments)
        asked = {**moments, **sessions.moments}
        if all(table in moments for table in _ROWS_BY_TIME):
            first_row = min(sessions.first_begin, *moments.values())
            asked[EVENTS] = read_from(published, first_row)
    return asked


def _is_right(platform: Connections, previous: BuiltFrom, table: str) -> bool:
    """Whether the parts of a table are those that were published last."""
    from ml_platform.adapters.feature_parts import is_sound, table_version
    from ml_platform.adapters.manifest import Manifest

    folder = platform.settings.features / table
    return table_version(folder) == previous.published.get(table) and is_sound(
        folder, Manifest(platform.settings.home)
    )


def _plugins_read(project: "DbtProject", models: Iterable[str]) -> bool:
    """Whether a table of a plug-in, which is built whole, may read one of these models."""
    texts = [path.read_text(encoding="utf-8") for path in project.plugin_models()]
    return any(name in text for name in models for text in texts)


def _files(platform: Connections) -> dict[str, dict[str, str]]:
    from ml_platform.adapters.manifest import Manifest

    lake, manifest = platform.settings.lake, Manifest(platform.settings.home)
    files: dict[str, dict[str, str]] = {}
    for table in TABLES:
        folder = f"{lake.name}/{table}/"
        files[table] = {
            name.removeprefix(folder): file.sha256 or "" if file.announced is None else ""
            for name, file in manifest.stored(lake / table).items()
            if name.endswith(".parquet")
        }
    return files


def built_until(platform: Connections) -> datetime | None:
    """The clock up to which the published features were built; ``None`` where that is not known."""
    previous = _previous(platform)
    return previous.as_of if previous is not None else None


def _previous(platform: Connections) -> BuiltFrom | None:
    """What the last publication was built from; ``None`` where that is not known."""
    stored = (platform.ledger.state(FEATURES_BUILT_KEY) or {}).get("built_from")
    try:
        return values.from_json(BuiltFrom, str(stored)) if stored else None
    except ValidationError:
        return None  # written by another release


def _code_version(project: "DbtProject") -> str:
    digest = hashlib.sha256(
        imported_code(_MODULES, without=("ml_platform.adapters",)).version.encode()
    )
    for library in ("dbt-core", "dbt-duckdb", "duckdb"):
        digest.update(f"\n{library} {library_version(library)}".encode())
    for path in sorted((*project.folder.rglob("*.sql"), *project.folder.rglob("*.yml"))):
        digest.update(f"\n{path.relative_to(project.folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
