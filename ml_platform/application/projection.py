"""One registered model of MLflow, compared with what it is to show, and put right item by item.

What was shown last is kept in the ledger. So a difference that a promotion has made is told from one that somebody
has made in MLflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ml_platform import values
from ml_platform.adapters.tracking import RegisteredModel, RegisteredVersion, RunState, model_path
from ml_platform.application.connections import Connections
from ml_platform.application.log_evaluation import log_again
from ml_platform.application.mirrored import FILES_TAG, WantedModel, WantedVersion, page_name
from ml_platform.application.state_keys import found_key, mirror_key, notes_key
from ml_platform.errors import IntegrityError
from ml_platform.reporting import registry_text

ABSENT = "absent"


@dataclass(frozen=True)
class Repair:
    """One thing that MLflow did not show as the ledger has it, and what was done."""

    model: str
    words: str
    """The whole sentence."""
    by_hand: bool
    """Whether MLflow had shown it rightly before, and was changed since."""

    def __str__(self) -> str:
        return self.words


class Projection:
    """One registered model of MLflow, compared with what it is to show and put right."""

    def __init__(self, platform: Connections, wanted: WantedModel, thorough: bool) -> None:
        self._tracking = platform.tracking
        self._platform = platform
        self._wanted = wanted
        self._thorough = thorough
        self._key = mirror_key(wanted.name)
        self._before: Mapping[str, str] = platform.ledger.state(self._key) or {}
        self._notes: Mapping[str, str] = platform.ledger.state(notes_key(wanted.name)) or {}
        self._now: dict[str, str] = {}
        self._repairs: list[Repair] = []

    def repaired(self, registry: Mapping[str, RegisteredModel]) -> list[Repair]:
        """Put the model right, keep what is shown now, and return what was done."""
        shown = registry.get(self._wanted.name) or self._named_back(registry)
        self._now |= {"name": self._wanted.name} | {
            f"{version.name} files": str(False) for version in self._wanted.versions
        }
        numbers: dict[str, str] = {}
        for version in self._wanted.versions:
            found = self._present(version, shown)
            if found is not None:
                numbers[version.fingerprint] = found.number
                self._show_tags(version, found)
                self._show_text(version, found)
        if numbers:
            self._show_aliases(shown.aliases if shown else {}, numbers)
            self._show_model_text(shown.description if shown else "")
        if self._now != self._before:
            self._platform.ledger.set_state(self._key, self._now)
        return self._repairs

    def _note(self, item: str, found: str, wanted: str, words: str) -> None:
        """Remember what is shown of ``item`` from now on, and that it was shown otherwise."""
        by_hand = self._before.get(item, found) != found
        self._now[item] = wanted
        self._done(words, by_hand)

    def _done(self, words: str, by_hand: bool) -> None:
        self._repairs.append(Repair(self._wanted.model, words, by_hand))

    def _noted(self, name: str, text: str) -> str:
        """The text of a page with what a person has added to it for good."""
        note = self._notes.get(name)
        return f"{text}\n\n{note}" if note else text

    def _found(self, name: str, text: str, ours: str) -> None:
        """Keep what somebody has written on a page, so that it can be adopted."""
        theirs = text.replace(ours, "").strip()
        if theirs and self._repairs[-1].by_hand:
            key = found_key(self._wanted.name)
            found = self._platform.ledger.state(key) or {}
            self._platform.ledger.set_state(key, {**found, name: theirs})

    def _named_back(self, registry: Mapping[str, RegisteredModel]) -> RegisteredModel | None:
        """The model under its own name again, where it was given another one."""
        name = self._wanted.name
        paths = {model_path(version.fingerprint) for version in self._wanted.versions}
        for other in registry.values():
            if any(version.path in paths for version in other.versions):
                self._tracking.rename_model(other.name, name)
                self._note("name", other.name, name, f"{name}: had been renamed to {other.name}")
                return other
        return None

    def _present(
        self, version: WantedVersion, shown: RegisteredModel | None
    ) -> RegisteredVersion | None:
        """The version as MLflow has it, made again where it has lost it; ``None`` where it cannot be made here."""
        item, label = f"{version.name} is there", f"{self._wanted.model} {version.label}"
        found = self._known(version, shown)
        if found is not None and self._files_are_there(version, found, label):
            self._now[item] = "yes"
            return found
        if obstacle := self._obstacle(version):
            self._note(item, ABSENT, ABSENT, f"{label} is not in MLflow: {obstacle}")
            return None
        if found is not None:
            self._tracking.delete_version(self._wanted.name, found.number)
        made = self._made(version)
        self._note(item, ABSENT, "yes", f"{label}: registered as MLflow's version {made.number}")
        return made

    def _known(
        self, version: WantedVersion, shown: RegisteredModel | None
    ) -> RegisteredVersion | None:
        """The version that holds the wanted files, by the folder they lie in, which nobody can change."""
        path = model_path(version.fingerprint)
        same = [each for each in (shown.versions if shown else ()) if each.path == path]
        numbered = [each for each in same if each.number == version.record.mlflow_version]
        return next(iter([*numbered, *same]), None)

    def _files_are_there(
        self, version: WantedVersion, found: RegisteredVersion, label: str
    ) -> bool:
        """Whether the files can be loaded, after what can be put right was; looked at where an alias names them."""
        form = found.tags.get(FILES_TAG) == version.tags[FILES_TAG]
        named = version.fingerprint in self._wanted.aliases.values()
        if form and not (named or self._thorough):
            return True
        state = self._tracking.run_state(found.run_id)
        if state is RunState.GONE:
            return False
        if state is RunState.DELETED:
            self._tracking.restore_run(found.run_id)
            self._done(f"{label}: its run had been deleted", by_hand=True)
        lost = not self._tracking.has_files(found.run_id, found.path)
        if lost or not form:
            words = "its files had been deleted" if lost else "its files are those of this release"
            if obstacle := self._obstacle(version):
                words = f"its files cannot be written: {obstacle}"
            else:
                self._write_files(version, found)
            self._note(f"{version.name} files", str(lost), str(False), f"{label}: {words}")
        return True

    def _write_files(self, version: WantedVersion, found: RegisteredVersion) -> None:
        assert self._wanted.task is not None
        self._tracking.write_files(found.run_id, found.path, version.folder, self._wanted.task)

    def _made(self, version: WantedVersion) -> RegisteredVersion:
        """Register the version; its run is restored, or logged again from the ledger."""
        assert self._wanted.task is not None
        run_id = self._run_of(version)
        number = self._tracking.register_version(
            self._wanted.name,
            run_id,
            version.folder,
            task=self._wanted.task,
            tags=version.tags,
            description=version.text(run_id),
        )
        if not version.is_rules and number != version.record.mlflow_version:
            self._platform.ledger.set_mlflow_version(
                version.record.model, version.record.version, number
            )
        made = next(
            each for each in self._tracking.registered(self._wanted.name) if each.number == number
        )
        return made

    def _obstacle(self, version: WantedVersion) -> str:
        """Why the version cannot be made here, or nothing: its model is unknown, or its artifact has changed."""
        from ml_platform.adapters.artifact_files import read_artifact

        if self._wanted.task is None:
            return "no package that is installed here brings the model"
        try:
            read_artifact(version.folder, version.sha256)
        except IntegrityError as error:
            return str(error)
        return ""

    def _run_of(self, version: WantedVersion) -> str:
        run_id = version.record.mlflow_run_id
        state = self._tracking.run_state(run_id)
        if state is RunState.GONE:
            return log_again(self._platform, version.record)
        if state is RunState.DELETED:
            self._tracking.restore_run(run_id)
        return run_id

    def _show_tags(self, version: WantedVersion, found: RegisteredVersion) -> None:
        wrong = {key: value for key, value in version.tags.items() if found.tags.get(key) != value}
        items = {f"{version.name} tag {key}": key for key in version.tags}
        if wrong:
            self._tracking.tag_version(self._wanted.name, found.number, wrong)
        by_hand = any(
            self._before.get(item, found.tags.get(key)) != found.tags.get(key)
            for item, key in items.items()
            if key in wrong
        )
        self._now |= {item: version.tags[key] for item, key in items.items()}
        if wrong:
            changes = ", ".join(f"{key} {value}" for key, value in wrong.items())
            words = f"{self._wanted.model} {version.label}: {changes}"
            self._done(words, by_hand)

    def _show_text(self, version: WantedVersion, found: RegisteredVersion) -> None:
        item, source = f"{version.name} text", f"{version.name} text of"
        note = self._notes.get(version.name, "")
        made_of = values.fingerprint((version.made_of, found.run_id, _wording(), note))
        shown = values.text_sha256(found.description)
        if (self._before.get(source), self._before.get(item)) == (made_of, shown):
            self._now |= {item: shown, source: made_of}
            return
        text = self._noted(version.name, version.text(found.run_id))
        self._now |= {item: values.text_sha256(text), source: made_of}
        if text != found.description:
            self._tracking.describe_version(self._wanted.name, found.number, text)
            words = f"{self._wanted.model} {version.label}: description"
            self._note(item, shown, values.text_sha256(text), words)
            self._found(version.name, found.description, text)

    def _show_aliases(self, shown: Mapping[str, str], numbers: Mapping[str, str]) -> None:
        name = self._wanted.name
        for alias in self._wanted.owned_aliases:
            fingerprint = self._wanted.aliases.get(alias)
            wanted = numbers.get(fingerprint, ABSENT) if fingerprint else ABSENT
            has, item = shown.get(alias, ABSENT), f"alias {alias}"
            if has == wanted:
                self._now[item] = wanted
            elif wanted == ABSENT:
                self._tracking.remove_alias(name, alias)
                words = f"{name}: alias {alias} removed from MLflow's version {has}"
                self._note(item, has, wanted, words)
            else:
                self._tracking.set_alias(name, alias, wanted)
                self._note(item, has, wanted, f"{name}: alias {alias} on MLflow's version {wanted}")

    def _show_model_text(self, shown: str) -> None:
        wanted = self._noted(page_name(None), self._wanted.text)
        self._now["text"] = values.text_sha256(wanted)
        if shown != wanted:
            self._tracking.describe_model(self._wanted.name, wanted)
            words = f"{self._wanted.name}: description"
            self._note("text", values.text_sha256(shown), values.text_sha256(wanted), words)
            self._found(page_name(None), shown, wanted)


@cache
def _wording() -> str:
    """The hash of the module that words descriptions: those of an earlier release are written anew."""
    return values.file_sha256(Path(registry_text.__file__))
