"""API keys of a home: made, listed, rotated, revoked. A text is handed out once, by the call that makes its key."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ml_platform.adapters.forgetting.lake_rows import LakeRows
from ml_platform.adapters.serving.followed import wait_until_followed
from ml_platform.application.connections import Connections
from ml_platform.application.forgotten_people import forgotten_people
from ml_platform.errors import UsageError
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.home import user_key
from ml_platform.serving.keys import ApiKey, KeyStatus, Scope, new_key, require_text, rotated

_PSEUDONYMOUS = ("git", "process-log")
"""The sources whose people are keyed hashes in the home."""
_PSEUDONYM = re.compile(r"[0-9a-f]{20}|case .+")
"""What such a source calls a person, or a case that has none."""


@dataclass(frozen=True)
class MadeKey:
    """A new key with the text that its holder sends: it is kept nowhere and cannot be shown again."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True)
class ListedKey:
    """A key, where it stands now, and the one that has taken its place by a rotation, if any."""

    key: ApiKey
    status: KeyStatus
    rotated_to: str | None
    rotated_at: datetime | None


def make_key(
    platform: Connections,
    user: str,
    *,
    scopes: Collection[Scope],
    by: str,
    name: str = "",
    lifetime: timedelta | None,
) -> MadeKey:
    """Make a key of a person and keep it.

    Args:
        platform: The home.
        user: Whose key: the id that the source has; of a git history or a process log the address or name.
        scopes: What its holder may do.
        by: Who makes it.
        name: What it is for.
        lifetime: How long it can be used; ``None``: until it is revoked.

    Raises:
        UsageError: the person was forgotten, or see `serving.keys.new_key`.
    """
    user_id = known_as(platform, user)
    if forgotten_people(platform).is_one(user_id):
        raise UsageError(
            "This person was forgotten in this home, so there is nothing to ask for.",
            remedy="make a key for somebody else (docs/forget.md)",
        )
    key, text = new_key(
        user_id,
        scopes,
        datetime.now(UTC),
        secrets.token_bytes,
        by=by,
        name=name,
        lifetime=lifetime,
    )
    platform.ledger.add_api_key(key)
    return MadeKey(key, text)


def rotate_key(platform: Connections, key_id: str, *, by: str, overlap: timedelta) -> MadeKey:
    """Put a new key in the place of one, which goes on working for ``overlap``.

    Raises:
        UsageError: there is no such key, it is not active, or was rotated before.
        ConflictError: somebody else has changed it meanwhile.
    """
    listed = _find(platform, key_id)
    if listed.rotated_to is not None:
        raise UsageError(
            f"Key {key_id} was rotated before.",
            remedy=f"rotate the one in its place: `ml-platform keys rotate {listed.rotated_to}`",
        )
    rotation = rotated(listed.key, datetime.now(UTC), secrets.token_bytes, by=by, overlap=overlap)
    platform.ledger.rotate_api_key(rotation)
    return MadeKey(rotation.new, rotation.text)


def revoke_key(platform: Connections, key_id: str, *, by: str, reason: str) -> ListedKey:
    """Revoke a key for good; one in whose place another has come leaves that one as it is.

    Raises:
        UsageError: there is no such key, it was revoked before, or there is no reason.
    """
    listed = _find(platform, key_id)
    require_text("revoker", by)
    require_text("reason", reason)
    if not platform.ledger.revoke_api_key(key_id, datetime.now(UTC), by, reason):
        raise UsageError(
            f"Key {key_id} is revoked already.", remedy="`ml-platform keys list` says since when"
        )
    return _find(platform, listed.key.key_id)


def list_keys(platform: Connections) -> tuple[ListedKey, ...]:
    """Every key, oldest first."""
    keys, now = platform.ledger.api_keys(), datetime.now(UTC)
    new = {key.replaces: key for key in keys if key.replaces is not None}
    return tuple(
        ListedKey(
            key,
            key.status(now),
            new[key.key_id].key_id if key.key_id in new else None,
            new[key.key_id].created_at if key.key_id in new else None,
        )
        for key in keys
    )


def service_follows(platform: Connections) -> bool:
    """Wait until a running service goes by the keys as they are; false if it has not within some seconds."""
    return wait_until_followed(platform.settings.serving, platform.ledger.api_keys())


def known_as(platform: Connections, user: str) -> str:
    """The id by which this home knows a person.

    It is ``user`` itself where the lake has rows of it, or where the source has no pseudonyms.
    """
    lake = LakeRows(platform.settings)
    if lake.row_ids(user):
        return user
    hidden = pseudonym(user_key(platform.settings), user)
    hides = platform.home.source.text.partition(":")[0] in _PSEUDONYMOUS
    if lake.row_ids(hidden) or (hides and not _PSEUDONYM.fullmatch(user)):
        return hidden
    return user


def _find(platform: Connections, key_id: str) -> ListedKey:
    for listed in list_keys(platform):
        if listed.key.key_id == key_id:
            return listed
    raise UsageError(
        f"There is no key {key_id[:40]!r}.", remedy="`ml-platform keys list` shows all ids"
    )
