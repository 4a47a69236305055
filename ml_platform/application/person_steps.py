"""Everything of one person in a home, place by place, each with what takes it away.

What is found by the ids of rows comes before the rows: after a kill the rest is found again. Every step may be done
twice, or be interrupted anywhere.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.adapters.database_urls import DATABASES
from ml_platform.adapters.forgetting.answer_rows import AnswerRows, ServiceFiles
from ml_platform.adapters.forgetting.built_files import BuiltFiles, HoldingSet
from ml_platform.adapters.forgetting.database_rows import (
    REPORTS,
    DatabaseTexts,
    NamingText,
    PersonRows,
    redact_reports,
)
from ml_platform.adapters.forgetting.file_texts import REMOVED_WHOLE, FileTexts, NamingFile
from ml_platform.adapters.forgetting.key_rows import KeyRows
from ml_platform.adapters.forgetting.lake_rows import LakeRows, RefusedRows, StoredRows
from ml_platform.adapters.forgetting.posted_rows import PostedRowsOf
from ml_platform.adapters.online_snapshots import OnlineSnapshots
from ml_platform.application.asked_features import forget_build
from ml_platform.application.connections import Connections
from ml_platform.application.records import read_record, record_path
from ml_platform.events.forgotten import Forgotten
from ml_platform.models.candidate import CandidateRecord
from ml_platform.retention.forgotten import FORGOTTEN
from ml_platform.retention.mentions import Mentions, can_be_searched
from ml_platform.retention.plan import Item, Removal
from ml_platform.retention.reachable import training_set_key
from ml_platform.retention.rules import Kind

INSTEAD = "(forgotten)"
_GONE = "removed"
_AGAIN = "removed; the next `ml-platform run` makes it again"
_WITHOUT = "written again without them"


@dataclass(frozen=True)
class Step:
    """One kind of thing in one place: how much of it is the person's, and what takes it away."""

    what: str
    things: int
    unit: str
    """What is counted."""
    how: str
    """What becomes of it."""
    act: Callable[[], None] = field(repr=False)
    by_user_id: bool = True
    """Whether it was found in a column of user ids; a text may name somebody of whom the home has no row."""


@dataclass(frozen=True)
class Person:
    """Somebody who is looked for in a home."""

    user_id: str = field(repr=False)
    row_ids: frozenset[str] = field(repr=False)
    mentions: Mentions = field(repr=False)
    in_texts: bool
    """Whether texts can be searched for the user id; an ordinary word or number is not looked for there."""


def find_person(platform: Connections, user_id: str) -> Person:
    """The ids of everything that is theirs: in the lake, in what is built of it, in what was predicted."""
    lake, built = LakeRows(platform.settings), BuiltFiles(platform.settings)
    with closing(PersonRows(platform.urls.ml_platform)) as rows:
        row_ids = lake.row_ids(user_id) | built.row_ids(user_id) | rows.row_ids(user_id)
    row_ids -= lake.shared_ids(user_id, row_ids)
    in_texts = can_be_searched(user_id, lake.ordinary_values())
    mentions = Mentions(user_id if in_texts else "", row_ids, INSTEAD)
    return Person(user_id, row_ids, mentions, in_texts)


def steps_of(
    platform: Connections,
    person: Person,
    forgotten: Forgotten,
    held: frozenset[tuple[Kind, str]],
    now: datetime,
) -> Iterator[Step]:
    """What is to be done, in this order; what a legal hold needs (``held``) is left out."""
    yield from _database_rows(platform, person)
    yield from _answers(platform, person)
    yield from _api_keys(platform, person)
    yield from _posted_rows(platform, person)
    yield from _service_state(platform, person)
    yield from _database_texts(platform, person, held, now)
    yield from _file_texts(platform, person)
    yield from _built_files(platform, person, held, now)
    yield from _events(platform, person, forgotten)


def naming_texts(platform: Connections, person: Person) -> tuple[NamingText, ...]:
    """The texts of all databases that name the person."""
    found = list[NamingText]()
    for name in DATABASES:
        with closing(DatabaseTexts(name, getattr(platform.urls, name))) as database:
            found += database.naming(person.mentions)
    return tuple(found)


