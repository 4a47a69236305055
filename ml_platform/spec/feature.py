"""What a feature is: its definition, as data, from which its version follows."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ml_platform.spec.training_set import CLUSTER
from ml_platform.values import fingerprint

_SPAN = re.compile(r"\b(\d+) (day|hour)s?\b")


class Family(StrEnum):
    """The families of features (row F01 of the mission)."""

    RAW = "raw"
    DOMAIN = "domain"
    INTERACTION = "interaction"
    TIME = "time"
    AGGREGATION = "aggregation"
    TEXT = "text"
    CATEGORICAL = "categorical"


class Kind(StrEnum):
    """How the values are laid out in the features file."""

    NUMBER = "number"
    CATEGORY = "category"
    TOKENS = "tokens"
    """A list of strings, newest or most telling first; a model encodes it by arrays it has learned."""


class Comparison(StrEnum):
    """How monitoring compares the feature between baseline and current window."""

    DISTRIBUTION = "distribution"
    SAME_SLOTS = "same_slots"
    """A calendar feature: a function of the clock, the same in every slot of the week; not compared."""
    NEVER = "never"
    """Not comparable (it grows with time, or is a list); the reason says why."""


@dataclass(frozen=True)
class FeatureSpec:
    """One feature. ``low`` and ``high`` are inclusive; ``None``: no bound on that side."""

    name: str
    family: Family
    kind: Kind
    low: float | None
    high: float | None
    window: str
    """'the row', 'the change set', 'session, before the row', '7 days before the row', ..."""
    missing: str
    """What a missing value means and what is done with it."""
    reason: str
    """Why it should tell something."""
    compare: Comparison = Comparison.DISTRIBUTION
    unit: str = ""
    cluster: str = CLUSTER
    """The column that says which rows depend on each other in this feature: what is counted by workflow is
    one observation a workflow, however many users and sessions see it. A key, label or feature of the table."""

    @property
    def look_back(self) -> timedelta:
        """The longest span of time that ``window`` names; zero where it names none."""
        spans = _SPAN.findall(self.window)
        return max((timedelta(**{f"{unit}s": int(n)}) for n, unit in spans), default=timedelta(0))

    def version(self, sql: str) -> str:
        """Twelve hexadecimal digits of the definition and of the SQL (its dbt model) that computes it."""
        return fingerprint((self.name, fingerprint(self), sql))[:12]
