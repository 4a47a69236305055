"""People who were forgotten, as the ledger keeps them: a hash, who asked, which versions had learned from them."""

from dataclasses import dataclass
from datetime import datetime

FORGOTTEN = "it held rows of a person who was forgotten"
"""Why something was removed, whoever needed it."""


@dataclass(frozen=True)
class Learned:
    """A version that was fitted to rows of a person; what it has learned cannot be taken out of it."""

    model: str
    version: int
    sure: bool
    """Whether its training set was there and held the person; else retention had removed it before."""


@dataclass(frozen=True)
class ForgottenPerson:
    """Somebody who was forgotten; written down before the first row of theirs goes."""

    tombstone: str
    """See `events.forgotten.tombstone`."""
    key_check: str
    """Tells the key of the tombstone from another one, which would let everybody come back unseen."""
    at: datetime
    """When it was first asked for."""
    actor: str
    reason: str
    learned: tuple[Learned, ...]
    finished_at: datetime | None = None
    """When nothing more of them could be removed; ``None`` of a removal that is to be gone on with."""


@dataclass(frozen=True)
class Redaction:
    """An evaluation report from whose texts the ids of a person and of their rows were taken out."""

    report_id: str
    sha256: str
    """Of its text as it is since."""
    at: datetime
