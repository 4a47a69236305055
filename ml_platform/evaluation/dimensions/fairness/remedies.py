"""Mitigation of what an examination has shown: which measure, which grouping, on which training rows."""

from dataclasses import replace

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.evaluation.dimensions.fairness.comparisons import Measure
from ml_platform.evaluation.dimensions.fairness.group_statistics import group_sums
from ml_platform.evaluation.dimensions.fairness.groups import UNKNOWN, Grouping, user_groupings
from ml_platform.evaluation.dimensions.fairness.measures import KINDS, shown_unfair
from ml_platform.evaluation.dimensions.fairness.mitigation import (
    EQUALISED,
    Again,
    Tried,
    by_weights,
    refitted,
    reweighing,
    with_thresholds,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.group_metrics import (
    GroupMetrics,
    PersonDecision,
)
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.model import FitRequest, Scorer
from ml_platform.spec.training_set import USER, TrainingSet

NEWEST = 20_000
"""Training rows, the newest, that thresholds and weights are taken from."""


def try_remedies(
    subject: EvaluationContext,
    measures: dict[str, Measure],
    groupings: tuple[Grouping, ...],
    group_metrics: GroupMetrics,
    units: Codes,
) -> tuple[Tried, ...]:
    """Thresholds by group and weights, for each measure of the decision that is shown to be missed."""
    decision, policy = group_metrics.decision, subject.spec.fairness
    missed = [n for n in EQUALISED if n in measures and shown_unfair(n, measures[n], policy)]
    if decision is None or not missed:
        return ()
    rows = replace_train(subject.training_set, NEWEST)
    past = _decided(subject, rows, subject.candidate)
    past_groupings = user_groupings(rows.train[USER], subject.users, policy)
    tried: list[Tried | None] = []
    for name in missed:
        before = measures[name]
        grouping = next(g for g in groupings if g.name == before.compared[0].grouping)
        past_groups = _same_groups(past_groupings, grouping, len(rows.train))
        again = _again(subject, name, grouping, units)
        if past is not None:
            least = policy.minimum_rows
            tried.append(
                with_thresholds(name, before, decision, grouping, past, past_groups, again, least)
            )
            if policy.refit:
                tried.append(_refit(subject, name, before, decision, grouping, again))
            elif name == "selection_ratio":
                tried.append(by_weights(before, decision, grouping, past, past_groups))
    return tuple(remedy for remedy in tried if remedy is not None)


def replace_train(training_set: TrainingSet, newest: int) -> TrainingSet:
    """The training set with its newest training rows alone."""
    return replace(training_set, train=training_set.train.iloc[-newest:])


def _decided(
    subject: EvaluationContext, rows: TrainingSet, scorer: Scorer
) -> PersonDecision | None:
    """What ``scorer`` decides on the training rows."""
    spec, adapter = subject.spec, adapter_of(subject.spec.task)
    predictions = adapter.predictions("candidate", scorer, rows.train, rows.record.classes)
    return adapter.person_decision(spec.fairness, rows.train, rows.record, predictions)


def _same_groups(groupings: tuple[Grouping, ...], grouping: Grouping, rows: int) -> Grouping:
    """``grouping`` of other rows, with the same labels; a group that it lacks is unknown."""
    matching = next((g for g in groupings if g.name == grouping.name), None)
    if matching is None:
        return Grouping(grouping.name, grouping.labels, np.full(rows, UNKNOWN, dtype=np.int64))
    place = {label: i for i, label in enumerate(grouping.labels)}
    codes = np.array([*(place.get(label, UNKNOWN) for label in matching.labels), UNKNOWN])
    return Grouping(grouping.name, grouping.labels, codes[matching.codes])


def _again(subject: EvaluationContext, name: str, grouping: Grouping, units: Codes) -> Again:
    """Measures another decision on the test rows, by the same grouping alone."""
    policy = subject.spec.fairness

    def measure(decision: PersonDecision) -> Measure | None:
        sums = group_sums(
            decision.rates(),
            (grouping,),
            units,
            minimum_rows=policy.minimum_rows,
            minimum_units=policy.minimum_clusters,
            seed=subject.seed,
            resamples=subject.resamples,
        )
        return KINDS[name].compare(sums, KINDS[name].rates, policy)

    return measure


def _refit(
    subject: EvaluationContext,
    name: str,
    before: Measure,
    decision: PersonDecision,
    grouping: Grouping,
    again: Again,
) -> Tried | None:
    """The model fitted to training rows of which each is kept by its weight over the largest one."""
    spec, rows, policy = subject.spec, subject.training_set, subject.spec.fairness
    everything = user_groupings(rows.train[USER], subject.users, policy)
    groups = _same_groups(everything, grouping, len(rows.train))
    truth = _decided(subject, rows, subject.candidate)
    if truth is None:
        return None
    weights = reweighing(truth.positive, truth.known, groups)
    known = truth.known & (groups.codes >= 0)
    chance = np.where(known, weights[groups.codes, truth.positive.astype(np.int64)], 1.0)
    chance /= max(float(chance.max()), 1.0)
    kept = np.random.default_rng(subject.seed).random(len(chance)) < chance
    fit = spec.fit(replace(rows, train=rows.train[kept]), FitRequest(subject.seed, spec.defaults))
    adapter = adapter_of(spec.task)
    predictions = adapter.predictions("refitted", fit.estimator, rows.test, rows.record.classes)
    fitted = adapter.person_decision(policy, rows.test, rows.record, predictions)
    return None if fitted is None else refitted(name, before, decision, fitted, again)
