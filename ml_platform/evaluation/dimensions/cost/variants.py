"""Cheaper variants of an artifact, what they cost in time by a measurement, and in quality by the test rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.evaluation.comparison.leading_metric import leading_metric
from ml_platform.evaluation.dimensions.cluster_sample import cluster_sample, with_test_rows
from ml_platform.evaluation.dimensions.cost.fewer_trees import fewer_trees, tree_count
from ml_platform.evaluation.dimensions.cost.quantiles import ratio_estimate
from ml_platform.evaluation.dimensions.cost_sample import CostMeter, CostSample
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.intervals.bootstrap import interval, replicate
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.models.artifact_kinds import TreeSum, artifact_kind, scorer_of
from ml_platform.spec.artifact import Artifact

QUANTISED = "int8 weights"
PRUNED = "half the trees"


@dataclass(frozen=True)
class VariantResult:
    """A variant compared with the served artifact on the same rows."""

    name: str
    times_faster: Estimate
    """How many times faster it is with one row per call."""
    times_faster_in_batches: Estimate
    """How many times faster it is with a hundred rows per call."""
    metric: str
    before: float
    after: float
    difference: Estimate
    """After minus before, paired over clusters."""
    megabytes: float


def cheaper_variants(
    artifact: Artifact, meter: CostMeter
) -> tuple[dict[str, Artifact], dict[str, str]]:
    """Return the variants by name, and why each other one does not apply."""
    variants, not_applicable = {}, {}
    of_trees = artifact_kind(artifact.kind).trees is not TreeSum.NO_TREES
    if of_trees and tree_count(artifact) > 1:
        variants[PRUNED] = fewer_trees(artifact, 0.5)
        not_applicable[QUANTISED] = (
            "dynamic int8 quantisation does not apply to trees: there is no matrix"
        )
    else:
        not_applicable[PRUNED] = "the artifact is no ensemble of trees"
        quantised = meter.quantise(artifact)
        if quantised is None:
            not_applicable[QUANTISED] = "the artifact has no matrix product to quantise"
        else:
            variants[QUANTISED] = quantised
    return variants, not_applicable


def evaluate_variants(
    subject: EvaluationContext, variants: Mapping[str, Artifact], sample: CostSample
) -> tuple[VariantResult, ...]:
    """Measure each variant's speed, and what it loses on clusters of test rows, at most 10,000.

    Raises:
        InsufficientData: no metric is defined on these rows, so that nothing tells what a variant loses.
    """
    if not variants:
        return ()
    places = cluster_sample(
        subject.training_set, seed=subject.seed, rows=4_000, clusters=100, most=10_000
    )
    part = with_test_rows(subject.training_set, places)
    adapter, evaluator = adapter_of(subject.spec.task), evaluator_of(subject.spec.task, part)
    alarms = subject.predictions.alarms
    served = Predictions(
        subject.predictions.values[places],
        subject.predictions.threshold,
        alarms=None if alarms is None else alarms[places],
    )
    replicates = replicate(
        evaluator.sufficient_statistics(served), seed=subject.seed, resamples=subject.resamples
    )
    metric = leading_metric(subject.spec, replicates)
    results = []
    for name, artifact in variants.items():
        scorer = scorer_of(artifact)
        predictions = adapter.predictions(name, scorer, part.test, part.record.classes)
        other = replicate(
            evaluator.sufficient_statistics(predictions),
            seed=subject.seed,
            resamples=subject.resamples,
        )
        alone, together = (
            ratio_estimate(
                np.array(turns.served.milliseconds),
                np.array(turns.variant.milliseconds),
                seed=subject.seed,
            )
            for turns in sample.variants[name]
        )
        results.append(
            VariantResult(
                name=name,
                times_faster=alone,
                times_faster_in_batches=together,
                metric=metric,
                before=replicates[metric].value,
                after=other[metric].value,
                difference=interval(metric, other[metric].minus(replicates[metric])),
                megabytes=artifact.size_bytes / 1e6,
            )
        )
    return tuple(results)
