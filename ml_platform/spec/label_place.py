"""Where the label of a model lives in the lake: what an outcome that somebody reports becomes there."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LabelPlace:
    """A column of the lake that a reported outcome fills in, in the row whose id is the answer's ``row_id``."""

    table: str
    """A table of `ml_platform.events.schema`, known again by one id."""
    column: str
    """The column that the label goes to: one that a later row may fill in (`schema.FILLS_IN`)."""
    time_column: str = ""
    """The column with the time from which the label is known; empty where the table has none, and a label is known
    by the delay of `ml_platform.events.known_later`."""
    words: Mapping[str, str] = field(default_factory=dict)
    """The label that a kind of feedback means, such as ``{"applied": "accepted"}``; other kinds mean none."""
