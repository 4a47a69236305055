"""What retention has removed, and what a person holds, in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ml_platform.retention.plan import Removal, Removed
from ml_platform.retention.reachable import LegalHold


class InMemoryRemovals:
    """The part of `InMemoryLedger` that is about retention. Methods: see `interface.Ledger`."""

    def __init__(self) -> None:
        super().__init__()
        self._removals: dict[tuple[str, str], Removed] = {}
        self._holds: list[LegalHold] = []

    def removals(self) -> dict[tuple[str, str], Removed]:
        """What was removed, and when."""
        return dict(self._removals)

    def record_removals(self, removals: Iterable[Removal], at: datetime) -> None:
        """Keep what is about to be removed."""
        for removal in removals:
            key = (removal.item.kind.value, removal.item.key)
            self._removals.setdefault(key, Removed(at, removal.why))

    def legal_holds(self) -> tuple[LegalHold, ...]:
        """Every hold, oldest first."""
        return tuple(sorted(self._holds, key=lambda hold: (hold.at, hold.model, hold.version)))

    def set_legal_hold(self, hold: LegalHold) -> bool:
        """Keep a hold."""
        if self._standing(hold.model, hold.version):
            return False
        self._holds.append(hold)
        return True

    def lift_legal_hold(self, model: str, version: int, at: datetime, actor: str) -> bool:
        """Lift a hold."""
        standing = self._standing(model, version)
        for hold in standing:
            self._holds.remove(hold)
            self._holds.append(replace(hold, lifted_at=at, lifted_by=actor))
        return bool(standing)

    def _standing(self, model: str, version: int) -> list[LegalHold]:
        return [
            hold
            for hold in self._holds
            if (hold.model, hold.version) == (model, version) and hold.lifted_at is None
        ]
