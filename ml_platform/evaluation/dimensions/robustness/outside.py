"""Probes outside the training distribution: whether they can be detected, and the candidate's calibration there.

Two kinds: every column in an order of its own (all values are ordinary, no row is), and every word never seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.robustness.context import Context, Probe
from ml_platform.evaluation.dimensions.robustness.distance import distance_to
from ml_platform.evaluation.dimensions.robustness.noise import shares_by_cluster
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.perturb import permuted, replaced, unseen
from ml_platform.evaluation.dimensions.robustness.skill import (
    mean_of,
    replicated,
    rescaled,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.metrics.binary import BinaryRows, binary_statistics
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.feature import Kind

MEASURED = 1_500
"""The number of rows of each kind whose distance to the training part is measured."""
WORST = 0.5
"""The excess of confidence over accuracy that gets the lowest score."""
_TELLS = 0.8
_GUESSES = 0.15
_DETECTED = ("ood_auc", "ood_auc_confidence", "ood_auc_distance")
_CLAIMED = ("overconfidence_ood", "overconfidence_perturbed")


@dataclass(frozen=True)
class Outside:
    """Rows unlike any training row, with the candidate's predictions."""

    name: str
    values: Array | None
    distances: Array
    """The distance of each measured row to the training part."""


def outside_parts(context: Context, perturbed: tuple[Probe, ...]) -> tuple[Part, Part]:
    """Measure detection, and calibration there and on the rows ``perturbed`` by noise and gaps."""
    rows, columns, seed = context.sample.rows, context.columns, context.subject.seed
    words = [column for column in columns if column.kind is not Kind.NUMBER]
    every = np.ones(len(rows), dtype=bool)
    frames = {"columns permuted": permuted(rows, columns, seed)}
    if words:
        replacements = {column.name: unseen(rows, column, every) for column in words}
        frames["words never seen"] = replaced(rows, replacements)
    measured = _measured(context)
    distance = distance_to(context.subject.training_set.train, columns)
    kinds = []
    for name, frame in frames.items():
        values, _ = context.values(frame)
        kinds.append(Outside(name, values, distance.of(frame.iloc[measured])))
    ordinary = Outside(
        "ordinary", context.sample.predictions.values, distance.of(rows.iloc[measured])
    )
    decisions = adapter_of(context.subject.spec.task).decisions(
        context.sample.training_set, context.sample.predictions.threshold
    )
    return (
        _detection(context, decisions, ordinary, kinds, measured),
        _calibration(context, decisions, kinds[0], perturbed),
    )


def _measured(context: Context) -> np.ndarray:
    """Return evenly spaced rows of the sample."""
    count = len(context.sample.rows)
    return np.linspace(0, count - 1, min(count, MEASURED)).astype(np.int64)


def _detection(
    context: Context,
    decisions: Decisions | NoDecisions,
    ordinary: Outside,
    kinds: list[Outside],
    measured: np.ndarray,
) -> Part:
    areas = _areas(
        context, decisions, ordinary, kinds, clusters_measured=context.sample.clusters[measured]
    )
    by_way = {
        way: mean_of([replicates for (name, _), replicates in areas.items() if name == way])
        for way in dict.fromkeys(name for name, _ in areas)
    }
    best = max(by_way, key=lambda way: by_way[way].value)
    area = by_way[best]
    without = (
        {}
        if "confidence" in by_way
        else {_DETECTED[1]: "its prediction has no confidence in a class"}
    )
    measures = {"ood_auc": with_interval(area)} | {
        f"ood_auc_{way}": with_interval(replicates) for way, replicates in by_way.items()
    }
    kept = rescaled(area, 2.0, -1.0)
    kept = Replicates(
        max(kept.value, 0.0), np.maximum(kept.resampled, 0.0), np.maximum(kept.left_out, 0.0)
    )
    others = " and ".join(f"{way} {replicates.value:.2f}" for way, replicates in by_way.items())
    advice = []
    if best == "distance" and area.value >= _TELLS:
        advice.append(
            "Hold back or mark predictions for rows that are far from the training part: "
            f"the distance detects them with an AUC of {area.value:.2f}."
        )
    return Part(
        name="out-of-distribution detection",
        kept=kept,
        why=f"{best} detects rows from outside with an AUC of {area.value:.2f} (.5 scores 1, 1 scores 10)",
        measures=measures,
        not_applicable=without,
        findings=(
            f"Rows from outside are distinguished from ordinary ones with an AUC of: {others}.",
        ),
        advice=tuple(advice),
        watch=("distance of new rows to the training part, or the share of low confidences",),
        tables=(_table(areas),),
    )


def _areas(
    context: Context,
    decisions: Decisions | NoDecisions,
    ordinary: Outside,
    kinds: list[Outside],
    *,
    clusters_measured: Codes,
) -> dict[tuple[str, str], Replicates]:
    """The area under the ROC curve of each way to detect each kind of row from outside, by (way, kind)."""
    areas: dict[tuple[str, str], Replicates] = {}
    for kind in kinds:
        areas["distance", kind.name] = _area(
            context, ordinary.distances, kind.distances, clusters_measured
        )
        if (
            isinstance(decisions, Decisions)
            and kind.values is not None
            and ordinary.values is not None
        ):
            areas["confidence", kind.name] = _area(
                context,
                decisions.doubt(ordinary.values),
                decisions.doubt(kind.values),
                context.sample.clusters,
            )
    return areas


