"""The cost dimension: latency, memory and price of scoring by the served artifact."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.dimensions.cost.caching import repeated_share
from ml_platform.evaluation.dimensions.cost.narrative import advice_of, tables_of
from ml_platform.evaluation.dimensions.cost.quantiles import mean_estimate, quantile_estimate
from ml_platform.evaluation.dimensions.cost.variants import cheaper_variants, evaluate_variants
from ml_platform.evaluation.dimensions.cost_sample import CallTimes, CostSample
from ml_platform.evaluation.dimensions.dimension import (
    Chart,
    ChartKind,
    Dimension,
    ScorePart,
    series_of,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.scale import score_of_badness
from ml_platform.spec.standard_gates import LATENCY
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1_000
LATENCY_MEASURE = "one_row_p95_processor_ms"
"""The measure that the gate on latency and the score use: load changes neither."""
ENOUGH_CALLS = 368
"""From this many calls on, the largest time is an upper 95 % bound of the 99th percentile: .99 ** 368 < .025."""
_SECONDS_AN_HOUR = 3_600.0
_NOT_MEASURED = (
    "one_row_p50_ms",
    "one_row_p95_ms",
    "one_row_p99_ms",
    LATENCY_MEASURE,
    "cold_ms",
    "resident_mb",
    "rows_per_second",
    "cost_per_million",
    "cost_per_million_in_batches",
)


def cost(subject: EvaluationContext) -> Dimension:
    """Examine latency, memory, throughput and price, measured in a fresh process, and what would lower them."""
    title, question = "Cost", "How fast does it predict, and what does a prediction cost?"
    artifact, meter = subject.artifact, subject.cost_meter
    if artifact is None or meter is None:
        why = "no artifact was given" if artifact is None else "nobody measured it"
        return Dimension("cost", title, question, why, undefined=dict.fromkeys(_NOT_MEASURED, why))
    rows = shown_rows(subject.training_set)
    variants, senseless = cheaper_variants(artifact, meter)
    sample = meter.measure(artifact, variants, rows)
    try:
        results = evaluate_variants(subject, variants, sample)
    except InsufficientData as error:
        results, senseless = (), {**senseless, **dict.fromkeys(variants, error.message)}
    hits = repeated_share(subject.training_set.test, artifact.features)
    measures = measures_of(sample, meter.price_per_core_hour)
    measures["artifact_mb"] = _exact(artifact.size_bytes / 1e6)
    measures["cache_hit_rate"] = _exact(hits)
    parts = score_parts(measures)
    measures["score"] = _exact(sum(part.score for part in parts) / len(parts))
    findings = []
    if len(sample.one_row.milliseconds) < ENOUGH_CALLS:
        findings.append(
            f"Only {len(sample.one_row.milliseconds)} calls fitted into the time for measuring: the upper bound of "
            "the 99th percentile is the slowest of them, and may be too low."
        )
    return Dimension(
        name="cost",
        title=title,
        question=question,
        summary=_summary(measures),
        measures=measures,
        not_applicable={f"gain of {name}": why for name, why in senseless.items()},
        parts=parts,
        findings=tuple(findings),
        advice=advice_of(sample, results, senseless, hits),
        watch=(
            "p95 and p99 of the time of a prediction, where it is served; the share of it that the graph takes",
            "resident memory of the serving process, after a day",
        ),
        tables=tables_of(sample, measures, results, hits, artifact.size_bytes / 1e6),
        charts=(_batch_chart(sample),),
    )


def shown_rows(training_set: TrainingSet) -> "pd.DataFrame":
    """Return at most `ROWS` test rows to score, evenly spaced in time."""
    test = training_set.test
    places = np.unique(np.linspace(0, len(test) - 1, min(ROWS, len(test))).round().astype(np.int64))
    return test.iloc[places]


def measures_of(sample: CostSample, price_per_core_hour: float) -> dict[str, Estimate]:
    """Return figures by name: milliseconds, megabytes, rows per second and core, price per million predictions."""
    alone, processor = _per_row(sample.one_row), _processor_per_row(sample.one_row)
    measures = {
        f"one_row_p{percent}_ms": quantile_estimate(alone, percent / 100)
        for percent in (50, 95, 99)
    }
    measures[LATENCY_MEASURE] = quantile_estimate(processor, 0.95)
    for batch in sample.batches:
        measures[f"batch_{batch.rows}_ms_per_row"] = quantile_estimate(_per_row(batch), 0.5)
    largest = sample.batches[-1] if sample.batches else sample.one_row
    fastest = quantile_estimate(_per_row(largest), 0.5)
    measures |= {
        "cold_ms": _exact(sample.load_ms + sample.first_answer_ms),
        "resident_mb": _exact(sample.resident_mb),
        "rows_per_second": Estimate(
            *(1_000 / t for t in (fastest.value, fastest.high, fastest.low))
        ),
        "cost_per_million": _price(mean_estimate(processor), price_per_core_hour),
        "cost_per_million_in_batches": _price(
            mean_estimate(_processor_per_row(largest)), price_per_core_hour
        ),
    }
    return measures


def score_parts(measures: dict[str, Estimate]) -> tuple[ScorePart, ...]:
    """Score each figure from 10 (at or below its best) to 1 (at or above its worst), on a logarithm.

    The worst time of a row is the limit of the gate on latency; both count time of the processor.
    """
    scales = (
        ("one row", LATENCY_MEASURE, 1.0, LATENCY.limit, "ms of a core at p95"),
        ("cold start", "cold_ms", 100.0, 10_000.0, "ms to load and predict once"),
        ("memory", "resident_mb", 50.0, 5_000.0, "MB of resident memory added"),
        ("size", "artifact_mb", 10.0, 1_000.0, "MB of artifact"),
    )
    return tuple(
        ScorePart(
            name, _on_scale(measures[key].value, best, worst), f"{measures[key].value:.2f} {unit}"
        )
        for name, key, best, worst, unit in scales
    )


def _on_scale(value: float, best: float, worst: float) -> float:
    place = math.log(max(value, best) / best) / math.log(worst / best)
    return score_of_badness(place)


def _per_row(calls: CallTimes) -> np.ndarray:
    per_row: np.ndarray = np.array(calls.milliseconds) / calls.rows
    return per_row


def _processor_per_row(calls: CallTimes) -> np.ndarray:
    per_row: np.ndarray = np.array(calls.processor_milliseconds) / calls.rows
    return per_row


def _price(milliseconds: Estimate, per_core_hour: float) -> Estimate:
    """Return the price of a million predictions that take so many milliseconds of one core each."""
    factor = 1e6 / 1_000 / _SECONDS_AN_HOUR * per_core_hour
    return Estimate(
        milliseconds.value * factor, milliseconds.low * factor, milliseconds.high * factor
    )


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)


def _summary(measures: dict[str, Estimate]) -> str:
    return (
        f"One row takes {measures['one_row_p50_ms'].value:.2f} ms (p95 {measures['one_row_p95_ms'].value:.2f}, "
        f"p99 {measures['one_row_p99_ms'].value:.2f}), {measures['resident_mb'].value:.0f} MB of memory; a million "
        f"predictions cost {measures['cost_per_million'].value:.4f} one by one, "
        f"{measures['cost_per_million_in_batches'].value:.4f} in batches."
    )


def _batch_chart(sample: CostSample) -> Chart:
    calls = (sample.one_row, *sample.batches)
    medians = [quantile_estimate(_per_row(call), 0.5) for call in calls]
    return Chart(
        title="Time of a row by the size of the batch",
        kind=ChartKind.BARS,
        x_label="rows per call",
        y_label="ms per row (median)",
        series=(series_of("served artifact", tuple(f"{call.rows:,}" for call in calls), medians),),
    )
