"""A table of simple methods beside the candidate on the same test rows: shown, never gated."""

from collections.abc import Mapping, Sequence

from ml_platform.evaluation.intervals.bootstrap import Replicates, differences, estimates
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.spec.metrics import metric_named

TITLE = "Simple methods on the same test rows"


def reference_table(
    metrics: Sequence[str],
    candidate: Mapping[str, Replicates],
    references: Mapping[str, Mapping[str, Replicates]],
) -> ReportTable:
    """Return a row for each reference and metric: both figures, and candidate minus reference, paired by cluster.

    Args:
        metrics: the metrics to show, those of the task's headline.
        candidate: the replicates of the candidate by metric.
        references: the replicates of each reference by metric, under the reference's title.
    """
    ours = estimates(dict(candidate))
    rows = []
    for title, replicates in references.items():
        theirs = estimates(dict(replicates))
        paired = differences(dict(candidate), dict(replicates))
        rows += [
            (
                title,
                metric_named(name).label,
                _figure(theirs[name]),
                _figure(ours[name]),
                _figure(paired[name]),
            )
            for name in metrics
            if name in theirs and name in paired
        ]
    columns = ("method", "metric", "its figure", "candidate", "candidate minus it")
    return ReportTable(TITLE, columns, tuple(rows))


def _figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