def _database_rows(platform: Connections, person: Person) -> Iterator[Step]:
    url = platform.urls.ml_platform
    with closing(PersonRows(url)) as rows:
        counts = rows.count(person.user_id, person.row_ids)
    if not any(counts.values()):
        return

    def act() -> None:
        with closing(PersonRows(url)) as rows:
            rows.remove(person.user_id, person.row_ids)

    what = " and ".join(f"{count:,} {table}" for table, count in counts.items())
    yield Step(f"predictions and outcomes ({what})", sum(counts.values()), "rows", _GONE, act)


def _answers(platform: Connections, person: Person) -> Iterator[Step]:
    """What the service has answered: spools first, which it could drain into the tables otherwise."""
    url, spools = platform.urls.ml_platform, ServiceFiles(platform.settings)
    user, row_ids, mentions = person.user_id, person.row_ids, person.mentions
    with closing(AnswerRows(url)) as rows:
        logged = rows.count(user, row_ids)
    spooled = spools.spooled(user, row_ids, mentions)

    def act() -> None:
        spools.remove_spooled(user, row_ids, mentions)
        with closing(AnswerRows(url)) as rows:
            rows.remove(user, row_ids)

    if logged + spooled:
        what = f"answers of the service ({spooled:,} on the local disk)"
        yield Step(what, logged + spooled, "rows", _GONE, act)


def _service_state(platform: Connections, person: Person) -> Iterator[Step]:
    service = ServiceFiles(platform.settings)
    if service.state_names(person.user_id, person.mentions):
        how = f"{_GONE}; the service reads it again"
        what = "keys in the state of the service"
        yield Step(what, 1, "files", how, service.remove_state, by_user_id=False)


def _api_keys(platform: Connections, person: Person) -> Iterator[Step]:
    url = platform.urls.ml_platform
    with closing(KeyRows(url)) as keys:
        theirs = keys.count(person.user_id)
        naming = keys.naming(person.user_id, person.mentions)

    def remove() -> None:
        with closing(KeyRows(url)) as keys:
            keys.remove(person.user_id)

    def rename() -> None:
        with closing(KeyRows(url)) as keys:
            keys.rename(person.user_id, person.mentions)

    if theirs:
        yield Step("API keys", theirs, "rows", _GONE, remove)
    if naming:
        what = "API keys of others"
        yield Step(what, len(naming), "rows", _WITHOUT, rename, by_user_id=False)


def _posted_rows(platform: Connections, person: Person) -> Iterator[Step]:
    url = platform.urls.ml_platform
    with closing(PostedRowsOf(url)) as posted:
        theirs = posted.count(person.user_id, person.row_ids)

    def act() -> None:
        with closing(PostedRowsOf(url)) as posted:
            posted.remove(person.user_id, person.row_ids)

    if theirs:
        yield Step("rows that came by HTTP", theirs, "rows", _GONE, act)


def _database_texts(
    platform: Connections, person: Person, held: frozenset[tuple[Kind, str]], now: datetime
) -> Iterator[Step]:
    kept = frozenset(key for kind, key in held if kind is Kind.EVALUATION_REPORT)
    for naming in naming_texts(platform, person):
        if not naming.rewritten or naming.keys <= kept:
            continue

        def act(naming: NamingText = naming) -> None:
            url = getattr(platform.urls, naming.database)
            if naming.database == "ml_platform" and naming.table == REPORTS:
                redact_reports(platform.ledger, naming, person.mentions, now, kept)
                return
            with closing(DatabaseTexts(naming.database, url)) as database:
                database.rewrite(naming, person.mentions)

        what = f"texts in {naming.name}"
        yield Step(what, len(naming.rows), "rows", _WITHOUT, act, by_user_id=False)


