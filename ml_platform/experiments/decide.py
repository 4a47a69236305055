"""From what was shown to one verdict: a table, whose first matching row fires."""

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.decision_table import DecisionTable, Row, always


class Verdict(StrEnum):
    """What follows from an experiment."""

    PROMOTE = "promote"
    ITERATE = "iterate"
    REJECT = "reject"


@dataclass(frozen=True)
class Signals:
    """What the table looks at."""

    guardrail_broken: bool
    """One is shown to be broken."""
    too_little_data: bool
    """Too few clusters, or the metric is not defined on these rows."""
    shown_worse: bool
    """The whole interval of the improvement lies below 0."""
    shown_too_small: bool
    """The whole interval lies below the minimum effect."""
    criterion_met: bool
    """The lower bound reaches the minimum effect (0: exceeds it), and p lies below alpha."""
    guardrail_unclear: bool
    """One is neither shown to hold nor shown to be broken."""
    promising: bool
    """The improvement itself is above 0."""


EXPERIMENT_TABLE: DecisionTable[Signals, Verdict] = DecisionTable(
    (
        Row("a guardrail is shown broken", lambda s: s.guardrail_broken, Verdict.REJECT),
        Row("too little data", lambda s: s.too_little_data, Verdict.ITERATE),
        Row("shown worse than the baseline", lambda s: s.shown_worse, Verdict.REJECT),
        Row("shown smaller than the minimum effect", lambda s: s.shown_too_small, Verdict.REJECT),
        Row(
            "better, but a guardrail is not shown to hold",
            lambda s: s.criterion_met and s.guardrail_unclear,
            Verdict.ITERATE,
        ),
        Row("better, and every guardrail holds", lambda s: s.criterion_met, Verdict.PROMOTE),
        Row("promising, not shown", lambda s: s.promising, Verdict.ITERATE),
        Row("not shown either way", always, Verdict.ITERATE),
    )
)
