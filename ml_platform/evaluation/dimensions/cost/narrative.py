"""The tables and the advice of the cost dimension: only what was measured is advised."""

from collections.abc import Mapping, Sequence

import numpy as np

from ml_platform.evaluation.dimensions.cost.variants import VariantResult
from ml_platform.evaluation.dimensions.cost_sample import CallTimes, CostSample
from ml_platform.evaluation.report_parts import Estimate, ReportTable

_WORTH_IT = 1.1
"""The lower bound of the speed-up from which on a variant is mentioned."""
_HITS = 0.05
_ENCODES = 0.5


def tables_of(
    sample: CostSample,
    measures: Mapping[str, Estimate],
    results: Sequence[VariantResult],
    hits: float,
    megabytes: float,
) -> tuple[ReportTable, ...]:
    """Calls by their size, what happens once, and the variants."""
    times = ReportTable(
        "Time of a call, in ms",
        ("rows per call", "calls", "p50", "p95", "p99", "p50 per row", "rows per second"),
        tuple(_time_row(calls) for calls in (sample.one_row, *sample.batches)),
    )
    once = ReportTable(
        "Cold and warm",
        ("what", "figure"),
        (
            ("importing libraries, once a process (ms)", round(sample.import_ms, 1)),
            ("loading the artifact, hashes checked (ms)", round(sample.load_ms, 1)),
            ("first prediction (ms)", round(sample.first_answer_ms, 2)),
            ("a warm prediction, p50 (ms)", round(measures["one_row_p50_ms"].value, 3)),
            (
                "the same in time of the processor, p95 (ms)",
                round(measures["one_row_p95_processor_ms"].value, 3),
            ),
            ("resident memory added (MB)", round(sample.resident_mb, 1)),
            ("artifact (MB)", round(megabytes, 3)),
            ("share of a one-row call that the graph takes", _rounded(sample.model_share, 3)),
            (
                "cost of a million predictions, one by one",
                round(measures["cost_per_million"].value, 5),
            ),
            (
                "cost of a million predictions, in batches",
                round(measures["cost_per_million_in_batches"].value, 5),
            ),
        ),
    )
    return (times, once, _variant_table(sample, results, hits, megabytes))


def advice_of(
    sample: CostSample,
    results: Sequence[VariantResult],
    senseless: Mapping[str, str],
    hits: float,
) -> tuple[str, ...]:
    """Advise what would make scoring cheaper, a sentence each, with the measured effect."""
    advice = []
    gain, rows = _best_batch(sample)
    if gain > _WORTH_IT:
        advice.append(
            f"Ask in batches of {rows:,} where predictions can wait: a row is {gain:.0f} times cheaper."
        )
    if sample.model_share is not None and sample.model_share < _ENCODES:
        advice.append(
            f"Of a one-row call the graph takes {sample.model_share:.0%}, encoding the row the rest: "
            "a smaller model would not be felt, a leaner way in would."
        )
    for result in results:
        faster = max(
            result.times_faster, result.times_faster_in_batches, key=lambda estimate: estimate.low
        )
        change = (
            f"{result.metric} {result.before:.4f} -> {result.after:.4f} "
            f"({result.difference.value:+.4f} [{result.difference.low:+.4f}, {result.difference.high:+.4f}]), "
            f"{result.megabytes:.2f} MB"
        )
        worth = "does not pay"
        if faster.low > _WORTH_IT:
            costs = result.difference.high < 0
            worth = "buys speed with quality" if costs else "is worth a thought"
        advice.append(
            f"{result.name.capitalize()} {worth}: {result.times_faster.value:.2f} times as fast for one row, "
            f"{result.times_faster_in_batches.value:.2f} in batches; {change}."
        )
    advice.extend(f"{name.capitalize()}: not applicable, {why}." for name, why in senseless.items())
    if hits >= _HITS:
        advice.append(
            f"A cache of predictions would be asked for what it has in {hits:.1%} of the calls."
        )
    else:
        advice.append(
            f"A cache does not pay: only {hits:.1%} of the test rows repeat an earlier one."
        )
    return tuple(advice)


def _best_batch(sample: CostSample) -> tuple[float, int]:
    alone = float(np.median(sample.one_row.milliseconds))
    gains = [
        (alone * batch.rows / float(np.median(batch.milliseconds)), batch.rows)
        for batch in sample.batches
    ]
    return max(gains, default=(1.0, 1))


def _time_row(calls: CallTimes) -> tuple[float | int, ...]:
    p50, p95, p99 = np.quantile(calls.milliseconds, (0.5, 0.95, 0.99)).tolist()
    return (
        calls.rows,
        len(calls.milliseconds),
        round(p50, 3),
        round(p95, 3),
        round(p99, 3),
        round(p50 / calls.rows, 4),
        round(1_000 * calls.rows / p50),
    )


def _variant_table(
    sample: CostSample, results: Sequence[VariantResult], hits: float, megabytes: float
) -> ReportTable:
    gain, rows = _best_batch(sample)
    table: list[tuple[str | float | None, ...]] = [
        (
            variant.name,
            round(variant.times_faster.value, 2),
            round(variant.times_faster_in_batches.value, 2),
            variant.metric,
            round(variant.before, 4),
            round(variant.after, 4),
            round(variant.megabytes, 3),
        )
        for variant in results
    ]
    if sample.batches:
        table.append(
            (
                f"batches of {rows:,}",
                None,
                round(gain, 2),
                "the same predictions",
                None,
                None,
                round(megabytes, 3),
            )
        )
    table.append(
        (
            f"a cache that hits {hits:.1%}, at most",
            round(1 / max(1 - hits, 1e-3), 2),
            None,
            "the same predictions",
            None,
            None,
            None,
        )
    )
    return ReportTable(
        "Cheaper variants",
        ("variant", "times faster, one row", "in batches", "metric", "before", "after", "MB"),
        tuple(table),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
