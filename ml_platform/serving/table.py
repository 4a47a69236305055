"""What answers for each model at a moment: one frozen table that every worker of the service follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class ServedVersion:
    """A version, or the rules, as the service needs it to answer."""

    version: str
    """The number of a registered version, or ``rules@`` and 12 digits of their hash."""
    artifact_sha256: str
    artifact_path: str
    """Folder of the artifact, relative to the home."""
    data_version: str = ""
    """Fingerprint of the training set; empty of rules."""
    feature_version: str = ""
    """Fingerprint of the versions of all features that it was trained on; empty of rules."""

    @property
    def is_rules(self) -> bool:
        """Whether these are rules, no registered version."""
        return not self.version.isdecimal()


@dataclass(frozen=True)
class ServedRollout:
    """The version that is being rolled out, and the share of the users that get it."""

    version: ServedVersion
    share: float
    """From 0 to 1, while the lease lasts; 0 is shadow: it answers beside the champion, and nobody sees it."""
    left_behind: float
    """The least share of the users that stay with the champion, to compare with."""
    until: datetime | None
    """The end of the lease: from then on nobody gets the version. ``None``: there is none."""

    def share_at(self, now: datetime) -> float:
        """The share of the users that get the version at this moment."""
        return self.share if self.until is not None and now < self.until else 0.0


@dataclass(frozen=True)
class ServedModel:
    """Everything that may answer for a model."""

    name: str
    champion: ServedVersion | None
    rules: ServedVersion | None
    """They answer where no version does."""
    rollout: ServedRollout | None
    revision: int
    """Grows by one with each change of production."""
    before: ServedVersion | None = None
    """The champion before: it goes on where the present one cannot be loaded."""


@dataclass(frozen=True)
class ServingTable:
    """What answers for every model, as the ledger said it at one moment."""

    models: Mapping[str, ServedModel] = field(default_factory=dict)
    read_at: datetime | None = None
    """The clock on the wall when the ledger was read; ``None`` before the first time."""
