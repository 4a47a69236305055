"""The fairness dimension: whether the candidate serves all teams, regions and tenures equally well."""

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.evaluation.dimensions.dimension import Dimension, ScorePart
from ml_platform.evaluation.dimensions.fairness.comparisons import Measure
from ml_platform.evaluation.dimensions.fairness.group_statistics import (
    GroupStatistics,
    group_sums,
    units_of,
)
from ml_platform.evaluation.dimensions.fairness.groups import Grouping, user_groupings
from ml_platform.evaluation.dimensions.fairness.measures import (
    KINDS,
    PROXY,
    SCORE,
    Measured,
    measure_all,
)
from ml_platform.evaluation.dimensions.fairness.mitigation import Tried
from ml_platform.evaluation.dimensions.fairness.proxies import GIVES_AWAY, Proxy, find_proxies
from ml_platform.evaluation.dimensions.fairness.remedies import try_remedies
from ml_platform.evaluation.dimensions.fairness.tables import (
    comparisons_table,
    gap_charts,
    groups_table,
    losses_table,
    mitigation_table,
    proxies_table,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.group_metrics import GroupMetrics
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.scale import score_of_badness
from ml_platform.spec.training_set import CLUSTER, USER

NAME = "fairness"
TITLE = "Fairness"
QUESTION = "Is it as good to one team, region or tenure as to another?"
_WORST_GAP = 0.3
"""A gap, or a ratio short of 1, at which a part of the score is 1."""


def examine_fairness(subject: EvaluationContext) -> Dimension:
    """Compare groups of users in what the task's predictions mean to them; see `docs/fairness.md`.

    Not applicable where the policy names no attribute, or the source has none of them for any user of the
    test rows.
    """
    policy = subject.spec.fairness
    test = subject.training_set.test
    groupings = user_groupings(test[USER], subject.users, policy) if USER in test else ()
    if not groupings:
        if not policy.groupings:
            return _nothing("the model's fairness policy names no attribute to group users by")
        attributes = ", ".join(policy.groupings)
        return _nothing(f"the source has no {attributes} of the users of these rows")
    group_metrics = adapter_of(subject.spec.task).group_metrics(
        policy, subject.training_set, subject.predictions
    )
    users, units = _units(subject)
    sums = group_sums(
        group_metrics.rates,
        groupings,
        units,
        minimum_rows=policy.minimum_rows,
        minimum_units=policy.minimum_clusters,
        seed=subject.seed,
        resamples=subject.resamples,
    )
    measured = measure_all(sums, group_metrics, policy)
    single = [grouping for grouping in groupings if " x " not in grouping.name]
    proxies = find_proxies(
        test,
        _features(subject),
        single,
        users,
        seed=subject.seed,
        resamples=subject.resamples,
    )
    tried = try_remedies(subject, measured.measures, groupings, group_metrics, units)
    return _told(subject, measured, sums, group_metrics, groupings, proxies, tried)


def _nothing(why: str) -> Dimension:
    return Dimension(
        name=NAME,
        title=TITLE,
        question=QUESTION,
        summary=f"Not applicable: {why}.",
        not_applicable=dict.fromkeys((*KINDS, PROXY, SCORE), why),
    )


def _units(subject: EvaluationContext) -> tuple[Codes, Codes]:
    """Return the codes of the users and of the resampled units."""
    import pandas as pd

    test = subject.training_set.test
    users = pd.factorize(test[USER].astype(object).to_numpy())[0].astype(np.int64)
    users = np.where(users < 0, users.max() + 1, users)
    clusters = pd.factorize(test[CLUSTER].astype(object).to_numpy())[0].astype(np.int64)
    units = units_of(clusters, users)
    return users, np.unique(units, return_inverse=True)[1].astype(np.int64)


def _features(subject: EvaluationContext) -> dict[str, str]:
    """Return the kind of each input, as the artifact declares it, else by the type of the column."""
    if subject.artifact is not None:
        return dict(subject.artifact.features)
    test = subject.training_set.test
    kinds = {}
    for name in subject.spec.features:
        if name in test:
            kinds[name] = "number" if test[name].dtype.kind in "fiub" else "category"
    return kinds


def _told(
    subject: EvaluationContext,
    measured: Measured,
    sums: GroupStatistics,
    group_metrics: GroupMetrics,
    groupings: tuple[Grouping, ...],
    proxies: tuple[Proxy, ...],
    tried: tuple[Tried, ...],
) -> Dimension:
    policy = subject.spec.fairness
    measures = {name: measure.estimate for name, measure in measured.measures.items()}
    undefined = dict(measured.undefined)
    if proxies:
        worst = max(proxies, key=lambda proxy: proxy.estimate.value)
        highest = max(proxy.estimate.high for proxy in proxies)
        lowest = max(proxy.estimate.low for proxy in proxies)
        measures[PROXY] = Estimate(worst.estimate.value, lowest, highest)
    else:
        undefined[PROXY] = "fewer than 40 users, or no two groups of them: INSUFFICIENT"
    parts = _parts(measured.measures, proxies)
    if parts:
        score = round(float(np.mean([part.score for part in parts])), 2)
        measures[SCORE] = Estimate(score, score, score)
    else:
        undefined[SCORE] = "nothing could be compared: INSUFFICIENT"
    tables = [
        groups_table(sums, group_metrics),
        comparisons_table(measured.measures),
        losses_table(group_metrics, groupings, policy.minimum_rows),
        *([proxies_table(proxies)] if proxies else []),
        *(mitigation_table(tried) if tried else ()),
    ]
    return Dimension(
        name=NAME,
        title=TITLE,
        question=QUESTION,
        summary=_summary(measured.measures, sums),
        measures=measures,
        undefined=undefined,
        not_applicable=dict(group_metrics.not_applicable),
        parts=parts,
        findings=_findings(measured.measures, sums, groupings, proxies),
        advice=_advice(tried),
        watch=_watch(measured.measures),
        tables=tuple(table for table in tables if table.rows),
        charts=gap_charts(measured.measures),
    )


def _parts(measures: dict[str, Measure], proxies: tuple[Proxy, ...]) -> tuple[ScorePart, ...]:
    """Score 10 where groups are equal, 1 from a gap of `_WORST_GAP` on; a proxy that tells all is worth 5."""
    parts = []
    for name, measure in measures.items():
        gap = abs(measure.estimate.value - KINDS[name].fair)
        parts.append(ScorePart(name, _score(gap / _WORST_GAP), _worst(measure)))
    if proxies:
        value = proxies[0].estimate.value
        why = (
            f"{proxies[0].feature} tells {proxies[0].attribute}: {value:.2f} of the errors avoided"
        )
        parts.append(ScorePart(PROXY, _score(value * 5 / 9), why))
    return tuple(parts)


def _score(badness: float) -> float:
    return round(score_of_badness(badness), 2)


def _worst(measure: Measure) -> str:
    worst, e = measure.compared[0], measure.estimate
    return (
        f"{worst.rate} {worst.of_group:.3f} in {worst.group}, {worst.of_other:.3f} in {worst.against}: "
        f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]"
    )


