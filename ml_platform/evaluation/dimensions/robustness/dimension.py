"""The robustness of a candidate: all groups of probes, their measures, and one score from 1 to 10."""

from typing import TYPE_CHECKING

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Dimension, series_of
from ml_platform.evaluation.dimensions.robustness.classes import class_parts
from ml_platform.evaluation.dimensions.robustness.columns import Column, columns_of, known_of
from ml_platform.evaluation.dimensions.robustness.context import Context
from ml_platform.evaluation.dimensions.robustness.extremes import extremes_part, unanswered_measure
from ml_platform.evaluation.dimensions.robustness.missing import missing_parts
from ml_platform.evaluation.dimensions.robustness.noise import LEVELS, boundary_part, noise_part
from ml_platform.evaluation.dimensions.robustness.outside import outside_parts
from ml_platform.evaluation.dimensions.robustness.part import Part, score_part, scored
from ml_platform.evaluation.dimensions.robustness.sample import SLICED, Sample, probed_rows, sampled
from ml_platform.evaluation.dimensions.robustness.shift import shift_part
from ml_platform.evaluation.dimensions.robustness.skill import (
    LEAST_CLUSTERS,
    SampleMetrics,
    dummy_predictions,
    mean_of,
    replicated,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates, bca_interval
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import adapter_of

if TYPE_CHECKING:
    from ml_platform.evaluation.dimensions.registry import EvaluationContext

NAME, TITLE = "robustness", "Robustness"
QUESTION = "What is left of the candidate when its input is noisy, incomplete, extreme or from another time?"
ANSWERED = (
    "score",
    "noise_retained",
    "moderate_noise_retained",
    "decisions_kept",
    "boundary_decisions_kept",
    "missing_retained",
    "missing_large_retained",
    "missing_column_retained",
    "missing_worst_retained",
    "extremes_retained",
    "extremes_worst_retained",
    "unanswered",
    "shift_worst_retained",
    "newest_half_retained",
    "label_shift_retained",
    "worst_class_recall",
    "ood_auc",
    "ood_auc_confidence",
    "ood_auc_distance",
    "overconfidence_ood",
    "overconfidence_perturbed",
)
"""Every measure; a report has a figure for it, or the reason why it has none."""


def robustness(subject: "EvaluationContext") -> Dimension:
    """Examine noise, gaps, extremes, shift, rare classes, boundaries, and rows outside the distribution."""
    columns = columns_of(subject)
    sample = sampled(subject, probed_rows(len(columns)))
    if not columns:
        return _nothing("the candidate reads no column that the test rows have")
    if sample.evaluator.cluster_count < LEAST_CLUSTERS:
        return _nothing(
            f"{sample.evaluator.cluster_count} clusters of test rows, needed are {LEAST_CLUSTERS}"
        )
    unchanged = _sample_metrics(subject, sample)
    metric = next(
        (m for m in adapter_of(subject.spec.task).primary_metrics if m in unchanged.candidate), None
    )
    if metric is None:
        return _nothing("the metric that skill is measured by is not defined on the test rows")
    skill = bca_interval(unchanged.candidate[metric].minus(unchanged.dummy[metric]))
    if skill.low <= 0:
        return _nothing(
            f"no skill to lose is shown: {metric} less that of the dummy scorer is {skill.value:.3f} "
            f"[{skill.low:.3f}, {skill.high:.3f}] on {len(sample.rows)} rows"
        )
    return _assembled(
        subject,
        columns,
        sample,
        Context(
            subject,
            columns,
            known_of(subject.training_set.train, columns),
            sample,
            unchanged,
            metric,
        ),
    )


def _sample_metrics(subject: "EvaluationContext", sample: Sample) -> SampleMetrics:
    """Compute every metric of the candidate and of the dummy scorer on the unchanged rows of ``sample``."""

    def metrics(predictions: Predictions) -> dict[str, Replicates]:
        statistics = sample.evaluator.sufficient_statistics(predictions)
        return replicated(statistics, seed=subject.seed, resamples=subject.resamples)

    dummy = dummy_predictions(subject.spec.task, sample)
    return SampleMetrics(metrics(sample.predictions), metrics(dummy))


def _assembled(
    subject: "EvaluationContext", columns: tuple[Column, ...], sample: Sample, context: Context
) -> Dimension:
    noise, noisy = noise_part(context)
    values, whole, gaps = missing_parts(context)
    parts = (
        noise,
        boundary_part(context, noisy[0]),
        values,
        whole,
        extremes_part(context),
        shift_part(subject, sampled(subject, SLICED), columns, context.metric),
        *class_parts(subject),
        *outside_parts(context, (noisy[LEVELS.index(0.5)], gaps)),
    )
    kept = [part.kept for part in parts if part.kept is not None]
    score = with_interval(scored(mean_of(kept)))
    measures = {"score": score} | {k: v for part in parts for k, v in part.measures.items()}
    measures["unanswered"] = unanswered_measure(sum(part.unanswered for part in parts))
    shown = tuple(scored_part for part in parts if (scored_part := score_part(part)) is not None)
    lowest = min(shown, key=lambda part: part.score)
    return Dimension(
        name=NAME,
        title=TITLE,
        question=QUESTION,
        summary=(
            f"{score.value:.1f} of 10 [{score.low:.1f}, {score.high:.1f}] over {len(shown)} parts; "
            f"weakest: {lowest.name}, {lowest.score:.1f} ({lowest.why})"
        ),
        measures=measures,
        undefined={k: v for part in parts for k, v in part.undefined.items()},
        not_applicable={k: v for part in parts for k, v in part.not_applicable.items()},
        parts=shown,
        findings=(
            f"Asked again about {len(sample.rows)} test rows in {sample.evaluator.cluster_count} clusters; "
            f"skill is {context.label} above the dummy scorer's "
            f"{context.unchanged.dummy[context.metric].value:.2f}.",
            *(finding for part in parts for finding in part.findings),
        ),
        advice=tuple(dict.fromkeys(advice for part in parts for advice in part.advice)),
        watch=tuple(dict.fromkeys(watch for part in parts for watch in part.watch)),
        tables=tuple(table for part in parts for table in part.tables),
        charts=(_scores(parts), *(chart for part in parts for chart in part.charts)),
    )


def _scores(parts: tuple[Part, ...]) -> Chart:
    scores = [
        (part.name, with_interval(scored(part.kept))) for part in parts if part.kept is not None
    ]
    return Chart(
        "Parts of the score",
        ChartKind.BARS,
        "part",
        "score, 1 to 10",
        (
            series_of(
                "score",
                tuple(name for name, _ in scores),
                tuple(estimate for _, estimate in scores),
            ),
        ),
    )


def _nothing(why: str) -> Dimension:
    return Dimension(
        name=NAME,
        title=TITLE,
        question=QUESTION,
        summary=f"cannot be measured: {why}",
        undefined=dict.fromkeys(ANSWERED, why),
        findings=(f"Robustness cannot be measured: {why}.",),
    )
