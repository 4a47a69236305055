"""The gate policy of a home: a file beside its state, whose revisions the ledger keeps.

Without a file the preset `mission` holds. A file that somebody edits by hand is noticed at the next evaluation,
and becomes a revision like one that was set by a command.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ml_platform import files
from ml_platform.application.connections import Connections
from ml_platform.errors import ConflictError, UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.gates.policy import policy_version
from ml_platform.gates.policy_file import PolicyChoice, parse_policy
from ml_platform.gates.presets import PRESETS
from ml_platform.registry.records import PolicyRevision
from ml_platform.settings import Settings
from ml_platform.spec.model import ModelSpec

DEFAULT = PolicyChoice()


def policy_path(settings: Settings) -> Path:
    """The file of the home's policy."""
    return settings.home / "policy.toml"


def choice_of_home(settings: Settings) -> PolicyChoice:
    """The policy of the home; the preset `mission` where it has no file.

    Raises:
        UsageError: the file says something that no policy can; the message names line and key.
    """
    path = policy_path(settings)
    return read_policy(path) if path.exists() else DEFAULT


def read_policy(path: Path) -> PolicyChoice:
    """The policy of a file, for the models that are installed.

    Raises:
        UsageError: there is no such file, or it says something that no policy can.
    """
    from ml_platform.adapters.plugins import installed_catalogue

    return parse_policy(_text_of(path), str(path), installed_catalogue().models)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"There is no preset and no file {str(path)!r}.",
            remedy=f"choose of {', '.join(PRESETS)}, or name a file as `ml-platform policy show` writes it",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The policy {path} cannot be read: {error}.", remedy="name a text file in UTF-8"
        ) from error


def preset_or_file(text: str) -> PolicyChoice:
    """The policy of a preset's name, or of the path of a file.

    Raises:
        UsageError: it is neither, or the file says something that no policy can.
    """
    return PolicyChoice(text) if text in PRESETS else read_policy(Path(text).expanduser())


def keep_policy(settings: Settings, typed: str) -> PolicyChoice:
    """Make a preset, or a copy of a file, the policy of the home, and return it.

    Raises:
        UsageError: it is neither, or the file says something that no policy can; nothing was changed.
    """
    choice = preset_or_file(typed)
    text = f'preset = "{typed}"\n' if typed in PRESETS else _text_of(Path(typed).expanduser())
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with files.replacing(policy_path(settings)) as beside:
        beside.write_text(text, encoding="utf-8")
    return choice


def governed(platform: Connections, spec: ModelSpec) -> ModelSpec:
    """The model under the policy of the home, in place of the one that it declares."""
    return replace(spec, policy=choice_of_home(platform.settings).policy_of(spec))


def policy_name(settings: Settings) -> str:
    """The name of the home's policy: its preset, and whether something was changed in it."""
    choice = choice_of_home(settings)
    return f"{choice.preset}, changed" if choice.models else choice.preset


def record_policy(platform: Connections, specs: Iterable[ModelSpec]) -> PolicyRevision:
    """The revision of the home's policy that the ledger holds, a new one where the policy has changed.

    Args:
        platform: The home.
        specs: The models whose policies count, governed by it.

    Raises:
        ConflictError: somebody else changed the policy at the same moment.
    """
    choice = choice_of_home(platform.settings)
    known = platform.ledger.policies()
    last = known[-1] if known else None
    versions = {spec.name: policy_version(spec.policy) for spec in specs}
    before = last.versions if last else {}
    changed = [name for name in versions if before.get(name, versions[name]) != versions[name]]
    if last is not None and not changed and set(versions) <= set(before):
        return last
    path = policy_path(platform.settings)
    revision = PolicyRevision(
        revision=len(known) + 1,
        at=platform.home.as_of,
        name=policy_name(platform.settings),
        text=path.read_text(encoding="utf-8") if path.exists() else f'preset = "{choice.preset}"\n',
        versions=before | versions,
        followed={name: verdict for name in changed if (verdict := _verdict(platform, name))},
    )
    platform.ledger.save_policy(revision)
    return revision


def _verdict(platform: Connections, model: str) -> str:
    """The verdict on the newest version of a model in words; empty of one that was to be promoted."""
    versions = platform.ledger.versions(model)
    if not versions or versions[-1].decision.verdict is Verdict.PROMOTE:
        return ""
    newest = versions[-1]
    verdict = newest.decision.verdict.value.upper()
    return f"version {newest.version} was {verdict}: {newest.decision.row}"


def _recorded_beside_others(platform: Connections, spec: ModelSpec) -> PolicyRevision:
    while True:
        try:
            return record_policy(platform, (spec,))
        except ConflictError:
            continue  # each time another model's policy has come into the ledger


def policy_note(platform: Connections, spec: ModelSpec) -> str:
    """Record the policy that governs ``spec``; return the verdict that it was changed after, for people.

    Args:
        platform: The home.
        spec: The model, governed.

    Evaluations of other models, in processes beside this one, may record theirs at the same moment: then once more.
    """
    version = _recorded_beside_others(platform, spec).versions[spec.name]
    for revision in reversed(platform.ledger.policies()):
        if revision.versions.get(spec.name) != version:
            break
        if spec.name in revision.followed:
            return (
                f"the policy was changed to {revision.name} (revision {revision.revision}, "
                f"{revision.at:%Y-%m-%d %H:%M} UTC) after {revision.followed[spec.name]}"
            )
    return ""
