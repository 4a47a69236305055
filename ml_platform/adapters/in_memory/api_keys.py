"""API keys in memory."""

from dataclasses import replace
from datetime import datetime

from ml_platform.adapters.ledger.refusals import changed_key
from ml_platform.serving.keys import ApiKey, Rotation


class InMemoryApiKeys:
    """The part of `InMemoryLedger` that is about API keys. Methods: see `interface.Ledger`."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, ApiKey] = {}

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Every key, oldest first."""
        return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.key_id)))

    def add_api_key(self, key: ApiKey) -> None:
        """Keep a new key."""
        if key.key_id in self._keys:
            raise changed_key(key.key_id)
        self._keys[key.key_id] = key

    def rotate_api_key(self, rotation: Rotation) -> None:
        """Keep the new key, and when the old one ends."""
        old, new = self._keys.get(rotation.old.key_id), rotation.new
        replaced = {key.replaces for key in self._keys.values()}
        if old is None or old.revoked_at is not None or new.replaces in replaced:
            raise changed_key(rotation.old.key_id)
        self.add_api_key(new)
        self._keys[old.key_id] = replace(old, expires_at=rotation.old.expires_at)

    def revoke_api_key(self, key_id: str, at: datetime, by: str, reason: str) -> bool:
        """Revoke a key."""
        key = self._keys.get(key_id)
        if key is None or key.revoked_at is not None:
            return False
        self._keys[key_id] = replace(key, revoked_at=at, revoked_by=by, revoked_reason=reason)
        return True
