"""The dimension of explanations: global and local ones, and their stability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.comparison.leading_metric import leading_metric
from ml_platform.evaluation.dimensions.cluster_sample import cluster_sample, with_test_rows
from ml_platform.evaluation.dimensions.dimension import Dimension, ScorePart
from ml_platform.evaluation.dimensions.explanations.drift import baseline_of, to_table
from ml_platform.evaluation.dimensions.explanations.groups import (
    FeatureGroup,
    explained_features,
    feature_groups,
)
from ml_platform.evaluation.dimensions.explanations.importance import Importance, importances
from ml_platform.evaluation.dimensions.explanations.local import LocalExplanation, explained_rows
from ml_platform.evaluation.dimensions.explanations.narrative import (
    charts_of,
    findings_of,
    tables_of,
)
from ml_platform.evaluation.dimensions.explanations.refits import Refits, refit_agreement
from ml_platform.evaluation.dimensions.explanations.shuffling import (
    REPEATS,
    Shuffled,
    shuffle_groups,
)
from ml_platform.evaluation.dimensions.explanations.stability import Stability, stability_of
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.models.artifact_kinds import artifact_kind
from ml_platform.spec.scale import score_of_badness, score_of_goodness
from ml_platform.spec.training_set import CLUSTER

ANSWERED, ANSWERED_FAST = 90_000, 400_000
"""About the number of rows that are scored for the global explanation: two seconds."""
MOST_ROWS = 6_000
LEAST_CLUSTERS = 100
RESAMPLES = 300
_NAME, _TITLE = "explanations", "Explanations"
_QUESTION = "What do its predictions rest on, and is that the same when it is asked again?"
_OF_ORDER = ("stability", "reseeding", "top5_overlap")


@dataclass(frozen=True)
class _Evidence:
    """All explanations of a candidate."""

    shuffled: Shuffled
    metric: str
    globally: tuple[Importance, ...]
    stability: Stability | str
    """The local explanations, or why there are none."""
    refits: Refits
    locally: tuple[LocalExplanation, ...]
    exact: bool


def explanations(subject: EvaluationContext) -> Dimension:
    """Permutation importance and local contributions on clusters of test rows; their stability."""
    test = subject.training_set.test
    groups = feature_groups([name for name in _features(subject) if name in test.columns])
    try:
        evidence = _found(subject, groups)
    except InsufficientData as error:
        why = error.message
        undefined = dict.fromkeys((*_OF_ORDER, "additivity_gap", "largest_share"), why)
        return Dimension(_NAME, _TITLE, _QUESTION, why, undefined=undefined)
    measures, undefined, not_applicable = _measures(evidence)
    parts = _parts(measures)
    mean = sum(part.score for part in parts) / len(parts)
    measures["score"] = Estimate(mean, mean, mean)
    return Dimension(
        name=_NAME,
        title=_TITLE,
        question=_QUESTION,
        summary=_summary(evidence),
        measures=measures,
        undefined=undefined,
        not_applicable=not_applicable,
        parts=parts,
        findings=findings_of(
            evidence.globally,
            evidence.metric,
            evidence.refits,
            evidence.shuffled.rows,
            len(evidence.shuffled.moved),
        ),
        watch=(
            "the shares of the groups of features, against the baseline stored here: a group that takes over "
            "is a change of reasons, and needs no label to be seen",
        ),
        tables=tables_of(
            evidence.globally, evidence.metric, evidence.locally, groups, evidence.exact
        ),
        charts=charts_of(evidence.globally, evidence.metric),
        stored=(
            to_table(
                baseline_of(evidence.shuffled.groups, evidence.shuffled.moved, seed=subject.seed)
            ),
        ),
    )


def _features(subject: EvaluationContext) -> Sequence[str]:
    """Return the features that the candidate takes, in the order of the training set."""
    declared = subject.training_set.record.features
    if subject.artifact is None:
        return declared
    return explained_features(declared, tuple(subject.artifact.features))


def _found(subject: EvaluationContext, groups: tuple[FeatureGroup, ...]) -> _Evidence:
    import pandas as pd

    if not groups:
        raise InsufficientData("None of its features is among the columns.", remedy="send them")
    fast = subject.artifact is not None and artifact_kind(subject.artifact.kind).fast_scoring
    wanted = min(MOST_ROWS, (ANSWERED_FAST if fast else ANSWERED) // (REPEATS * len(groups)))
    places = cluster_sample(
        subject.training_set,
        seed=subject.seed,
        rows=wanted,
        clusters=LEAST_CLUSTERS,
        most=3 * wanted,
    )
    part = with_test_rows(subject.training_set, places)
    evaluator = evaluator_of(subject.spec.task, part)
    clusters = pd.factorize(part.test[CLUSTER].to_numpy(), sort=True)[0].astype(np.int64)
    shuffled = shuffle_groups(
        subject.candidate,
        part.test,
        part.record.classes,
        clusters,
        groups,
        evaluator,
        bounded=adapter_of(subject.spec.task).bounded,
        seed=subject.seed,
    )
    metric = leading_metric(
        subject.spec, shuffled.base.metrics(shuffled.base.sums.sum(axis=0)[None])
    )
    resamples = min(RESAMPLES, subject.resamples)
    locally, exact = explained_rows(subject, groups)
    stability: Stability | str
    try:
        stability = stability_of(shuffled, metric, seed=subject.seed)
    except InsufficientData as error:
        stability = error.message
    return _Evidence(
        shuffled=shuffled,
        metric=metric,
        globally=importances(shuffled, metric, seed=subject.seed, resamples=resamples),
        stability=stability,
        refits=refit_agreement(subject, part, evaluator, clusters, groups, metric),
        locally=locally,
        exact=exact,
    )


def _measures(evidence: _Evidence) -> tuple[dict[str, Estimate], dict[str, str], dict[str, str]]:
    """Return the measures, those that are undefined, and those that make no sense here."""
    gap = max(explanation.gap for explanation in evidence.locally)
    largest = max(evidence.globally, key=lambda importance: importance.share.value)
    measures = {"additivity_gap": Estimate(gap, gap, gap), "largest_share": largest.share}
    undefined: dict[str, str] = {}
    not_applicable: dict[str, str] = {}
    if isinstance(evidence.stability, Stability):
        estimates = (
            evidence.stability.halves,
            evidence.stability.reseeding,
            evidence.stability.top_overlap,
        )
        measures |= dict(zip(_OF_ORDER, estimates, strict=True))
    else:
        undefined |= dict.fromkeys(_OF_ORDER, evidence.stability)
    if evidence.refits.agreement is None:
        not_applicable["refit_stability"] = evidence.refits.done
    else:
        measures["refit_stability"] = evidence.refits.agreement
    return measures, undefined, not_applicable


def _parts(measures: dict[str, Estimate]) -> tuple[ScorePart, ...]:
    """Agreement of 1 is 10, of 0 and below is 1; a gap of 1e-9 is 10, of .01 is 1."""
    gap = measures["additivity_gap"].value
    decades = np.log10(max(gap, 1e-9)) + 9
    parts = [ScorePart("additive", score_of_badness(float(decades / 7)), f"largest gap {gap:.1e}")]
    for name, key in (
        ("the same on other rows", "stability"),
        ("the same by other shuffles", "reseeding"),
        ("the same of another fit", "refit_stability"),
    ):
        if key in measures:
            value = measures[key].value
            parts.append(ScorePart(name, score_of_goodness(value), f"rank correlation {value:.2f}"))
    return tuple(parts)


def _summary(evidence: _Evidence) -> str:
    foremost = max(evidence.globally, key=lambda importance: importance.loss.value)
    text = (
        f"{foremost.group.name} matters most: shuffled, {evidence.metric} falls by {foremost.loss.value:.3f} "
        f"[{foremost.loss.low:.3f}, {foremost.loss.high:.3f}]"
    )
    if isinstance(evidence.stability, Stability):
        halves = evidence.stability.halves
        text += f"; the order of importance agrees between halves of the rows by {halves.value:.2f}"
    return text + "."