def _summary(measures: dict[str, Measure], sums: GroupStatistics) -> str:
    if "error_gap" not in measures:
        return f"None of {sums.count} groups is large enough to be compared: INSUFFICIENT."
    return (
        f"{len(sums.large)} of {sums.count} groups are large enough to be compared; the largest gap: "
        f"{_worst(measures['error_gap'])}."
    )


def _findings(
    measures: dict[str, Measure],
    sums: GroupStatistics,
    groupings: tuple[Grouping, ...],
    proxies: tuple[Proxy, ...],
) -> tuple[str, ...]:
    findings = [
        f"{name} is shown for {c.group}: {c.rate} {c.of_group:.3f}, in {c.against} {c.of_other:.3f} "
        f"({c.value:.3f} [{c.low:.3f}, {c.high:.3f}])."
        for name, measure in measures.items()
        for c in measure.compared[:1]
        if (c.high < 1.0 if KINDS[name].fair else c.low > 0.0)
    ]
    small = sums.count - len(sums.large)
    if small:
        findings.append(f"{small} of {sums.count} groups are too small: nothing is said of them.")
    unknown = int((groupings[0].codes < 0).sum())
    if unknown:
        findings.append(
            f"{groupings[0].name} is not known of {unknown} of {len(groupings[0].codes)} rows."
        )
    named = [p for p in proxies if p.estimate.value >= GIVES_AWAY]
    findings += [
        f"{p.feature} gives {p.attribute} away: alone it avoids {p.estimate.value:.0%} of the errors of a "
        f"guess [{p.estimate.low:.0%}, {p.estimate.high:.0%}]."
        for p in named
    ]
    return tuple(findings)


def _advice(tried: tuple[Tried, ...]) -> tuple[str, ...]:
    advice = []
    for remedy in tried:
        before, after = remedy.before.value, remedy.after
        text = f"{remedy.what.capitalize()}: {remedy.measure} from {before:.3f} to {after:.3f}"
        if remedy.accuracy_after is None or remedy.balanced_after is None:
            advice.append(f"{text} at most; what it costs only a new fit can tell.")
        else:
            advice.append(
                f"{text}; accuracy of the decision from {remedy.accuracy_before:.3f} to "
                f"{remedy.accuracy_after:.3f}, balanced from {remedy.balanced_before:.3f} to "
                f"{remedy.balanced_after:.3f}."
            )
    return tuple(advice)


def _watch(measures: dict[str, Measure]) -> tuple[str, ...]:
    if "error_gap" not in measures:
        return ("Groups: none is large enough yet; examine again with more users.",)
    worst = measures["error_gap"].compared[0]
    return (f"The error of {worst.group} ({worst.grouping}) beside that of the rest.",)