def _file_texts(platform: Connections, person: Person) -> Iterator[Step]:
    texts = FileTexts(platform.settings)
    by_folder: dict[str, list[NamingFile]] = {}
    for naming in texts.naming(person.mentions, apart=REMOVED_WHOLE, left_behind=False):
        if naming.rewritten:
            folder = naming.path.relative_to(platform.settings.home).parts[0]
            by_folder.setdefault(folder, []).append(naming)
    for folder, found in by_folder.items():

        def act(found: list[NamingFile] = found) -> None:
            for naming in found:
                texts.rewrite(naming, person.mentions)

        yield Step(f"texts in {folder}/", len(found), "files", _WITHOUT, act, by_user_id=False)


def _built_files(
    platform: Connections, person: Person, held: frozenset[tuple[Kind, str]], now: datetime
) -> Iterator[Step]:
    built = BuiltFiles(platform.settings)
    pages = built.page_rows(person.user_id)

    def without_rows() -> None:
        for path in pages:
            built.remove_page_rows(path, person.user_id)

    if pages:
        yield Step("tables in reports/", sum(pages.values()), "rows", _WITHOUT, without_rows)
    sets = [each for each in built.holding_sets(person.user_id) if _key(each) not in held]
    answers = built.probabilities(_needed_answers(platform, {each.fingerprint for each in sets}))

    def without_answers() -> None:
        for path in answers:
            path.unlink(missing_ok=True)

    if answers:
        what = "estimators' answers, row by row"
        yield Step(what, len(answers), "files", _AGAIN, without_answers, by_user_id=False)

    def without_sets() -> None:
        platform.ledger.record_removals([_removal(each, now) for each in sets], now)
        for each in sets:
            built.remove_set(each)

    if sets:
        rows = sum(each.rows for each in sets)
        yield Step(
            f"training sets with {rows:,} rows of theirs", len(sets), "sets", _AGAIN, without_sets
        )
    rows = built.feature_rows(person.user_id)
    if rows:

        def without_features() -> None:
            forget_build(platform)
            built.remove_features()

        yield Step("published features and warehouse", rows, "rows", _AGAIN, without_features)
    snapshots = OnlineSnapshots(platform.settings)
    named = person.row_ids or (person.in_texts and snapshots.knows(person.user_id))
    if snapshots.path.exists() and named:
        how = f"{_GONE}; `ml-platform online` makes it again"
        yield Step("online state", 1, "files", how, snapshots.remove, by_user_id=False)


def _events(platform: Connections, person: Person, forgotten: Forgotten) -> Iterator[Step]:
    refused, lake = RefusedRows(platform.settings), LakeRows(platform.settings)
    files = refused.found(forgotten)

    def without_refused() -> None:
        for path in files:
            refused.remove(path, forgotten)

    if files:
        yield Step("quarantine", sum(files.values()), "rows", _WITHOUT, without_refused)
    for stored in lake.found(person.user_id, person.row_ids):

        def act(stored: StoredRows = stored) -> None:
            lake.remove(stored, person.user_id, person.row_ids)

        yield Step(f"lake/{stored.table}", stored.rows, "rows", _GONE, act)


def _needed_answers(platform: Connections, going: set[str]) -> Iterator[str]:
    """The hashes of the answers of present candidates whose training set is there and stays."""
    for path in sorted((platform.settings.home / "records").glob("*__candidate.json")):
        model = path.name.removesuffix("__candidate.json")
        if not record_path(platform.settings, (model, "candidate")).exists():
            continue
        record = read_record(platform.settings, (model, "candidate"), CandidateRecord)
        fingerprint = record.training_set_fingerprint
        folder = platform.settings.training_sets / model / fingerprint
        if fingerprint not in going and folder.exists():
            yield record.estimator_probabilities_sha256


def _key(holding: HoldingSet) -> tuple[Kind, str]:
    return Kind.TRAINING_SET, training_set_key(holding.model, holding.fingerprint)


def _removal(holding: HoldingSet, now: datetime) -> Removal:
    kind, key = _key(holding)
    return Removal(Item(kind, key, now, holding.bytes), FORGOTTEN)
