"""Whether a champion can be judged on the rows of a later training set, and what must be said of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ml_platform.spec.training_set import TrainingSetRecord


def why_not_comparable(
    name: str,
    features: Collection[str],
    learned: TrainingSetRecord | None,
    record: TrainingSetRecord,
) -> str:
    """Why the candidate of another model cannot be judged on these rows; empty if it can.

    It must have learned from the same split: one that has seen the test rows would win by memory.
    """
    if learned is None:
        return f"the training set of {name} is not in the ledger"
    if (learned.table, learned.split) != (record.table, record.split):
        return f"{name} learned from another split"
    gone = sorted(set(features) - set(record.features))
    return f"{name} takes {', '.join(gone)}, which the training set lacks" if gone else ""


@dataclass(frozen=True)
class Comparability:
    """``possible`` is False where it cannot answer on these rows; ``note`` says why, or what differs."""

    possible: bool
    note: str


def comparability(
    version: int,
    *,
    features: Collection[str],
    feature_versions: Mapping[str, str],
    classes: Collection[str],
    record: TrainingSetRecord,
) -> Comparability:
    """Hold what a champion takes and answers against a training set.

    A feature that is gone or a class that is not among the training set's makes it impossible. A
    feature of another version does not: production, too, gives the champion the feature as it is
    defined now, so that is what a candidate has to beat; but it is said.
    """
    gone = sorted(set(features) - set(record.features))
    strangers = sorted(set(classes) - set(record.classes))
    told = []
    if gone:
        told.append(f"version {version} takes {', '.join(gone)}, which the training set lacks")
    if strangers:
        told.append(f"version {version} answers {', '.join(strangers)}, which no row is of now")
    if told:
        return Comparability(False, "; ".join(told))
    changed = [
        f"{name} ({feature_versions.get(name)}, now {record.feature_versions[name]})"
        for name in sorted(features)
        if name in record.feature_versions
        and feature_versions.get(name) != record.feature_versions[name]
    ]
    note = f"version {version} learned from other versions of {', '.join(changed)}"
    return Comparability(True, note if changed else "")