def _area(context: Context, ordinary: Array, outside: Array, clusters: Codes) -> Replicates:
    """Compute the ROC AUC of the second against the first; rows of a cluster are resampled together."""
    both = np.concatenate([clusters, clusters]).astype(np.int64)
    strange = np.repeat([False, True], [len(ordinary), len(outside)])
    rows = BinaryRows(strange, strange, np.concatenate([ordinary, outside]), both, False)
    sums = binary_statistics(rows, int(context.sample.clusters.max()) + 1)
    replicates = replicated(sums, seed=context.subject.seed, resamples=context.subject.resamples)
    return replicates["roc_auc"]


def _table(areas: dict[tuple[str, str], Replicates]) -> ReportTable:
    rows: list[tuple[str | float | int | None, ...]] = []
    for (way, kind), replicates in areas.items():
        rows.append((kind, way, *with_interval(replicates).rounded()))
    columns = ("rows from outside", "detected by", "ROC AUC", "low", "high")
    return ReportTable("Out-of-distribution detection", columns, tuple(rows))


def _calibration(
    context: Context,
    decisions: Decisions | NoDecisions,
    shuffled: Outside,
    perturbed: tuple[Probe, ...],
) -> Part:
    """Compute mean confidence minus accuracy, on permuted rows and on rows with noise and gaps."""
    name = "calibration off the training distribution"
    if isinstance(decisions, NoDecisions) or not decisions.probabilities:
        why = (
            "its prediction has no confidence in a class"
            if isinstance(decisions, NoDecisions)
            else "its score does not claim to be a probability"
        )
        return Part(name, None, "", not_applicable=dict.fromkeys(_CLAIMED, why))
    values_by_measure = {
        _CLAIMED[0]: [shuffled.values],
        _CLAIMED[1]: [probe.values for probe in perturbed],
    }
    counted = _claims_and_hits(decisions, values_by_measure)
    missing = {m: "no prediction for these rows" for m in _CLAIMED if f"{m}:claimed" not in counted}
    if len(missing) == len(_CLAIMED):
        return Part(name, None, "", undefined=missing)
    sums = shares_by_cluster(counted, context.sample.clusters)
    replicates = replicated(sums, seed=context.subject.seed, resamples=context.subject.resamples)
    gaps = {
        measure: replicates[f"{measure}:claimed"].minus(replicates[f"{measure}:right"])
        for measure in _CLAIMED
        if measure not in missing
    }
    kept = mean_of([_kept(gap) for gap in gaps.values()])
    where = dict(zip(_CLAIMED, ("with permuted columns", "with noise and gaps"), strict=True))
    sentences = tuple(
        f"On rows {where[measure]} it claims a confidence of "
        f"{replicates[f'{measure}:claimed'].value:.2f} and is right in "
        f"{replicates[f'{measure}:right'].value:.2f}."
        for measure in gaps
    )
    return Part(
        name=name,
        kept=kept,
        why="confidence claimed less share right is "
        + ", ".join(f"{gap.value:+.2f}" for gap in gaps.values())
        + f" (permuted columns, noise and gaps); 0 scores 10, {WORST:g} and more 1",
        measures={measure: with_interval(gap) for measure, gap in gaps.items()},
        undefined=missing,
        findings=sentences,
        advice=_advice(gaps),
        tables=(_claims({measure: with_interval(gap) for measure, gap in gaps.items()}),),
    )


def _claims_and_hits(
    decisions: Decisions, values_by_measure: Mapping[str, Sequence[Array | None]]
) -> dict[str, tuple[Array, Array]]:
    """Return confidences and hits of each row with the weight of the row, under 'measure:claimed' and ':right'.

    Each of the arrays has the shape (rows,). Predictions that are ``None`` are left out, and so are measures
    without predictions or without a known truth.
    """
    known = (decisions.truth >= 0).astype(np.float64)
    counted: dict[str, tuple[Array, Array]] = {}
    for measure, values_or_none in values_by_measure.items():
        valid = [values for values in values_or_none if values is not None]
        if valid and known.any():
            claimed = np.sum([decisions.confidence(values) for values in valid], axis=0)
            hits = [decisions.chosen(values) == decisions.truth for values in valid]
            right = np.sum(hits, axis=0, dtype=np.float64)
            counted[f"{measure}:claimed"] = (claimed * known, len(valid) * known)
            counted[f"{measure}:right"] = (right * known, len(valid) * known)
    return counted


def _kept(gap: Replicates) -> Replicates:
    """Return the part of the score: 1 without a gap or with too little confidence, 0 at a gap of `WORST`."""

    def scaled(values: Array) -> Array:
        return np.asarray(1.0 - np.clip(values, 0.0, WORST) / WORST, dtype=np.float64)

    value = float(scaled(np.array([gap.value]))[0])
    return Replicates(value, scaled(gap.resampled), scaled(gap.left_out))


def _advice(gaps: dict[str, Replicates]) -> tuple[str, ...]:
    if all(gap.value <= _GUESSES for gap in gaps.values()):
        return ()
    return (
        "Do not act on confidence alone: it says too much of rows unlike the training part. "
        "Use it together with the distance to the training part.",
    )


def _claims(gaps: dict[str, Estimate]) -> ReportTable:
    rows = tuple((name.replace("_", " "), *gap.rounded()) for name, gap in gaps.items())
    return ReportTable("Confidence claimed less share right", ("rows", "gap", "low", "high"), rows)
