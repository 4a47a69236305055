"""Sessions of the operator's pages: a signed text for a cookie that stands for a key, without its secret.

The text is ``<key id>.<expiry>.<signature>``: the expiry in whole seconds since 1970 (UTC), the signature an
HMAC-SHA256 over both. Nothing is stored. Whoever reads one looks the key up (`keys.Keyring.active`), so that a
session ends with its key.
"""

import hmac
import re
from datetime import datetime

from ml_platform.serving.keys import KeyRefusal, KeyRefused

SECRET_BYTES = 32
_PURPOSE = b"ml-platform session\0"
_TEXT = re.compile(r"(([0-9a-z]{12})\.([0-9]{1,11}))\.([0-9a-f]{64})")
_REMEDY = "sign in again with an API key"


def issue(key_id: str, until: datetime, secret: bytes) -> str:
    """The text of a session of a key.

    Args:
        key_id: The key that has just been authenticated.
        until: When the session ends, aware; a fraction of a second is cut off.
        secret: 32 bytes that the service alone knows; with others all its sessions end.

    Raises:
        ValueError: the secret does not have 32 bytes, or the result could not be read again.
    """
    signed = f"{key_id}.{int(until.timestamp())}"
    text = f"{signed}.{_signature(signed, secret)}"
    if _TEXT.fullmatch(text) is None:
        raise ValueError(f"no session can be issued for the key id {key_id!r} until {until}")
    return text


def read(text: str, now: datetime, secret: bytes) -> str:
    """The id of the key that a session stands for.

    Raises:
        KeyRefused: malformed; unknown, if it was not signed with this secret; or expired.
        ValueError: the secret does not have 32 bytes.
    """
    parts = _TEXT.fullmatch(text)
    if parts is None:
        raise KeyRefused(KeyRefusal.MALFORMED, "This is not a session.", remedy=_REMEDY)
    signed, key_id, until, signature = parts.groups()
    if not hmac.compare_digest(signature, _signature(signed, secret)):
        raise KeyRefused(KeyRefusal.UNKNOWN, "This session is not known here.", remedy=_REMEDY)
    if int(until) <= now.timestamp():
        raise KeyRefused(KeyRefusal.EXPIRED, "The session has ended.", remedy=_REMEDY)
    return key_id


def _signature(signed: str, secret: bytes) -> str:
    if len(secret) != SECRET_BYTES:
        raise ValueError(
            f"the secret of sessions has {len(secret)} bytes; it must have {SECRET_BYTES}"
        )
    return hmac.new(secret, _PURPOSE + signed.encode(), "sha256").hexdigest()
