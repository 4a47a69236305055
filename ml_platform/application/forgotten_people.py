"""Who was forgotten in a home, told apart by the key of the home."""

from ml_platform.application.connections import Connections
from ml_platform.errors import IntegrityError
from ml_platform.events.forgotten import Forgotten, tombstone
from ml_platform.home import user_key

_NOBODY = ""


def forgotten_people(platform: Connections) -> Forgotten:
    """Those whose rows are not taken in.

    Raises:
        IntegrityError: the key is not the one that they were forgotten with, so that nobody could be told apart.
    """
    people = platform.ledger.forgotten_people()
    if not people:
        return Forgotten()
    key = user_key(platform.settings)
    if any(person.key_check != key_check(key) for person in people):
        raise IntegrityError(
            "secrets/user_key is not the key with which people were forgotten: their rows would come back.",
            remedy="restore the file from a backup of this home",
        )
    return Forgotten(key, frozenset(person.tombstone for person in people))


def key_check(key: bytes) -> str:
    """What tells one key from another one, and nothing of the key."""
    return tombstone(key, _NOBODY)[:16]
