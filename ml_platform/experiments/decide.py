"""The verdict of an experiment: a decision table over what its data have shown."""

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.decision_table import DecisionTable, Row, always


class Verdict(StrEnum):
    """PROMOTE: the variant may be adopted; ITERATE: not shown either way; REJECT: shown not to be worth it."""

    PROMOTE = "promote"
    ITERATE = "iterate"
    REJECT = "reject"


@dataclass(frozen=True)
class ExperimentSignals:
    """The findings from the data of an experiment; the table decides on these alone."""

    guardrail_broken: bool
    """Whether at least one guardrail is shown to be broken."""
    too_little_data: bool
    """Whether there are too few clusters, or the metric is not defined on these rows."""
    shown_worse: bool
    """Whether the whole interval of the improvement lies below 0."""
    shown_too_small: bool
    """Whether the whole interval lies below the minimum effect."""
    criterion_met: bool
    """Whether the lower bound reaches the minimum effect (where that is 0: exceeds it) and p is below alpha."""
    guardrail_unclear: bool
    """Whether at least one guardrail is neither shown to hold nor shown to be broken."""
    promising: bool
    """Whether the improvement itself, without its interval, is above 0."""


EXPERIMENT_TABLE: DecisionTable[ExperimentSignals, Verdict] = DecisionTable(
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
