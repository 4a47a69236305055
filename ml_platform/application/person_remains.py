"""What stays of a person: named by a search of the home as it is, with why and with what can be done about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ml_platform.adapters.database_urls import DATABASES
from ml_platform.adapters.forgetting.built_files import BuiltFiles
from ml_platform.adapters.forgetting.database_rows import rewrite_pages
from ml_platform.adapters.forgetting.file_texts import REMOVED_WHOLE, FileTexts, bytes_naming
from ml_platform.adapters.forgetting.lake_rows import LakeRows
from ml_platform.application.connections import Connections
from ml_platform.application.person_steps import Person, naming_texts, steps_of
from ml_platform.events.forgotten import Forgotten
from ml_platform.files import TEMPORARY_SUFFIX
from ml_platform.registry.records import Status, VersionRecord
from ml_platform.retention.forgotten import Learned
from ml_platform.retention.reachable import needed_by, training_set_key
from ml_platform.retention.rules import Kind

Held = Mapping[tuple[Kind, str], str]
_CHAIN = "its hashes rest on every byte, and who has decided what is kept"
_TABLES = {
    "promotion_events": _CHAIN,
    "experiment_events": "the log of what was asked and answered is kept as it was written",
    "experiments": "the hash of a frozen definition rests on it",
    "experiment_results": "the hash of a result rests on it",
    "model_versions": "the decision of a version is replayed from it",
    "later_evaluations": "the decision of a version is replayed from it",
    "policy_revisions": "a policy is kept under its hash",
    "legal_holds": "who has held what is kept",
    "incident_events": "who has acknowledged or silenced what is kept",
    "forgotten_people": "who asked for it, and why, is kept",
}
_FOLDERS = {
    "artifacts": "a model is kept under its hash, and somebody's name in it is a part of what it answers",
    "archive": "the history of an earlier format is kept under its hashes",
    "damaged": "a person has put it aside",
}
_REMEDIES = {
    "artifacts": "train again without them; retention removes a version that nothing needs",
    "archive": "delete the folder if that history is not needed",
    "damaged": "delete the file when it is not needed any more",
}
_RUN_AGAIN = "run `ml-platform forget` again"
_SOURCE = "correct the source, and begin a new home with it"


@dataclass(frozen=True)
class Remains:
    """Something of the person that stays, why, and what can be done about it."""

    where: str
    why: str
    remedy: str

    @property
    def again(self) -> bool:
        """Whether the same command may remove it."""
        return self.remedy == _RUN_AGAIN


def held_things(platform: Connections) -> dict[tuple[Kind, str], str]:
    """What versions under a legal hold need, each with the sentence that says who holds it."""
    held: dict[tuple[Kind, str], str] = {}
    for hold in platform.ledger.legal_holds():
        if hold.lifted_at is None:
            evaluations = platform.ledger.evaluations(hold.model, hold.version)
            held |= needed_by(evaluations, f"{hold.actor} holds it: {hold.reason}")
    return held


def learned_versions(platform: Connections, person: Person) -> Iterator[Learned]:
    """The versions that were fitted to rows of the person, or may have been."""
    sets = BuiltFiles(platform.settings).holding_sets(person.user_id)
    holding = {(each.model, each.fingerprint) for each in sets}
    for model in platform.ledger.models():
        for record in platform.ledger.versions(model):
            sure = (model, record.training_set_fingerprint) in holding
            if sure or not _has_rows(platform, record):
                yield Learned(model, record.version, sure)


def not_to_be_removed(platform: Connections, person: Person, held: Held) -> Iterator[Remains]:
    """What the home holds that no step takes away."""
    for holding in BuiltFiles(platform.settings).holding_sets(person.user_id):
        key = (Kind.TRAINING_SET, training_set_key(holding.model, holding.fingerprint))
        if key in held:
            yield Remains(f"training_sets/{key[1]}", held[key], _lift(held[key]))
    reports = {key for kind, key in held if kind is Kind.EVALUATION_REPORT}
    for naming in naming_texts(platform, person):
        kept = naming.keys & reports
        if not naming.rewritten:
            why = _TABLES.get(naming.table, "no rule says that it may be written again")
            yield Remains(f"{naming.name}: {len(naming.rows):,} rows", why, "")
        elif kept:
            why = held[Kind.EVALUATION_REPORT, min(kept)]
            yield Remains(f"{naming.name}: {len(kept):,} reports", why, _lift(why))
    settings = platform.settings
    tables = BuiltFiles(settings).page_rows(person.user_id)
    files = FileTexts(settings).naming(person.mentions, apart=REMOVED_WHOLE, left_behind=False)
    for file in files:
        if not file.rewritten and file.path not in tables:
            name = file.path.relative_to(settings.home)
            top = name.parts[0]
            why = _FOLDERS.get(top, "it is no text that can be written again")
            yield Remains(str(name), why, _REMEDIES.get(top, "delete the file if it is not needed"))
    yield from _texts_of_others(platform, person)


def found_after(
    platform: Connections, person: Person, alone: Forgotten, held: Held
) -> Iterator[Remains]:
    """What a search of the whole home finds once all steps are done."""
    yield from _database_files(platform, person)
    yield from not_to_be_removed(platform, person, held)
    for step in steps_of(platform, person, alone, frozenset(held), datetime.now(UTC)):
        where = f"{step.what}: {step.things:,} {step.unit}"
        yield Remains(where, "it is there after it was removed", _RUN_AGAIN)
    for file in FileTexts(platform.settings).naming(person.mentions):
        name = file.path.relative_to(platform.settings.home)
        key = (Kind.TRAINING_SET, "/".join(name.parts[1:3]))
        if name.parts[0] == "quarantine":
            yield Remains(str(name), "a refused row of somebody else names them", _SOURCE)
        elif name.parts[0] in REMOVED_WHOLE and key not in held:
            yield Remains(str(name), "it is there after it was removed", _RUN_AGAIN)
        elif any(part.endswith(TEMPORARY_SUFFIX) for part in name.parts):
            yield Remains(str(name), "a process at work writes it", _RUN_AGAIN)


def stays_always(
    platform: Connections, person: Person, learned: tuple[Learned, ...]
) -> Iterator[Remains]:
    """What no search of the home can find or remove."""
    for each in learned:
        status = platform.ledger.history(each.model).state.lives[each.version].status
        serves = "in production" if status is Status.PRODUCTION else str(status)
        word = "has learned" if each.sure else "may have learned: its rows were removed before"
        yield Remains(
            f"{each.model} {each.version} ({serves})",
            f"{word} from their rows; a model cannot unlearn",
            f"`ml-platform run --retrain --models {each.model}` makes one without them",
        )
    if not person.in_texts:
        yield Remains(
            "texts",
            "this id is an ordinary word or number: pages, reports and logs cannot be searched for it",
            "rows are found by it all the same; look for the id in texts by hand",
        )
    settings = platform.settings
    if settings.tracking_url:
        yield Remains("MLflow", "its server is not the platform's own", "ask its owner")
    if settings.database_url:
        yield Remains(
            "the database server's log and its backups",
            "the server is not the platform's own",
            "ask its owner",
        )
    yield Remains(
        "backups of this home that were taken before",
        "the platform does not know where they lie",
        "delete them; after a restore of one run `ml-platform forget` again",
    )
    yield Remains("the source itself", "it is not the platform's", "remove the rows there")


def _database_files(platform: Connections, person: Person) -> Iterator[Remains]:
    """PostgreSQL's own files, written anew; what of a person is in them all the same."""
    settings = platform.settings
    own = settings.database_url is None
    for name in DATABASES:
        fault = rewrite_pages(getattr(platform.urls, name), own_server=own)
        if fault:
            yield Remains(f"pages of the database {name}", fault, _RUN_AGAIN)
    if own and person.in_texts:
        for path in bytes_naming(settings.postgres, person.user_id):
            name = str(path.relative_to(settings.home))
            yield Remains(name, "PostgreSQL has not written it anew yet", _RUN_AGAIN)


def _texts_of_others(platform: Connections, person: Person) -> Iterator[Remains]:
    found: dict[str, int] = {}
    for table, texts in LakeRows(platform.settings).texts(person.user_id):
        count = sum(1 for text in texts if person.mentions.count(text))
        found[table] = found.get(table, 0) + count
    for table, count in found.items():
        if count:
            yield Remains(
                f"lake/{table}: {count:,} rows of other people name them in a path or an attribute",
                "a stored row is never changed, and these are not theirs",
                _SOURCE,
            )


def _has_rows(platform: Connections, record: VersionRecord) -> bool:
    folder = platform.settings.training_sets / record.model / record.training_set_fingerprint
    return folder.exists()


def _lift(why: str) -> str:
    model, _, rest = why.partition(" ")
    version = rest.partition(":")[0]
    return f"`ml-platform retention lift {model} {version}`, then run it again"
