"""Other mixes of classes, and the class that is recognised worst; both from hits and support by class.

The metric under another mix is that of the same rows with weights by their true class: right if only the mix
changes, and what a class looks like stays (Saerens, Latinne and Decaestecker 2002).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, series_of
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.skill import (
    LEAST_CLUSTERS,
    replicated,
    retained_between,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.training_set import CLUSTER

if TYPE_CHECKING:
    from ml_platform.evaluation.dimensions.registry import EvaluationContext

LEAST_ROWS = 30
"""The least number of rows of a class; with fewer the interval of its recall is too wide to be of use."""
MOVED = 0.2
"""The share of the rows that moves from the class recognised best to the one recognised worst."""
SHOWN = 20
PLAIN = "as it is"
_WEAK = 0.5
_NAMES = ("label_shift_retained", "worst_class_recall")


@dataclass(frozen=True)
class ClassSums:
    """Sufficient statistics ``sums`` (clusters, 2 x classes): hits, then support, by class."""

    sums: Array
    classes: int
    mixes: dict[str, Array]
    """The weights (classes,) of each mix, by its name."""
    usual: int
    """The class that the dummy scorer predicts; for a yes or no it is always yes."""
    alarms: bool
    """Whether the metric is F1 of the class yes, else accuracy."""

    def metrics(self, totals: Array) -> dict[str, Array]:
        """``recall:<class>``, and by mix ``metric:<mix>`` and ``dummy:<mix>``; each of shape (r,)."""
        hits, support = totals[:, : self.classes], totals[:, self.classes :]
        recalls = ratio(hits, support)
        present = (support > 0).sum(axis=1)
        metrics = {f"recall:{i}": recalls[:, i] for i in range(self.classes)}
        metrics["mean_recall"] = ratio(recalls.sum(axis=1), present)
        for name, weights in self.mixes.items():
            value, dummy = self._under(hits * weights, support * weights)
            metrics |= {f"metric:{name}": value, f"dummy:{name}": dummy}
        return metrics

    def _under(self, hits: Array, support: Array) -> tuple[Array, Array]:
        if not self.alarms:
            rows = support.sum(axis=1)
            return ratio(hits.sum(axis=1), rows), ratio(support[:, self.usual], rows)
        positives, false_alarms = support[:, 1], support[:, 0] - hits[:, 0]
        value = ratio(2 * hits[:, 1], positives + hits[:, 1] + false_alarms)
        return value, ratio(2 * positives, 2 * positives + support[:, 0])


def class_parts(subject: "EvaluationContext") -> tuple[Part, Part]:
    """Examine label shift and rare classes, on all test rows."""
    shift, rare = "label shift", "rare classes"
    decisions = adapter_of(subject.spec.task).decisions(
        subject.training_set, subject.predictions.threshold
    )
    if isinstance(decisions, NoDecisions) or decisions.compared:
        why = decisions.why if isinstance(decisions, NoDecisions) else decisions.compared
        return (
            Part(shift, None, "", not_applicable={_NAMES[0]: why}),
            Part(rare, None, "", not_applicable={_NAMES[1]: why}),
        )
    counted = _counted(subject, decisions)
    if counted is None:
        why = f"fewer than two classes have {LEAST_ROWS} test rows in {LEAST_CLUSTERS} clusters"
        return (
            Part(shift, None, "", undefined={_NAMES[0]: why}),
            Part(rare, None, "", undefined={_NAMES[1]: why}),
        )
    sums, enough, worst, support = counted
    replicates = replicated(sums, seed=subject.seed, resamples=subject.resamples)
    return (
        _shifted(replicates, sums, decisions, worst),
        _rare(replicates, decisions, enough, worst, support),
    )


def _counted(
    subject: "EvaluationContext", decisions: Decisions
) -> tuple[ClassSums, Codes, int, Codes] | None:
    """Return the sufficient statistics, the classes with enough rows, the worst of these, and all supports."""
    import pandas as pd

    truth, classes = decisions.truth, len(decisions.classes)
    known = truth >= 0
    rows = subject.training_set.test
    clusters, ids = pd.factorize(rows[CLUSTER].to_numpy(), sort=True)
    hit = (decisions.chosen(subject.predictions.values) == truth) & known
    flat = clusters * classes + np.maximum(truth, 0)
    width = len(ids) * classes
    hits = np.bincount(flat, weights=hit, minlength=width).reshape(-1, classes)
    support = np.bincount(flat, weights=known, minlength=width).reshape(-1, classes)
    total, spread = support.sum(axis=0), (support > 0).sum(axis=0)
    enough = np.flatnonzero((total >= LEAST_ROWS) & (spread >= LEAST_CLUSTERS))
    if len(enough) < 2:
        return None
    recall = ratio(hits.sum(axis=0), total)
    worst = int(enough[recall[enough].argmin()])
    best = int(enough[recall[enough].argmax()])
    alarms = decisions.yes is not None
    mixes = _mixes(total, enough, best, worst, alarms)
    usual = _usual(subject, classes)
    sums = ClassSums(np.hstack([hits, support]), classes, mixes, usual, alarms)
    return sums, enough, worst, total.astype(np.int64)


def _usual(subject: "EvaluationContext", classes: int) -> int:
    return int(
        subject.evaluator.dummy.predict_proba(subject.training_set.test.iloc[:1])[
            0, :classes
        ].argmax()
    )


def _mixes(total: Array, enough: Codes, best: int, worst: int, alarms: bool) -> dict[str, Array]:
    """Return weights that turn the observed shares into others; classes with too few rows have the weight 0."""
    plain = np.ones(len(total))
    if alarms:
        return {
            PLAIN: plain,
            "yes half as frequent": np.array([1.0, 0.5]),
            "yes twice as frequent": np.array([1.0, 2.0]),
        }
    even = np.zeros(len(total))
    even[enough] = 1.0 / total[enough]
    shares = total / total.sum()
    step = min(MOVED, float(shares[best]))
    moved = plain.copy()
    moved[best] = (shares[best] - step) / shares[best]
    moved[worst] = (shares[worst] + step) / shares[worst]
    return {PLAIN: plain, "classes equally frequent": even, "hard rows more frequent": moved}


def _shifted(
    replicates: dict[str, Replicates], sums: ClassSums, decisions: Decisions, worst: int
) -> Part:
    gains = {
        name: replicates[f"metric:{name}"].minus(replicates[f"dummy:{name}"]) for name in sums.mixes
    }
    kept = {name: retained_between(gain, gains[PLAIN]) for name, gain in gains.items()}
    lowest = min((name for name in kept if name != PLAIN), key=lambda name: kept[name].value)
    label = "F1" if sums.alarms else "accuracy"
    plain, other = replicates[f"metric:{PLAIN}"].value, replicates[f"metric:{lowest}"].value
    rows: list[tuple[str | float | int | None, ...]] = []
    for name in sums.mixes:
        figure, skill = with_interval(replicates[f"metric:{name}"]), with_interval(kept[name])
        rows.append((name, *figure.rounded(), *skill.rounded()))
    columns = ("mix", label, "low", "high", "skill retained", "skill low", "skill high")
    return Part(
        name="label shift",
        kept=kept[lowest],
        why=f"{kept[lowest].value:.0%} of the skill is left under the worst of the mixes ({lowest})",
        measures={_NAMES[0]: with_interval(kept[lowest])},
        findings=(f"With {lowest}, {label} would be {other:.2f} instead of {plain:.2f}.",),
        watch=(f"share of the class {decisions.classes[worst]} among labels and predictions",),
        tables=(ReportTable("Other mixes of classes", columns, tuple(rows)),),
    )


def _rare(
    replicates: dict[str, Replicates],
    decisions: Decisions,
    enough: Codes,
    worst: int,
    support: Codes,
) -> Part:
    """Compute the recall of the worst class, also relative to the mean of the classes."""
    recall, mean = replicates[f"recall:{worst}"], replicates["mean_recall"]
    kept = retained_between(recall, mean)
    figure, name = with_interval(recall), decisions.classes[worst]
    few = [decisions.classes[i] for i in range(len(support)) if i not in set(enough.tolist())]
    share = support[worst] / support.sum()
    findings = [
        f"Of the class {name} ({support[worst]} rows, {share:.1%}) {figure.value:.2f} "
        f"[{figure.low:.2f}, {figure.high:.2f}] are recognised, of all classes {mean.value:.2f} on average."
    ]
    if few:
        findings.append(
            f"Nothing can be said of {len(few)} classes with fewer than {LEAST_ROWS} rows in "
            f"{LEAST_CLUSTERS} clusters, such as {few[0]}."
        )
    order = sorted(enough.tolist(), key=lambda i: (replicates[f"recall:{i}"].value, i))[:SHOWN]
    recall_by_class = {i: with_interval(replicates[f"recall:{i}"]) for i in order}
    table, chart = _recalls(recall_by_class, decisions.classes, support)
    advice: tuple[str, ...] = ()
    if kept.value < _WEAK:
        advice = (
            f"Label more rows of {name}, weigh them more in the fit, or lower the threshold for it.",
        )
    return Part(
        name="rare classes",
        kept=kept,
        why=f"the worst class, {name}, has {kept.value:.0%} of the mean recall",
        measures={_NAMES[1]: figure},
        findings=tuple(findings),
        advice=advice,
        tables=(table,),
        charts=(chart,),
    )


def _recalls(
    recall_by_class: dict[int, Estimate], classes: tuple[str, ...], support: Codes
) -> tuple[ReportTable, Chart]:
    """Tabulate and draw the recall of classes, given by code in the order in which they are shown."""
    names = tuple(classes[code] for code in recall_by_class)
    table = ReportTable(
        "Classes recognised worst",
        ("class", "rows", "recall", "low", "high"),
        tuple(
            (
                classes[code],
                int(support[code]),
                *recall.rounded(),
            )
            for code, recall in recall_by_class.items()
        ),
    )
    series = series_of("recall", names, tuple(recall_by_class.values()))
    title = "Recall of the classes recognised worst"
    return table, Chart(title, ChartKind.BARS, "class", "recall", (series,))
