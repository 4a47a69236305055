"""What a reader of a window asks next: what to do now, why a figure is negative, why a feature is INSUFFICIENT."""

from ml_platform.monitoring.report import FeatureDrift, Light, MonitoringReport, Severity
from ml_platform.reporting.words import moment, sentence
from ml_platform.spec.monitoring_policy import POLICY

_STEPS = {
    "retrain_urgent": (
        "a training for this cause is asked for by itself, once each time that the incident of performance opens",
        "if the loss began with a promotion, roll back first: ml-platform models rollback MODEL",
    ),
    "retrain": (
        "a training for this cause is asked for by itself, once each time that the incident of performance opens",
    ),
    "investigate": (
        "find out why: the day on which it began, the source of what moved, releases and promotions of that day",
        "nothing is trained for it by itself; acknowledge the incident once somebody looks",
    ),
    "monitor": ("look again in the next windows; nothing is trained for it",),
    "no_action": (),
}
_CONFIDENCE = {
    "high": "drift and performance are both known",
    "medium": "performance is not known yet, or a loss is estimated that no label confirms",
    "low": "drift could not be measured, or less is known than that",
}
_MOST_FEATURES = 5


def next_steps(report: MonitoringReport) -> tuple[str, ...]:
    """What follows from the decision for a person, with the window and the features that it is about."""
    steps = list(_STEPS.get(report.action, ()))
    if not steps:
        return ()
    moved = [
        each.name
        for each in (*report.features, *report.predictions)
        if each.severity in (Severity.MODERATE, Severity.SIGNIFICANT)
    ]
    if moved:
        more = len(moved) - _MOST_FEATURES
        names = ", ".join(moved[:_MOST_FEATURES]) + (f" and {more} more" if more > 0 else "")
        steps.append(f"what moved: {names}")
    until = report.rows_until or report.window_end
    start = until - (report.window_end - report.window_start)
    steps.append(f"the rows to look at: {moment(start)} to {moment(until)}")
    return tuple(map(sentence, steps))


def confidence_words(confidence: str) -> str:
    """What HIGH, MEDIUM or LOW confidence of a decision rests on; empty before there is a decision."""
    return _CONFIDENCE.get(confidence, "")


def severity_note(entry: FeatureDrift) -> str:
    """Beside INSUFFICIENT: which of its reasons holds."""
    if entry.severity is not Severity.INSUFFICIENT:
        return ""
    nothing_measured = entry.size == 0 and entry.p_value == 1.0
    return "too few rows after its baseline" if nothing_measured else "quiet weeks differ too much"


def _is_held_back(entry: FeatureDrift) -> bool:
    """Whether only the evidence, and not its size, makes the change MODERATE."""
    missing = abs(entry.missing_current - entry.missing_baseline)
    by_value = entry.adjusted_p_value <= POLICY.alpha and (
        entry.size >= POLICY.size_significant or entry.psi >= POLICY.psi_significant
    )
    by_missing = (
        entry.missing_adjusted_p_value <= POLICY.alpha and missing >= POLICY.size_significant
    )
    return entry.severity is Severity.MODERATE and (by_value or by_missing)


def explained(report: MonitoringReport) -> tuple[str, ...]:
    """Notes on what readers take for errors: negative indices, large but MODERATE, INSUFFICIENT but GREEN."""
    entries = (*report.features, *report.predictions)
    notes = []
    if any(each.psi < 0 for each in entries):
        notes.append(
            "a negative PSI is no error: what chance alone would give in samples of this size is subtracted, so "
            "without drift the index lies around 0, on either side"
        )
    held_back = [each.name for each in entries if _is_held_back(each)]
    if held_back:
        notes.append(
            f"{', '.join(held_back)}: a change of this size would be SIGNIFICANT, but quiet weeks differ so "
            "much here that only the larger share of false discoveries of such features makes it known: "
            "it is MODERATE at most"
        )
    blind = sum(each.severity is Severity.INSUFFICIENT for each in entries)
    if blind:
        notes.append(
            f"{blind} of {len(entries)} are INSUFFICIENT: fewer than {POLICY.minimum_rows} rows or "
            f"{POLICY.minimum_clusters} sessions (or workflows, if counted by them) with a value, in the "
            "baseline or after its end, or quiet "
            f"weeks that differ so much that not even a shift of {POLICY.size_significant:g} would stand out; "
            "nothing is known of them, which is not the same as no drift"
        )
    if blind and report.light is Light.GREEN:
        notes.append(
            "the light is GREEN all the same: most features could be compared, and none of those has moved"
        )
    return tuple(map(sentence, notes))
